"""``simsim report``: what it prints, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.cli.main import main
from simulator.cli.report import report, show
from simulator.errors import UsageError
from simulator.records import dump
from tests.helpers.made_records import MadeRun
from tests.helpers.made_summary import made_findings

SUMMARY = made_findings().summary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which a report was made."""
    (tmp_path / "summary.json").write_text(SUMMARY.model_dump_json())
    return tmp_path


def test_the_answer_ends_with_the_place_of_the_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(folder, json=False)
    said = capsys.readouterr()
    assert said.out.startswith("Resumption avoided")
    assert said.out.splitlines()[-1] == str(folder / "report.html")
    assert said.err == ""


def test_a_pipe_gets_no_colour(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(folder, json=False)
    assert "\x1b" not in capsys.readouterr().out


def test_quiet_prints_the_answer_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(folder, json=False, quiet=True)
    assert "report.html" not in capsys.readouterr().out


def test_json_is_the_whole_summary_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(folder, json=True)
    assert json.loads(capsys.readouterr().out) == json.loads(SUMMARY.model_dump_json())


def test_records_that_make_no_sense_are_one_line_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = MadeRun()
    run.upload("tus").send(0, 1).completed(1)
    lines = "\n".join(dump(record) for record in run.records())
    (tmp_path / "records.jsonl").write_text(lines.replace('"size":1000,', '"size":0,') + "\n")
    monkeypatch.setattr("sys.argv", ["simsim", "report", str(tmp_path)])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main() == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"simsim: {tmp_path / 'records.jsonl'}: line 4 makes no sense: 'size' is 0")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name the folder of a run"):
        report(tmp_path)
