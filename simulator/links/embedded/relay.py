"""One link, live: its two directions, its listener, its connections and its faults.

Times on the link are seconds since its origin: the opening of the link, and from the start of its
timeline that start. Until then the link passes as its timeline says for the instant 0.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from time import monotonic

from simulator.links.embedded.background import Background
from simulator.links.embedded.connection import Connection
from simulator.links.embedded.crossing import Crossing, Way
from simulator.links.embedded.failures import Failure
from simulator.links.embedded.flow import ShapedFlow
from simulator.links.embedded.listener import Listener
from simulator.links.embedded.loop import Loop
from simulator.links.embedded.strike import end_connections, gates, stalled
from simulator.links.engine import LinkSpec
from simulator.links.link import Direction
from simulator.links.sizes import buffers
from simulator.links.wire import Message
from simulator.weather.faults import FAULTS, FaultKind, New, Shape
from simulator.weather.timeline import Break, RateCurve, Timeline


@dataclass(frozen=True)
class Shop:
    """What all links of the process share."""

    loop: Loop
    post: Callable[[Message], None]
    late: list[float] | deque[float]  # seconds by which each delivery since the last sample was late
    scratch: memoryview  # where direct flows read
    background: Background | None = None  # for names; without it no client may name its target


class Relay(Crossing):
    """One link, from its opening to the engine's end."""

    def __init__(self, shop: Shop, spec: LinkSpec, listener: Listener | None = None) -> None:
        super().__init__(shop.loop, shop.scratch, shop.late)
        self.id, self.group, self._shop = spec.id, spec.group, shop
        self.timeline, self.allow_remote = spec.timeline, spec.allow_remote
        self.upstreams = () if spec.upstream is None else (spec.upstream, *spec.spares)
        self.buffers = buffers(spec.timeline)
        self.connections: dict[Connection, None] = {}  # in the order of their opening
        self._started = False
        self._timed: Iterator[Break] = iter(())
        self._counted = _by_count(spec.timeline)
        self.direct = spec.timeline.unlimited
        self._halted_until = -inf
        self._holds: list[tuple[float, New]] = []
        self.up, self.down = Way(self._calm(spec.timeline.uplink)), Way(self._calm(spec.timeline.downlink))
        self.listener = listener or Listener(shop.loop, self.buffers, self.accept, spec.listen)

    def start(self, t0: float) -> None:
        """Begin the timeline at *t0*, which may lie ahead; begin it again if it was begun already."""
        if t0 > monotonic():
            self.loop.at(t0, lambda: self._begin(t0))
        else:
            self._begin(t0)

    def strike(self, kind: str, seconds: float) -> tuple[int, int]:
        """Let the fault *kind* strike now, and hold for *seconds* if it is one that lasts.

        Return the connections that it ended and the bytes dropped with them.
        """
        now = monotonic()
        t = now - self._origin
        self._move(t)
        struck = self._strike(Break(t, kind, t + seconds * FAULTS[kind].lasts), now, drawn=False)
        self.run(monotonic())
        return struck

    @property
    def background(self) -> Background:
        """Return where names are looked up."""
        assert self._shop.background is not None
        return self._shop.background

    def accept(self, client: socket.socket, port: int, said: bytes = b"") -> None:
        """Serve *client*, who dialled from *port* and may have *said* something already."""
        connection = Connection(self, client, port)
        self.connections[connection] = None
        if self.upstreams:
            connection.dial(self.upstreams, connection.dialled)
        else:
            connection.greet(self, said)

    def limit(self) -> float:
        """Return the bytes after which a connection opened now is cut."""
        now = self.time() if self._started else 0.0
        cuts = (b for b in self.timeline.breaks if b.connection_bytes is not None and b.t <= now < b.until)
        return min((b.connection_bytes or 0 for b in cuts), default=inf)

    def refused(self, connection: Connection, target: str, failure: Failure) -> None:
        """Report that the client of *connection* cannot have *target*."""
        self._shop.post(
            {
                "event": "refused",
                "link": self.id,
                "port": connection.port,
                "t": monotonic(),
                "target": target,
                "why": failure.words,
            }
        )

    def ended(self, connection: Connection, end: str) -> None:
        """Forget *connection* and report what it carried."""
        self.connections.pop(connection, None)
        self._shop.post(
            {
                "event": "connection",
                "link": self.id,
                "port": connection.port,
                "opened": connection.opened,
                "t": monotonic(),
                "end": end,
                "carried_up": connection.up.carried,
                "delivered_up": connection.up.delivered,
                "carried_down": connection.down.carried,
                "delivered_down": connection.down.delivered,
            }
        )

    def cut(self, connection: Connection, planned: float) -> None:
        """Reset *connection*, which has had its bytes since *planned*."""
        issued = monotonic()
        dropped = connection.reset("cut-after")
        self._report("cut-after", (planned, planned, issued), (1, dropped))

    def close(self) -> None:
        """End everything."""
        self.listener.close()
        for connection in list(self.connections):
            connection.reset("run")
        for connection in self.frozen:
            connection.bury()

    def _calm(self, curve: RateCurve) -> Direction[ShapedFlow]:
        """Return a direction that passes as at the instant 0."""
        delay = self.timeline.delay_at(0.0)
        return Direction(RateCurve.constant(curve.at(0.0)), lambda _: delay, self.timeline.queue)

    def _begin(self, t0: float) -> None:
        now = monotonic()
        self._move(t0 - self._origin)
        shift, self._origin = self._origin - t0, t0
        again, self._started = self._started, True
        self.up.direction.reshape(self.timeline.uplink, self.timeline.delay_at, shift)
        self.down.direction.reshape(self.timeline.downlink, self.timeline.delay_at, shift)
        timed = (b for b in self.timeline.breaks if b.link_bytes is None and b.connection_bytes is None)
        self._timed = iter(sorted(timed))
        if again:
            self._counted = _by_count(self.timeline, self.up.direction.carried)
        self._next_timed()
        self._next_counted()
        self.run(now)

    def _next_timed(self) -> None:
        """Plan the next fault of this round; a timeline that was begun again has left the last."""
        timed = self._timed
        item = next(timed, None)
        if item is not None:
            strike = partial(self._timed_strike, item)
            self.loop.at(self._origin + item.t, lambda: strike() if timed is self._timed else None)

    def _timed_strike(self, item: Break) -> None:
        self._move(item.t)
        self._strike(item, self._origin + item.t)
        self._next_timed()
        self.run(monotonic())

    def _next_counted(self) -> None:
        self.up.direction.stop_at(self._counted[-1].link_bytes or 0 if self._counted else inf)

    def _reached(self, planned: float) -> None:
        """Strike what waited for the bytes that the uplink has now carried."""
        carried = self.up.direction.carried
        while self._counted and (self._counted[-1].link_bytes or 0) <= carried:
            self._strike(self._counted.pop(), planned, drawn=False)
        self._next_counted()

    def _strike(self, item: Break, planned: float, *, drawn: bool = True) -> tuple[int, int]:
        """Do what the fault's row says, by its primitives, and report it; the curves may have it *drawn*.

        Return the connections that it ended and the bytes dropped with them.
        """
        kind, issued = FAULTS[item.kind], monotonic()
        until = planned + item.until - item.t
        struck = end_connections(kind, list(self.connections))
        if kind.new is not New.PASS:
            self._hold(kind.new, until)
        if not drawn:
            self._draw(kind, planned, until)
        shown = min(until, max(planned, self._origin + self.timeline.horizon))
        self._report(item.kind, (planned, until if until < inf else shown, issued), struck)
        return struck

    def _draw(self, kind: FaultKind, planned: float, until: float) -> None:
        """Draw a fault that nobody could draw beforehand into the curves; direct flows know of none."""
        if kind.shape is not Shape.STALL:
            return
        span = (planned - self._origin, until - self._origin)
        for way in (self.up, self.down):
            way.direction.recurve(lambda curve: stalled(curve, span))
        if self.direct:
            self.halted, self._halted_until = True, max(until, self._halted_until)
            self.loop.at(until, self._go_on)

    def _go_on(self) -> None:
        """Let direct flows move again, unless another stall holds."""
        if monotonic() >= self._halted_until:
            self.halted = False
            held, self.held = self.held, []
            for flow in held:
                if not flow.over:
                    flow.write()

    def _hold(self, mode: New, until: float) -> None:
        self._holds.append((until, mode))
        if until < inf:
            self.loop.at(until, self._gate)
        self._gate()

    def _gate(self) -> None:
        now = monotonic()
        self._holds = [hold for hold in self._holds if hold[0] > now]
        self.listener.become(gates(mode for _, mode in self._holds))

    def _report(self, fault: str, times: tuple[float, float, float], struck: tuple[int, int]) -> None:
        planned, until, issued = times
        self._shop.post(
            {
                "event": "fault",
                "link": self.id,
                "fault": fault,
                "planned": planned,
                "until": until,
                "issued": issued,
                "done": monotonic(),
                "connections": struck[0],
                "dropped": struck[1],
            }
        )


def _by_count(timeline: Timeline, since: int = 0) -> list[Break]:
    """Return the breaks that wait for a byte count, reckoned from *since*, the first at the end."""
    waiting = (
        replace(item, link_bytes=since + item.link_bytes)
        for item in timeline.breaks
        if item.link_bytes is not None
    )
    return sorted(waiting, key=lambda item: item.link_bytes or 0, reverse=True)
