"""When an exchange has waited long enough: stall time-out and deadline. No clock inside, no I/O.

A stall is a time in which nothing moved: no byte accepted, none received, and the kernel's send
queue unchanged. The last matters: what the kernel holds drains without any send or recv. So while
the queue holds bytes a wait is cut into looks, and a look that finds it changed counts as movement.
"""

from __future__ import annotations

from collections.abc import Callable

LOOKS = 8  # per stall time-out: it can end early by one look at most
LONGEST_LOOK_S = 0.25  # and an instant of movement is known that well


class Patience:
    """The time-outs of one exchange. ``stall`` in seconds, ``deadline`` an instant; None is without end.

    ``queued`` returns the bytes in the kernel's send queue, or None when that cannot be known.
    """

    def __init__(
        self, stall: float | None, deadline: float | None, queued: Callable[[], int | None], now: float
    ) -> None:
        self._stall = stall
        self._deadline = deadline
        self._queued = queued
        self._last = now
        self._seen: int | None = None  # the queue at the last look since the last send

    def moved(self, now: float) -> None:
        """Begin the stall anew: bytes were accepted or received at *now*."""
        self._last = now
        self._seen = None

    def expired(self, now: float) -> bool:
        """Return whether the deadline has come."""
        return self._deadline is not None and now >= self._deadline

    def left(self, now: float) -> float | None:
        """Return for how many seconds to wait before the next ``look``; None is for ever."""
        ends = [self._deadline] if self._deadline is not None else []
        if self._stall is not None:
            ends.append(self._last + self._stall)
            if self._seen != 0:
                ends.append(now + min(self._stall / LOOKS, LONGEST_LOOK_S))
        return max(0.0, min(ends) - now) if ends else None

    def look(self, now: float) -> bool:
        """Return whether the send queue changed since the last look; that counts as movement."""
        if self._stall is None:
            return False
        queued = self._queued()
        drained = self._seen is not None and queued != self._seen
        self._seen = queued
        if drained:
            self._last = now
        return drained

    def stalled(self, now: float) -> bool:
        """Return whether nothing moved for the whole stall time-out."""
        return self._stall is not None and now - self._last >= self._stall
