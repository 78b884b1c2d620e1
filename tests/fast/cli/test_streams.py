"""What becomes of a command when its words can go nowhere: an end in order, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.runs import shell


@pytest.mark.parametrize("command", ["profiles list", "--help", "servers list", "doctor"])
def test_a_closed_stdout_is_nobody_who_listens(command: str, tmp_path: Path) -> None:
    ended = shell(f"simsim {command} >&-", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("command", ["profiles list", "profiles list --json", "--help"])
def test_a_full_stdout_is_one_line_and_a_status_of_its_own(command: str, tmp_path: Path) -> None:
    ended = shell(f"simsim {command} >/dev/full", tmp_path)
    assert ended.stderr == b"simsim: stdout cannot be written: No space left on device\n"
    assert ended.returncode == 74


def test_a_reader_that_has_enough_does_not_change_the_status(tmp_path: Path) -> None:
    ended = shell("for each in 1 2 3; do simsim profiles show lte --json; done | head -1; "
                  "simsim profiles show lte | true; echo ${PIPESTATUS[0]}", tmp_path)  # fmt: skip
    assert (ended.stdout, ended.stderr) == (b"{\n0\n", b"")


@pytest.mark.parametrize("end", ["2>&-", "2>/dev/full"])
def test_a_stderr_that_takes_no_words_leaves_the_status(end: str, tmp_path: Path) -> None:
    ended = shell(f"simsim report nowhere {end}", tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, b"", b"")


def test_no_file_is_opened_in_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    ended = shell("simsim profiles plot clean --out a.svg <&- >&- 2>&-; head -c 5 a.svg", tmp_path)
    assert ended.stdout == b"<?xml"


@pytest.mark.parametrize(
    "words",
    [
        "run $'l\\xff'",
        "run $'./l\\xff.toml'",
        "run lte --size $'./l\\xff'",
        "run lte --results=$'r\\xff'",
        "run lte --against $'http://127.0.0.1/\\xff'",
        "run lte --server $'\\xff.toml'",
        "run lte --header $'X: \\xff'",
        "run lte --protocols $'tus,\\xff'",
        "profiles show $'\\xff'",
        "profiles plot clean --out $'\\xff.svg'",
        "servers install $'\\xff'",
        "serve --dir $'\\xff'",
        "report $'\\xff'",
        "$'\\xff'",
    ],
)
def test_bytes_that_are_no_text_are_refused_in_one_line(words: str, tmp_path: Path) -> None:
    ended = shell(f"simsim {words}", tmp_path, LC_ALL="C.UTF-8")
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"simsim: the command line: '")
    assert b"holds bytes that are no text here (hint: " in ended.stderr
    assert ended.stderr.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []
