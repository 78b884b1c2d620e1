"""The engine's clock: one epoll loop, a heap of events and a heap of wake-ups.

Events (faults, starts, samples) are exact and few: they are looked at before data and again after
every callback, which costs a fraction of a microsecond. Wake-ups move the bytes of a link. Sockets
are armed for one event at a time (EPOLLONESHOT), so one that nobody may read yet costs nothing.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from time import monotonic
from typing import Protocol

IDLE = 1.0  # seconds that the loop sleeps when nothing is planned
FINE = 0.02  # seconds; epoll counts in whole milliseconds: what is nearer is left to one select()


class Sleeper(Protocol):
    """Something that moves when its time has come."""

    wake_at: float

    def run(self, now: float) -> None:
        """Move up to *now*, and ask the loop for the next wake-up."""


class Loop:
    """Runs callbacks in time until ``stop``. All times are CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._gone: set[int] = set()  # closed in this batch: its descriptors may be others' by now
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._wakes: list[tuple[float, int, Sleeper]] = []
        self._serial = count()
        self._running = True

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Call *callback* at *when*."""
        heappush(self._events, (when, next(self._serial), callback))

    def wake(self, sleeper: Sleeper, when: float) -> None:
        """Run *sleeper* at *when*, and not at what was asked for it before."""
        if when != sleeper.wake_at:
            sleeper.wake_at = when
            if when < inf:
                heappush(self._wakes, (when, next(self._serial), sleeper))

    def add(self, fd: int, mask: int, handler: Callable[[int], None]) -> None:
        """Call *handler* with the events of *fd* that are in *mask*."""
        self._handlers[fd] = handler
        self._epoll.register(fd, mask)

    def arm(self, fd: int, mask: int) -> None:
        """Arm *fd* anew for *mask*."""
        self._epoll.modify(fd, mask)

    def forget(self, fd: int) -> None:
        """Never call the handler of *fd* again."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)
            self._gone.add(fd)

    def stop(self) -> None:
        """Return from ``run`` after the present callback."""
        self._running = False

    def run(self) -> None:
        """Run until ``stop``."""
        while self._running:
            self._run_events()
            self._run_wakes()
            ready = self._poll()
            self._gone.clear()  # who left before the poll is in none of its answers
            for fd, mask in ready:
                handler = self._handlers.get(fd)
                if handler is not None and fd not in self._gone:
                    handler(mask)
                self._run_events()

    def _poll(self) -> list[tuple[int, int]]:
        rest = self._rest()
        if 0 < rest < FINE:
            select.select([self._epoll], (), (), rest)
            rest = 0.0
        # Rounded down to whole milliseconds; the half keeps the kernel's rounding up from adding one.
        return self._epoll.poll(max(0.0, int(rest * 1000) - 0.5) / 1000, 256)

    def _rest(self) -> float:
        """Return the seconds until something is planned."""
        if not self._running:
            return 0.0
        first = self._events[0][0] if self._events else monotonic() + IDLE
        if self._wakes:
            first = min(first, self._wakes[0][0])
        return min(IDLE, first - monotonic())

    def _run_events(self) -> None:
        now = monotonic()  # once: an event that plans the next one for now must not keep data out
        while self._events and self._running and self._events[0][0] <= now:
            heappop(self._events)[2]()

    def _run_wakes(self) -> None:
        now = monotonic()
        while self._wakes and self._wakes[0][0] <= now:
            when, _, sleeper = heappop(self._wakes)
            if when == sleeper.wake_at:
                sleeper.wake_at = inf
                sleeper.run(monotonic())
                self._run_events()
