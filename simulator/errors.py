"""Errors that simsim raises on purpose, each with its exit code.

A message has three parts: what is wrong, where (file, key, option), and how to mend it.
Anything else that reaches the command line is a bug of ours and is reported as one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SimsimError(Exception):
    """The root of all errors that simsim raises on purpose.

    ``what`` says what is wrong, ``where`` the file, key or option, ``mend`` what would be right.
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f" (hint: {self.mend})" if self.mend else ""
        return f"{place}{self.what}{hint}"


class UsageError(SimsimError):
    """What the user typed or wrote cannot be used; nothing was started."""

    exit_code = 2


class PartDied(SimsimError):
    """A part of the run (engine, worker, server) ended by itself: the run is not valid."""

    exit_code = 3


class Interrupted(SimsimError):
    """The user asked again for the end before the report was made; the records are kept."""

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint naming the closest of *known* to *word*, or all of them when none is close."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else f"one of: {', '.join(names)}"


def refuse_undecodable(words: Iterable[str]) -> None:
    """Raise ``UsageError`` for a word whose bytes are no text in the locale's encoding (PEP 383).

    Records and reports are UTF-8 and could not hold it.
    """
    for word in words:
        shown = word.encode(errors="replace").decode()
        if shown != word:
            raise UsageError(
                f"'{shown}' holds bytes that are no text here",
                where="the command line",
                mend="rename the file, or set LC_ALL to the encoding it is in, such as C.UTF-8",
            )
