"""One proxy made real: its listener, its connections, and what is done to them."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random
from time import monotonic
from typing import Any

from simulator.links.embedded.api import addresses, chance
from simulator.links.embedded.api.connection import ToxicConnection
from simulator.links.embedded.api.flow import ToxicFlow
from simulator.links.embedded.api.lanes import Lanes
from simulator.links.embedded.api.playing import Playing
from simulator.links.embedded.api.records import Proxy, Toxic
from simulator.links.embedded.api.refusals import Refusal
from simulator.links.embedded.api.toxics.kind import Shape, together
from simulator.links.embedded.background import Background
from simulator.links.embedded.connection import Connection
from simulator.links.embedded.flow import Flow
from simulator.links.embedded.listener import Listener
from simulator.links.embedded.loop import Loop
from simulator.links.embedded.strike import end_connections
from simulator.links.engine import Address
from simulator.links.sizes import MOST, Buffers
from simulator.weather.faults import FAULTS, New
from simulator.weather.timeline import Jitter, Timeline

LATE = 4096  # deliveries whose lateness is kept


@dataclass(frozen=True)
class Ground:
    """What all proxies share."""

    loop: Loop
    background: Background
    seed: int
    scratch: memoryview = field(default_factory=lambda: memoryview(bytearray(MOST)))
    late: deque[float] = field(default_factory=lambda: deque(maxlen=LATE))


@dataclass
class Count:
    """Bytes one way: read from the sender, past the bottleneck, handed to the receiver."""

    received: int = 0
    carried: int = 0
    delivered: int = 0

    def add(self, flow: Flow) -> None:
        """Add the bytes of *flow*."""
        self.received += flow.taken + (flow.swallowed if isinstance(flow, ToxicFlow) else 0)
        self.carried += flow.taken - flow.lost
        self.delivered += flow.delivered


class LiveProxy:
    """What makes *proxy* real while it is enabled. Its connections are numbered from 1, for good."""

    def __init__(self, ground: Ground, proxy: Proxy) -> None:
        self.ground, self.proxy = ground, proxy
        self.connections: dict[ToxicConnection, None] = {}
        self.frozen: list[Connection] = []
        self._listener: Listener | None = None
        self._playing: Playing | None = None
        self._number = 0
        self._looking: set[socket.socket] = set()  # clients whose upstream is being looked up
        self._counts = {"upstream": Count(), "downstream": Count()}  # of connections that are over
        self._stalled_until = self._held_until = 0.0
        self._jitter = cache(lambda way: chance.noise(ground.seed, proxy.name, way))

    def open(self, address: Address) -> Address:
        """Listen at *address*; return where. Raises ``OSError`` when that cannot be."""
        self._listener = Listener(self.ground.loop, Buffers(MOST, MOST, None), self._accept, address)
        return self._listener.address

    def close(self) -> None:
        """Close the listener and all connections."""
        self.calm()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self.connections):
            connection.close("disabled")
        for frozen in self.frozen:
            frozen.bury()
        self.frozen.clear()
        for client in self._looking:
            client.close()
        self._looking.clear()

    def follow(self) -> None:
        """Do to live connections what the proxy's toxics now say."""
        for connection in list(self.connections):
            if isinstance(connection.relay, Lanes):
                connection.relay.follow(connection)

    def strike(self, fault: str, seconds: float) -> tuple[int, int]:
        """Let a row of ``weather.faults`` begin; return the connections ended and the bytes dropped."""
        if self._playing is not None:
            return self._playing.strike(fault, seconds)
        kind, until = FAULTS[fault], monotonic() + seconds
        struck = end_connections(kind, list(self.connections))
        if kind.lasts and seconds:
            self._stalled_until = max(self._stalled_until, until)
            self.ground.loop.at(until, self.follow)
            self.follow()
        if kind.new is New.HANG and seconds:
            self._held_until = max(self._held_until, until)
            self.ground.loop.at(until, self._gate)
            self._gate()
        return struck

    def counters(self) -> Mapping[str, Any]:
        """Return bytes and connections so far."""
        counted: dict[str, Any] = {way: Count(**vars(count)) for way, count in self._counts.items()}
        queued = {"upstream": 0, "downstream": 0}
        for connection in self.connections:
            counted["upstream"].add(connection.up)
            counted["downstream"].add(connection.down)
        for relay in {connection.relay for connection in self.connections}:
            queued["upstream"] += relay.up.direction.backlog
            queued["downstream"] += relay.down.direction.backlog
        shown = {way: {**vars(counted[way]), "carried": counted[way].carried - queued[way]} for way in queued}
        return {**shown, "connections": {"open": len(self.connections), "total": self._number}}

    def play(self, timeline: Any, asked: Mapping[str, Any]) -> None:
        """Put the proxy's link under a drawn timeline (``Timeline.to_dict``) from now on."""
        if self._listener is None:
            raise AssertionError("a timeline plays on enabled proxies only")
        self.calm()
        self._playing = Playing(self, self._listener, Timeline.from_dict(timeline), asked)
        for connection in list(self.connections):
            connection.board(self._playing)

    def playing(self) -> Mapping[str, Any] | None:
        """Return what was asked of the timeline that plays, and what it did; None when none does."""
        return None if self._playing is None else self._playing.told()

    def calm(self) -> None:
        """End the timeline: each connection gets lanes of its own again."""
        playing, self._playing = self._playing, None
        if playing is not None and self._listener is not None:
            playing.calm()
            self._listener.resize(Buffers(MOST, MOST, None))
            for connection in list(self.connections):
                connection.board(Lanes(self, connection.number, playing.upstreams[0]))

    def ended(self, connection: Connection) -> None:
        """Forget *connection*, which is over, but for its bytes."""
        self._counts["upstream"].add(connection.up)
        self._counts["downstream"].add(connection.down)
        if isinstance(connection, ToxicConnection):
            self.connections.pop(connection, None)

    # What lanes ask

    def toxics(self, number: int, up: bool) -> list[Toxic]:
        """Return the toxics of one stream that strike connection *number*, in their order."""
        return [toxic for toxic in self.proxy.toxics if toxic.up is up and self._strikes(toxic, number)]

    def shape(self, number: int, up: bool) -> Shape:
        """Return what they, and a stall that was asked for, do to every byte."""
        toxics = self.toxics(number, up)
        shapes = [toxic.kind.shape(toxic.values) for toxic in toxics if toxic.kind.shape is not None]
        return together([*shapes, Shape(rate=0)] if self._stalled else shapes)

    def touches(self, number: int) -> bool:
        """Whether anything happens to connection *number*."""
        return self._stalled or any(self._strikes(toxic, number) for toxic in self.proxy.toxics)

    def noise(self, way: str, number: int) -> Jitter:
        """Return the jitter of one way of connection *number*, in units of its spread."""
        table = self._jitter(way)
        at = int(chance.share(self.ground.seed, self.proxy.name, number, "jitter") * len(table))
        return Jitter(1.0, table[at:] + table[:at])

    def draws(self, number: int) -> Random:
        """Return the generator of the slices of connection *number*."""
        return chance.stream(self.ground.seed, self.proxy.name, number, "slicer")

    @property
    def _stalled(self) -> bool:
        return monotonic() < self._stalled_until

    def _strikes(self, toxic: Toxic, number: int) -> bool:
        return chance.share(self.ground.seed, self.proxy.name, number, toxic.name) < toxic.toxicity

    def _gate(self) -> None:
        if self._listener is not None and self._playing is None:
            self._listener.become(New.HANG if monotonic() < self._held_until else New.PASS)

    def _accept(self, client: socket.socket, port: int) -> None:
        self._number += 1
        number = self._number
        try:
            host, to = addresses.split(self.proxy.upstream)
        except Refusal:  # nobody can be dialled there, as toxiproxy finds out only now, too
            client.close()
            return
        ip = addresses.numeric(host or addresses.LOOPBACK)
        if ip is not None:
            self._join(client, port, number, (ip, to))
            return

        def found(answer: object) -> None:
            if client in self._looking:
                self._looking.remove(client)
                if isinstance(answer, str):
                    self._join(client, port, number, (answer, to))
                else:
                    client.close()

        self._looking.add(client)
        self.ground.background.do(lambda: addresses.look_up(host), found)

    def _join(self, client: socket.socket, port: int, number: int, upstream: Address) -> None:
        relay = self._playing or Lanes(self, number, upstream)
        relay.upstreams = (upstream,)
        connection = ToxicConnection(relay, client, port, number)
        self.connections[connection] = None
        connection.dial(relay.upstreams, connection.dialled)
        if not connection.ended and isinstance(relay, Lanes):
            relay.follow(connection)
