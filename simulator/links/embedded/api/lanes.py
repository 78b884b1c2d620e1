"""The two lanes of one connection: what the toxics that struck it make of its bytes.

As in toxiproxy, a toxic is of a connection: two connections of a proxy with a bandwidth of 100 KB/s
get 100 KB/s each. All shapes of a lane together are one Direction, whose rate and delay change while
bytes are on it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

from simulator.links.embedded.api.connection import ToxicConnection
from simulator.links.embedded.api.flow import ToxicFlow
from simulator.links.embedded.api.toxics.kind import Shape
from simulator.links.embedded.connection import Connection
from simulator.links.embedded.crossing import Crossing, Way
from simulator.links.embedded.flow import DirectFlow, Flow, ShapedFlow
from simulator.links.engine import Address
from simulator.links.link import Direction
from simulator.links.sizes import Buffers, sized
from simulator.weather.timeline import Jitter, Rate, RateCurve

if TYPE_CHECKING:
    from simulator.links.embedded.api.live import LiveProxy

QUEUE = 64 * 1024  # bytes before the bottleneck: toxiproxy keeps two reads of 32 KiB
MOST = 16 * 1024 * 1024  # bytes of a lane in all: toxiproxy's latency keeps 1024 reads


class Line(Direction[ShapedFlow]):
    """A direction whose rate and delay change now and again. Times are seconds since the connection's."""

    def __init__(self, noise: Callable[[], Jitter]) -> None:
        super().__init__(RateCurve.constant(None), self._delay, QUEUE)
        self._base = self._spread = 0.0
        self._noise = noise

    def become(self, shape: Shape, now: float) -> None:
        """Have the rate and the delay of *shape* from *now* on.

        What is under way keeps the delay that it began with, or arrives sooner by what the delay falls.
        """
        self._carry(now)
        sooner = self._base + self._spread - shape.delay - shape.jitter
        if sooner > 0:
            self._line = type(self._line)((owner, nbytes, due - sooner) for owner, nbytes, due in self._line)
            self._last_due -= sooner
        self._base, self._spread = shape.delay, shape.jitter
        self.reshape(self._from(now, shape.rate), self._delay)

    def room(self, now: float) -> int:
        """Return how many bytes may be pushed at *now*: the delay line is bounded too."""
        room, left = super().room(now), MOST - self.in_line - self.backlog
        return left if self._rate is None else min(room, left)

    def _delay(self, t: float) -> float:
        if not self._spread:
            return self._base
        return max(0.0, self._base + self._spread * self._noise().at(t))

    def _from(self, now: float, rate: Rate) -> RateCurve:
        """Return the curve since the last departure, with *rate* from *now* on."""
        changes = [t for t in self._curve.times if max(0.0, self.clock) < t < now]
        begun = RateCurve((0.0, *changes), (self._curve.at(self.clock), *map(self._curve.at, changes)))
        return begun.change([(now, float("inf"))], lambda _: rate)


class Lanes(Crossing):
    """Both lanes of connection *number* of *live*."""

    def __init__(self, live: LiveProxy, number: int, upstream: Address) -> None:
        ground = live.ground
        super().__init__(ground.loop, ground.scratch, ground.late)
        self.live, self.number, self.upstreams = live, number, (upstream,)
        self.frozen = live.frozen
        self.up = Way(Line(cache(lambda: live.noise("upstream", number))))
        self.down = Way(Line(cache(lambda: live.noise("downstream", number))))
        up, down = (sized(RateCurve.constant(live.shape(number, up).rate)) for up in (True, False))
        self.buffers = Buffers(up, down, None)
        self.direct = not live.touches(number)

    def limit(self) -> float:
        """Return the bytes after which a connection opened now is cut: toxics say so later."""
        return float("inf")

    def flow(self, connection: Connection, way: Way) -> Flow:
        """Return the flow of the connection along *way*."""
        return DirectFlow(connection, way) if self.direct else self.toxic_flow(connection, way)

    def toxic_flow(self, connection: Connection, way: Way) -> ToxicFlow:
        """Return a flow that can be under toxics."""
        return ToxicFlow(connection, way, self._draws)

    def follow(self, connection: ToxicConnection) -> None:
        """Do what the toxics of the proxy now say."""
        if not self.live.touches(self.number) and not connection.shaped:
            return
        connection.be_shaped()
        self.direct = False
        for up, flow, way in ((True, connection.up, self.up), (False, connection.down, self.down)):
            shape = self.live.shape(self.number, up)
            assert isinstance(way.direction, Line)
            way.direction.become(shape, self.time())
            if isinstance(flow, ToxicFlow) and not connection.ended:
                flow.follow(self.live.toxics(self.number, up), shape)
        if not connection.ended:
            connection.go_on()
            self.run(monotonic())

    def round_trip(self, _at: float | None = None) -> float:
        """Return 0: as in toxiproxy, neither a handshake nor a close waits for the delay of toxics."""
        return 0.0

    def cut(self, connection: Connection, _planned: float) -> None:
        """Reset *connection*, which has had its bytes."""
        connection.reset("cut_after")

    def ended(self, connection: Connection, _end: str) -> None:
        """Forget *connection*, which is over."""
        self.live.ended(connection)

    def _reached(self, planned: float) -> None:
        """Do nothing: no byte count of a lane is waited for."""

    def _draws(self) -> Random:
        return self.live.draws(self.number)
