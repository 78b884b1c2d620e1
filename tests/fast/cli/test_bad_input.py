"""Whatever is typed wrong is refused in one line, with status 2, before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simulator.cli.main import main

CASES = [
    (["run", "mobile-flakey"], "mobile-flaky"),
    (["run", "./nowhere.toml"], "nowhere.toml"),
    (["run", "lte", "--protocols", "tuss"], "did you mean 'tus'"),
    (["run", "lte", "--protocols", ","], "--protocols"),
    (["run", "lte", "--protocols", "tus,tus"], "named twice"),
    (["run", "lte", "--server", "tusdd"], "did you mean 'tusd'"),
    (["run", "lte", "--engine", "toxyproxy"], "--engine"),
    (["run", "lte", "--users", "0"], "--users"),
    (["run", "lte", "--users", "2000000"], "--users"),
    (["run", "lte", "--users", "many"], "--users"),
    (["run", "lte", "--size", "0 MB"], "0 MB"),
    (["run", "lte", "--size", "-3 MB"], "-3 MB"),
    (["run", "lte", "--size", ""], "size"),
    (["run", "lte", "--size", "x" * 5000], "size"),
    (["run", "lte", "--size", "./no-such-file"], "./no-such-file"),
    (["run", "lte", "--deadline", "60"], "60 s"),
    (["run", "lte", "--for", "1 min", "--uploads", "3"], "--uploads and --for"),
    (["run", "lte", "--spawn-rate", "0"], "--spawn-rate"),
    (["run", "lte", "--workers", "0"], "--workers"),
    (["run", "lte", "--seed", "-1"], "--seed"),
    (["run", "lte", "--piece", "3"], "--piece"),
    (["run", "lte", "--header", "nonsense"], "--header"),
    (["run", "lte", "--against", "ftp://127.0.0.1/"], "ftp"),
    (["run", "lte", "--against", "nonsense"], "nonsense"),
    (["run", "lte", "--against", "http://192.0.2.1/files/"], "--allow-remote"),
    (["run"], "profile"),
    (["rum", "lte"], "rum"),
    (["run", "lte", "--userz", "3"], "--userz"),
    (["report", "nowhere"], "nowhere"),
    (["profiles", "show", "nothing"], "nothing"),
    (["profiles", "nonsense"], "nonsense"),
    (["servers", "install", "apache"], "apache"),
    (["engines", "install", "netem"], "netem"),
    (["run", "lte", "--engine", "http://192.0.2.1:8474"], "--allow-remote"),
    (["run", "lte", "--engine", "http://127.0.0.1:9"], "no toxiproxy answers"),
]


def run_main(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> int:
    monkeypatch.setattr(sys, "argv", ["simsim", *words])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return main()


@pytest.mark.parametrize(("words", "told"), CASES, ids=[" ".join(words) for words, _ in CASES])
def test_bad_input_is_one_line_and_status_two(
    words: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    status = run_main(monkeypatch, words)
    said = capsys.readouterr()
    assert status == 2
    assert said.err.count("\n") == 1
    assert said.err.startswith("simsim: ")
    assert told in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_malformed_profile_is_refused_with_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "bad"\nsummary = \n')
    assert run_main(monkeypatch, ["run", str(bad)]) == 2
    assert "bad.toml" in capsys.readouterr().err


def test_a_results_folder_that_cannot_be_made_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert run_main(monkeypatch, ["run", "lte", "--results", str(tmp_path / "file" / "results")]) == 2
    assert "--results" in capsys.readouterr().err
