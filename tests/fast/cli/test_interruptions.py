"""Ctrl-C when everything is on record but the report is not made yet: words, and nothing lost."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from simulator import pipeline
from simulator.cli.live import View
from simulator.cli.main import main
from simulator.errors import Interrupted


def test_an_interrupted_report_leaves_the_records_and_says_how_to_make_it(tmp_path: Path) -> None:
    with (
        pytest.raises(Interrupted, match=r"records are kept \(hint: `simsim report '.*my runs/") as words,
        pipeline.new_folder(tmp_path / "my runs", "lte") as folder,
    ):
        (folder / "run.json").write_text("{}")
        raise KeyboardInterrupt
    assert (folder / "run.json").exists()
    assert words.value.exit_code == 130


def test_before_the_run_begins_nothing_is_left_and_nothing_is_promised(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), pipeline.new_folder(tmp_path, "lte"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


class Impatient:
    """A thread that lives until somebody waits for it, who is interrupted."""

    def is_alive(self) -> bool:
        return True

    def join(self) -> None:
        raise KeyboardInterrupt


def test_one_more_interruption_takes_no_words_away(monkeypatch: pytest.MonkeyPatch) -> None:
    view = View(quiet=True)
    monkeypatch.setattr(view, "_thread", Impatient())
    with pytest.raises(Interrupted), view:
        raise Interrupted("the records are kept")
    with pytest.raises(KeyboardInterrupt), view:
        pass


def test_what_is_said_at_the_end_is_one_line_and_cannot_be_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ignored: list[object] = []

    def run(*_: object) -> None:
        raise Interrupted("the records are kept", where="results/x")

    monkeypatch.setattr("simulator.pipeline.run", run)
    monkeypatch.setattr("signal.signal", lambda number, handler: ignored.append((number, handler)))
    monkeypatch.setattr("sys.argv", ["simsim", "run", "lte", "--quiet"])
    assert main() == 130
    assert capsys.readouterr().err == "simsim: results/x: the records are kept\n"
    assert (signal.SIGINT, signal.SIG_IGN) in ignored
