"""One direction of a link: a fluid bottleneck in virtual time, then one delay line.

    push --> queue (FIFO, bounded) --> bottleneck (RateCurve) --> delay line (monotone) --> arrived

Pure: time is an argument, in seconds since the link's start, and bytes are only counted. Each
departure is reckoned from the one before it and not from the wake-up that noticed it, so late
wake-ups do not add up. The embedded engine and virtual time advance the same object.

Bytes leave in pieces of about one tick's worth, at least a packet. A piece counts as carried when
its last byte has left; it is due when that byte reaches the far end.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from simulator.weather.timeline import Rate, RateCurve

PACKET = 1500  # bytes: what an access link sends as one
TICK = 0.005  # seconds of link time in one piece, when few links share the engine
LEAST_TICK = 0.001
SMOOTH = 64 * 1024  # bytes: fast links send pieces no longer than this, down to LEAST_TICK
WORTH = 4  # pieces of room that are worth a read, unless the queue is half empty before
OPEN_PIECE = 64 * 1024  # bytes: a piece where the rate is unlimited
OPEN_LINE = 4 * 1024 * 1024  # bytes that an unlimited rate may keep on the delay line
CATCH_UP = 0.1  # seconds of link time made up for after a late wake-up; the rest is lag

Owner = TypeVar("Owner")
Transit = tuple[Owner, int, float]
"""Bytes of one owner that left the bottleneck together, and when they are due. 0 bytes marks an end."""


class _Queued(Generic[Owner]):
    __slots__ = ("nbytes", "owner")

    def __init__(self, owner: Owner, nbytes: int) -> None:
        self.owner = owner
        self.nbytes = nbytes


class Direction(Generic[Owner]):
    """One direction of one link, shared by all its connections (the owners).

    ``carried`` counts the bytes that left the bottleneck, ``lag`` the seconds of link time given up
    because nobody came until more than ``CATCH_UP`` after the wake-up that ``next_wake`` named.
    """

    def __init__(self, curve: RateCurve, delay_at: Callable[[float], float], queue: int) -> None:
        self.carried = 0
        self.lag = 0.0
        self.backlog = 0  # bytes in the queue
        self.in_line = 0  # bytes on the delay line
        self.stop = math.inf
        self._curve = curve
        self._delay_at = delay_at
        self._queue = queue
        self._tick = TICK
        self._rate: Rate = None  # in force at the clock and until `_same_until`, with the piece it makes
        self._unit = OPEN_PIECE
        self._same_until = -math.inf
        self._fifo: deque[_Queued[Owner]] = deque()
        self._line: deque[Transit[Owner]] = deque()
        self._left: list[Transit[Owner]] = []  # since the last advance
        self.clock = 0.0  # when the last piece left, or when an idle bottleneck got work again
        self._last_due = -math.inf
        self._piece = 0  # the piece being sent, and when its last byte will have left
        self._leaves = math.inf
        self._wake = math.inf

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._fifo or self._line)

    def push(self, owner: Owner, nbytes: int, now: float) -> None:
        """Queue *nbytes* of *owner*; 0 queues a mark (an end of stream) that keeps its place."""
        self._carry(now)
        self.backlog += nbytes
        if self._joins(owner, nbytes):
            self._fifo[-1].nbytes += nbytes
            return
        self._fifo.append(_Queued(owner, nbytes))
        if len(self._fifo) == 1:
            self.clock = max(self.clock, now)
            self._plan()

    def advance(self, now: float) -> list[Transit[Owner]]:
        """Move what has left the bottleneck by *now* to the delay line; return what left since last asked."""
        self._carry(now)
        left, self._left = self._left, []
        return left

    def arrived(self, now: float) -> list[Transit[Owner]]:
        """Take what is due by *now* off the delay line."""
        line = self._line
        there: list[Transit[Owner]] = []
        while line and line[0][2] <= now:
            there.append(line.popleft())
            self.in_line -= there[-1][1]
        return there

    def room(self, now: float) -> int:
        """Return how many bytes may be pushed at *now*."""
        self._carry(now)
        self._look(now if not self._fifo else self.clock)
        if self._rate is None:
            return OPEN_LINE - self.in_line - self.backlog
        return self._queue - self.backlog

    def grant(self, now: float) -> int:
        """Return the room, or 0 while it is too small to be worth a read, which has its cost."""
        room = self.room(now)
        return room if room >= min(WORTH * self._unit, self._queue // 2) and room > 0 else 0

    def next_wake(self, wanted: bool = False) -> float:
        """Return when to come again; *wanted* says that a sender waits for room."""
        wake = self._line[0][2] if self._line else math.inf
        if self._fifo:
            if not self._line:
                wake = self._due(self._leaves)
            if wanted:
                wake = min(wake, self._half_empty())
            if self.carried < self.stop <= self.carried + self.backlog:
                wake = min(wake, self._curve.finish(self.clock, self.stop - self.carried))
        self._wake = wake
        return wake

    def earliest(self, now: float) -> float:
        """Return when the first byte sent over the idle link at *now* would reach the far end."""
        left = self._curve.finish(now, 1)
        return left + self._delay_at(left) if left < math.inf else math.inf

    def pace(self, tick: float) -> None:
        """Let pieces last *tick* seconds, within what suits the rate."""
        if tick != self._tick:
            self._tick = tick
            self._same_until = -math.inf

    def stop_at(self, nbytes: float) -> None:
        """Let ``advance`` stop once *nbytes* in all were carried, until told otherwise; inf for never."""
        self.stop = nbytes
        self._plan()

    def drop(self, owner: Owner, now: float) -> tuple[int, int]:
        """Forget all that is on its way for *owner*; return the bytes in the queue and on the delay line."""
        self._carry(now)
        before = self.backlog, self.in_line
        headed = bool(self._fifo) and self._fifo[0].owner is owner
        self._fifo = deque(item for item in self._fifo if item.owner is not owner)
        self._line = deque(item for item in self._line if item[0] is not owner)
        self.backlog = sum(item.nbytes for item in self._fifo)
        self.in_line = sum(item[1] for item in self._line)
        if headed:
            self.clock = max(self.clock, now)
            self._plan()
        return before[0] - self.backlog, before[1] - self.in_line

    def reshape(self, curve: RateCurve, delay_at: Callable[[float], float], shift: float = 0.0) -> None:
        """Follow *curve* and *delay_at* from now on; the link's time moves by *shift* seconds."""
        self._curve, self._delay_at = curve, delay_at
        self.clock = max(0.0, self.clock + shift)
        self._last_due += shift
        self._wake += shift
        self._line = deque((owner, nbytes, due + shift) for owner, nbytes, due in self._line)
        self._same_until = -math.inf
        self._plan()

    def recurve(self, change: Callable[[RateCurve], RateCurve]) -> None:
        """Follow a changed curve from now on."""
        self.reshape(change(self._curve), self._delay_at)

    def _joins(self, owner: Owner, nbytes: int) -> bool:
        """Whether bytes may join the last item: not where that would make the piece being sent longer."""
        if not self._fifo or not nbytes:
            return False
        last = self._fifo[-1]
        if last.owner is not owner or not last.nbytes:
            return False
        return len(self._fifo) > 1 or last.nbytes > self._piece

    def _carry(self, now: float) -> None:
        if self._leaves > now:
            return
        reach = self._reach(now)
        while self._leaves <= reach and self.carried < self.stop:
            self._depart()
        if reach < now and self._fifo:
            self.clock = max(self.clock, now)
            self._plan()

    def _reach(self, now: float) -> float:
        """Return the instant up to which to advance: *now*, unless the wake-up came far too late."""
        excess = now - self._wake - CATCH_UP
        if excess <= 0:
            return now
        self.lag += excess
        self._wake = math.inf
        return now - excess

    def _depart(self) -> None:
        head, piece = self._fifo[0], self._piece
        self.clock = self._leaves
        self._last_due = self._due(self._leaves)
        head.nbytes -= piece
        if not head.nbytes:
            self._fifo.popleft()
        self.carried += piece
        self.backlog -= piece
        self.in_line += piece
        gone = (head.owner, piece, self._last_due)
        self._line.append(gone)
        self._left.append(gone)
        self._plan()

    def _plan(self) -> None:
        """Choose the next piece and reckon when it will have left."""
        if not self._fifo:
            self._leaves = math.inf
            return
        self._look(self.clock)
        self._piece = min(self._fifo[0].nbytes, self._unit)
        if self.carried < self.stop < self.carried + self._piece:
            self._piece = int(self.stop) - self.carried
        self._leaves = self._finish(
            self._piece or 1
        )  # an end costs a byte's time, so that it waits out a stall

    def _look(self, t: float) -> None:
        """Know the rate at *t*, for as long as it stays the same."""
        if t >= self._same_until:
            self._rate = self._curve.at(t)
            self._unit = self._size(self._rate)
            self._same_until = self._curve.next_change(t)

    def _finish(self, nbytes: int) -> float:
        """Return when *nbytes* more will have left; the curve is asked where the rate changes before that."""
        if self._rate:
            leaves = self.clock + nbytes * 8 / self._rate
            if leaves <= self._same_until:
                return leaves
        return self._curve.finish(self.clock, nbytes)

    def _size(self, rate: Rate) -> int:
        """Return the bytes of a piece at *rate*."""
        if rate is None:
            return OPEN_PIECE
        second = rate / 8
        piece = max(second * LEAST_TICK, min(second * self._tick, SMOOTH))
        return max(PACKET, int(min(piece, self._queue / 4)))

    def _due(self, left: float) -> float:
        return max(self._last_due, left + self._delay_at(left)) if left < math.inf else math.inf

    def _half_empty(self) -> float:
        return self._finish(max(self.backlog - self._queue // 2, self._piece))
