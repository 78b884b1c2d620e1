"""stdout and stderr that never cost a command its end.

closed (``>&-``)            nobody wants the words: they go nowhere
a reader that went away     (``| head -1``) likewise, and the exit status stays the command's own: a run
                            is in its folder whole, and a script under ``pipefail`` is not misled
anything else (a full disk) the command goes on; what was lost is for the caller to say
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Stream(io.FileIO):
    """A descriptor to write to. ``lost`` is the first error; what comes after it goes nowhere."""

    lost: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write *data*, or take note that it cannot be written; never raises ``OSError``."""
        if self.lost is None:
            try:
                return super().write(data)
            except OSError as error:
                self.lost = error
        return memoryview(data).nbytes

    @property
    def trouble(self) -> OSError | None:
        """Return what kept words from a reader who was there to read them."""
        return None if isinstance(self.lost, BrokenPipeError) else self.lost


def settle() -> Stream:
    """Put such streams in the place of ``sys.stdout`` and ``sys.stderr``; return the one under stdout."""
    for number in (0, 1, 2):
        _fill(number)
    answer, notes = (Stream(number, "w", closefd=False) for number in (1, 2))
    sys.stdout = _text(answer, sys.stdout, lines=answer.isatty())
    sys.stderr = _text(notes, sys.stderr, lines=True)
    return answer


def _fill(number: int) -> None:
    """Open what is closed: else the next file or socket would get a standard stream's number."""
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, so this one


def _text(stream: Stream, before: TextIO | None, *, lines: bool) -> TextIO:
    encoding = "utf-8" if before is None else before.encoding
    # A dash that a terminal lacks must not cost the answer.
    return io.TextIOWrapper(
        io.BufferedWriter(stream), encoding=encoding, errors="replace", line_buffering=lines
    )
