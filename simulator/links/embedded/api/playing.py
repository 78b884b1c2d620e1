"""A proxy's link under a drawn timeline: one link for all its connections, as in a run."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from simulator.links.embedded.api.flow import ToxicFlow
from simulator.links.embedded.connection import Connection
from simulator.links.embedded.crossing import Way
from simulator.links.embedded.flow import Flow
from simulator.links.embedded.listener import Listener
from simulator.links.embedded.relay import Relay, Shop
from simulator.links.engine import LinkSpec
from simulator.links.wire import Message
from simulator.weather.faults import New
from simulator.weather.timeline import Break, Timeline

if TYPE_CHECKING:
    from random import Random

    from simulator.links.embedded.api.live import LiveProxy

KEPT = 1000  # of the newest events
_TIMES = ("planned", "until", "issued", "done")


class Playing(Relay):
    """The link of *live* under *timeline*, from now until ``calm``."""

    def __init__(
        self, live: LiveProxy, listener: Listener, timeline: Timeline, asked: Mapping[str, Any]
    ) -> None:
        ground = live.ground
        self._live, self._asked, self._over = live, asked, False
        self._events: deque[Message] = deque(maxlen=KEPT)
        shop = Shop(ground.loop, self._events.append, ground.late, ground.scratch)
        super().__init__(shop, LinkSpec(live.proxy.name, "", timeline, ("", 0)), listener)
        self.connections, self.frozen = live.connections, live.frozen  # type: ignore[assignment]
        listener.resize(self.buffers)
        self._t0 = monotonic()
        self.start(self._t0)

    def flow(self, connection: Connection, way: Way) -> Flow:
        """Return the flow of a new connection, which may outlast the timeline."""
        return ToxicFlow(connection, way, self._no_draws)

    def ended(self, connection: Connection, _end: str) -> None:
        """Forget *connection*, which is over."""
        self._live.ended(connection)

    def told(self) -> dict[str, Any]:
        """Return what was asked, and what happened; times in seconds since the timeline began."""
        events = [
            {
                key: value - self._t0 if key in _TIMES else value
                for key, value in event.items()
                if key != "event"
            }
            for event in self._events
        ]
        return {**self._asked, "t": monotonic() - self._t0, "events": events}

    def calm(self) -> None:
        """End: the connections go elsewhere."""
        self._over = True
        self.connections = {}
        self.listener.become(New.PASS)

    def _strike(self, item: Break, planned: float, *, drawn: bool = True) -> tuple[int, int]:
        return (0, 0) if self._over else super()._strike(item, planned, drawn=drawn)

    def _gate(self) -> None:
        if not self._over:
            super()._gate()

    def _no_draws(self) -> Random:
        raise AssertionError("no slicer is on a link under a timeline")
