"""How long reading back what a server stored may take: a time for each reading, within a time for all.

Both grow with the bytes: no disk, and no line that a load test is run over, gives back less than 1 MB/s.
What is slower would keep the answer from whoever waits for it, and a server that trickles for ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from simulator.units import format_duration

EACH = 10.0, 1e6  # seconds, and the bytes per second that are given on top: one reading
ALL = 60.0, 2e6  # all readings of a run together


class OutOfTime(Exception):
    """A reading took longer than it may."""


class Allowance:
    """The time for reading uploads of *sizes* (bytes); it runs from now on."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self._all = _seconds(ALL, sum(sizes))
        self._end = time.monotonic() + self._all

    def until(self, size: int) -> float:
        """Return the instant at which a reading of *size* bytes that begins now is given up."""
        return min(time.monotonic() + _seconds(EACH, size), self._end)

    def over(self) -> bool:
        """Return whether the time of all is over."""
        return time.monotonic() >= self._end

    def why(self, size: int) -> str:
        """Say which time a reading of *size* bytes has overrun."""
        if self.over():
            return f"the {format_duration(self._all)} for reading all uploads were over"
        return f"not read whole within {format_duration(_seconds(EACH, size))}"


def in_time(pieces: Iterable[bytes], until: float) -> Iterator[bytes]:
    """Yield *pieces*; raises ``OutOfTime`` when one comes after the instant *until*."""
    for piece in pieces:
        if time.monotonic() > until:
            raise OutOfTime
        yield piece


def _seconds(bound: tuple[float, float], size: int) -> float:
    start, rate = bound
    return start + size / rate
