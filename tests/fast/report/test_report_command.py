"""``simsim report``: what it prints, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.cli.report import report, show
from simulator.errors import UsageError
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


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name the folder of a run"):
        report(tmp_path)
