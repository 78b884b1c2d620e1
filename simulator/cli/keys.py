"""Keys that a user presses while a command runs: single ones on a terminal, lines from anything else."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
import tty
from types import TracebackType
from typing import Any, Self

ESCAPE = b"\x1b"


class Keyboard:
    """Standard input as keys. A context manager; the terminal is as it was before when it is left.

    A line from a pipe or a file is the key of its first letter, so that ``stall`` and ``s`` are one.
    """

    def __init__(self) -> None:
        self._fd = _descriptor()
        self._terminal = self._fd is not None and os.isatty(self._fd)
        if self._terminal and self._fd is not None and os.tcgetpgrp(self._fd) != os.getpgrp():
            self._fd = None  # in the background: to read would stop the process
        self._line = b""
        self._before: list[Any] | None = None
        self._handler: Any = None

    @property
    def single(self) -> bool:
        """Whether a person can press single keys."""
        return self._terminal and self._fd is not None

    def wait(self, seconds: float) -> str:
        """Return the keys that were pressed, waiting up to *seconds* for the first."""
        if self._fd is None:
            time.sleep(seconds)
            return ""
        if not select.select([self._fd], [], [], seconds)[0]:
            return ""
        data = os.read(self._fd, 4096)
        if not data:
            self._fd = None
        return self._keys(data).decode("ascii", "ignore")

    def __enter__(self) -> Self:
        if self.single and self._fd is not None:
            self._before = termios.tcgetattr(self._fd)
            self._handler = signal.signal(signal.SIGCONT, lambda *_: self._take())
            self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGCONT, self._handler)
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def _take(self) -> None:
        """Have keys at once and unseen. A shell takes that back when it stops the process (Ctrl-Z)."""
        tty.setcbreak(sys.stdin.fileno())

    def _keys(self, data: bytes) -> bytes:
        if self._terminal:
            return data.partition(ESCAPE)[0]  # an arrow key is several characters, none of them meant
        *lines, self._line = (self._line + data).split(b"\n")
        if not data:
            lines, self._line = [self._line], b""
        return b"".join(line.strip()[:1] for line in lines)


def _descriptor() -> int | None:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # closed, or not there at all
        return None
