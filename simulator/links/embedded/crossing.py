"""What moves bytes over two ways in time: the part that a link and a lone connection have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from simulator.links.embedded.flow import DirectFlow, Flow, ShapedFlow
from simulator.links.embedded.loop import Loop
from simulator.links.engine import Address
from simulator.links.link import Direction, Transit
from simulator.links.sizes import Buffers

if TYPE_CHECKING:
    from simulator.links.embedded.connection import Connection


@dataclass(frozen=True)
class Way:
    """One direction, and the flows that wait for room in it, in their order."""

    direction: Direction[ShapedFlow]
    waiting: deque[ShapedFlow] = field(default_factory=deque)


class Crossing(ABC):
    """Two ways, the wake-ups that move bytes along them, and what their connections ask.

    ``late`` takes the seconds by which each delivery was late.
    """

    up: Way
    down: Way
    upstreams: tuple[Address, ...]  # of one server, dialled in their order
    buffers: Buffers
    direct: bool  # nothing is shaped: bytes may be handed over as they are read

    def __init__(self, loop: Loop, scratch: memoryview, late: list[float] | deque[float]) -> None:
        self.loop, self.scratch = loop, scratch
        self.frozen: list[Connection] = []
        self.wake_at = inf
        self.halted = False  # direct flows stand still; those in `held` wait to be told when that is over
        self.held: list[DirectFlow] = []
        self._late = late
        self._origin = monotonic()
        self._planning = True

    @abstractmethod
    def limit(self) -> float:
        """Return the bytes after which a connection opened now is cut."""

    @abstractmethod
    def cut(self, connection: Connection, planned: float) -> None:
        """Reset *connection*, which has had its bytes since *planned*."""

    @abstractmethod
    def ended(self, connection: Connection, end: str) -> None:
        """Forget *connection*, which is over."""

    def flow(self, connection: Connection, way: Way) -> Flow:
        """Return the flow of a new connection along *way*."""
        return DirectFlow(connection, way) if self.direct else ShapedFlow(connection, way)

    def time(self) -> float:
        """Return the present instant in the link's time."""
        return monotonic() - self._origin

    def round_trip(self, at: float | None = None) -> float:
        """Return what a round trip begun at *at* takes, stalls included; inf when it never ends."""
        now = (monotonic() if at is None else at) - self._origin
        there = self.up.direction.earliest(now)
        return self.down.direction.earliest(there) - now if there < inf else inf

    def run(self, now: float) -> None:
        """Move bytes up to *now*, let waiting flows read, and plan the next wake-up."""
        self._planning = False
        self._move(now - self._origin)
        for way in (self.up, self.down):
            self._refill(way, now - self._origin)
        self._planning = True
        self.plan()

    def plan(self) -> None:
        """Ask the loop for the next wake-up."""
        if self._planning:
            up, down = self.up, self.down
            first = min(
                up.direction.next_wake(bool(up.waiting)), down.direction.next_wake(bool(down.waiting))
            )
            self.loop.wake(self, first + self._origin)

    def moved(self, way: Way) -> None:
        """Note that a direct flow handed bytes over."""
        if way.direction.carried >= way.direction.stop:
            self._reached(monotonic())

    @abstractmethod
    def _reached(self, planned: float) -> None:
        """Do what waited for the bytes that the uplink has carried by *planned*."""

    def _move(self, t: float) -> None:
        """Advance both directions to *t* and hand over what is due."""
        for way in (self.up, self.down):
            direction = way.direction
            more = direction.busy or direction.carried >= direction.stop
            while more:
                direction.advance(t)
                self._hand_over(direction.arrived(t))
                more = direction.carried >= direction.stop
                if more:
                    self._reached(self._origin + direction.clock)

    def _hand_over(self, there: list[Transit[ShapedFlow]]) -> None:
        """Give the flows what crossed the link, at most one system call for each run of pieces."""
        now = self.time() if there else 0.0
        last: ShapedFlow | None = None
        for flow, nbytes, due in there:
            self._late.append(now - due)
            if last is not None and flow is not last:
                last.go_on()
            flow.arrive(nbytes)
            last = flow
        if last is not None:
            last.go_on()

    def _refill(self, way: Way, now: float) -> None:
        while way.waiting and way.direction.grant(now):
            way.waiting.popleft().read()
