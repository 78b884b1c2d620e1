"""Keys from a pipe and from a terminal."""

from __future__ import annotations

import io
import os
import pty
import sys
import termios
from collections.abc import Iterator

import pytest

from simulator.cli.keys import Keyboard


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of a pipe whose other end is standard input."""
    out, into = os.pipe()
    with os.fdopen(out) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield into
        try:
            os.close(into)
        except OSError:  # the test did
            pass


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of a terminal that is standard input, and in whose foreground we are."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
        yield ours
    os.close(ours)


def test_a_line_from_a_pipe_is_the_key_of_its_first_letter(pipe: int) -> None:
    with Keyboard() as keyboard:
        assert not keyboard.single
        os.write(pipe, b"s\n  cut \n\n2\nqui")
        assert keyboard.wait(5) == "sc2"
        os.write(pipe, b"t\n")
        assert keyboard.wait(5) == "q"


def test_a_pipe_that_ends_ends_nothing_and_its_last_line_counts(pipe: int) -> None:
    with Keyboard() as keyboard:
        os.write(pipe, b"h")
        os.close(pipe)
        assert keyboard.wait(5) == ""
        assert keyboard.wait(5) == "h"
        assert keyboard.wait(0.01) == ""
        assert keyboard.wait(0.01) == ""


def test_without_a_standard_input_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for stdin in (None, io.StringIO()):
        monkeypatch.setattr(sys, "stdin", stdin)
        with Keyboard() as keyboard:
            assert keyboard.wait(0.01) == ""


def modes(fd: int) -> int:
    return int(termios.tcgetattr(fd)[3]) & (termios.ECHO | termios.ICANON)


def test_a_terminal_gives_keys_at_once_and_is_as_before_however_it_ends(terminal: int) -> None:
    before = modes(sys.stdin.fileno())
    assert before == termios.ECHO | termios.ICANON
    with pytest.raises(KeyboardInterrupt), Keyboard() as keyboard:
        assert keyboard.single
        assert modes(sys.stdin.fileno()) == 0
        os.write(terminal, b"s2")
        assert keyboard.wait(5) == "s2"
        os.write(terminal, b"\x1b[1;5C")
        assert keyboard.wait(5) == ""
        raise KeyboardInterrupt
    assert modes(sys.stdin.fileno()) == before


def test_in_the_background_of_a_terminal_nothing_is_read(
    terminal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
    with Keyboard() as keyboard:
        assert not keyboard.single
        assert modes(sys.stdin.fileno()) == termios.ECHO | termios.ICANON
        os.write(terminal, b"q")
        assert keyboard.wait(0.01) == ""
