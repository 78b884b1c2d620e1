"""The two sockets of one client's connection, and the ends it can come to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from simulator.links.embedded import kernel
from simulator.links.embedded.dial import Dial
from simulator.links.embedded.flow import Ending, Flow
from simulator.links.embedded.plug import Plug
from simulator.links.engine import Address

if TYPE_CHECKING:
    from simulator.links.embedded.crossing import Crossing
    from simulator.links.embedded.relay import Relay

LINGER = 0.1  # seconds beyond a round trip that a closed connection's sockets stay, for its FIN to be seen
CUT_LOOK = 0.001  # seconds between looks whether the server's kernel has all bytes of a cut
CUT_DELAYED_ACK = 0.05  # seconds: beyond a delayed acknowledgement, what was sent has arrived


class Connection:
    """One client's connection through a link: a socket to either end and a flow each way."""

    def __init__(self, relay: Crossing, client: socket.socket, port: int) -> None:
        self.relay = relay
        self.opened = monotonic()
        self.port = port  # the client's own
        self.ended = False
        self._end = ""
        self._cut_at = inf
        self.up: Flow = relay.flow(self, relay.up)
        self.down: Flow = relay.flow(self, relay.down)
        self.up.limit = relay.limit()
        self._client = Plug(relay.loop, client, self.up.read, self.down.write)
        self._server: Plug | None = None
        self._dial: Dial | None = None
        self._plumb()

    def dial(self, addresses: Sequence[Address], then: Callable[[Plug | None, int], None]) -> None:
        """Dial the first of *addresses* that answers; ``Dial`` says what *then* is called with."""
        self._dial = Dial(self.relay.loop, addresses, self.relay.buffers, then)
        self._dial.go_on()

    def dialled(self, server: Plug | None, _error: int) -> None:
        """Begin with *server*, or give up."""
        if server is None:
            self._refused()
            return
        self.join(server)
        self.down.read()
        self.after_round_trip(self.opened, self._go_up)

    def greet(self, relay: Relay, said: bytes) -> None:
        """Let the client, which *said* this already, say where to. *relay* is the link."""
        from simulator.links.embedded.greeting import Greeting  # h11 costs an engine without proxies 0.1 s

        Greeting(relay, self, self._client, said)

    def begin(self, said: bytes, up: Flow | None) -> None:
        """Let bytes pass once the handshake of a proxy is over; those that the client *said* come first.

        They go *up* another way than those of other connections, if that is said.
        """
        if up is not None:
            up.limit, self.up = self.up.limit, up
        self._plumb()
        self.down.read()
        if said:
            self.up.put(said)
        if not self.ended:
            self.up.read()

    def let_go(self) -> socket.socket:
        """End without the client, which wants another server; return its socket."""
        assert self._server is not None
        self._leave()
        self._server.sock.close()
        self._finish("client")
        return self._client.sock

    def join(self, server: Plug) -> None:
        """Make *server* the far end."""
        self._dial, self._server = None, server
        self.up.sink = self.down.source = server
        server.on_read, server.on_write = self.down.read, self.up.write

    def after_round_trip(self, since: float, begin: Callable[[], None]) -> None:
        """Call *begin* when a round trip that began at *since* is over: the kernel's own takes no time."""
        now = monotonic()
        over = since + self.relay.round_trip(since)
        if over <= now:
            begin()
        elif over < inf:
            self.relay.loop.at(over, lambda: None if self.ended else begin())

    def source_ended(self, flow: Flow, how: Ending) -> Ending:
        """Note that the source of *flow* ended; return how its sink shall see that."""
        self._end = self._end or ("client" if flow is self.up else "server")
        return Ending.RESET if self._other(flow).over and self._other(flow).ending is None else how

    def pass_fin(self, flow: Flow) -> None:
        """Half-close towards the sink of *flow*; the connection ends when both ways have."""
        self._send_fin(flow)
        self._over()

    def lost_sink(self, flow: Flow) -> None:
        """Note that the sink of *flow* is gone. What it sent before still goes the other way."""
        self._end = self._end or ("server" if flow is self.up else "client")
        self._over()

    def reset(self, end: str = "") -> int:
        """Reset both ends at once; return the bytes dropped."""
        dropped = self._leave() + self._take_back(self.up) + self._take_back(self.down)
        self.bury()
        self._finish(end)
        return dropped

    def close(self, end: str) -> int:
        """Send FIN to both ends, and hold the sockets until it was seen; return the bytes dropped."""
        dropped = self._leave()
        for plug in self._plugs():
            kernel.send_fin(plug.sock)
        self.relay.loop.at(monotonic() + self.relay.round_trip() + LINGER, self._shut)
        self._finish(end)
        return dropped

    def freeze(self, end: str) -> int:
        """Never touch the sockets again, and keep them; return the bytes dropped."""
        dropped = self._leave()
        self.relay.frozen.append(self)
        self._finish(end)
        return dropped

    def cut(self, flow: Flow) -> None:
        """Reset both ends as soon as the kernel behind *flow* has every byte handed over."""
        if self._cut_at == inf and not self.ended:
            self._cut_at = monotonic()
            for plug in self._plugs():
                plug.leave()
            self._cut_when_there(flow.sink)

    def bury(self) -> None:
        """Close both sockets with RST, whatever they hold."""
        for plug in self._plugs():
            kernel.send_reset(plug.sock)

    def _go_up(self) -> None:
        """Let the client's first bytes pass, by the flow that it has by now."""
        self.up.read()

    def _refused(self) -> None:
        """Let the client see that no server took the connection."""
        self.reset("server")

    def _send_fin(self, flow: Flow) -> None:
        """Half-close towards the sink of *flow*, if there is one yet."""
        if flow is self.down or self._server is not None:
            kernel.send_fin(flow.sink.sock)

    def _plumb(self) -> None:
        """Join the flows to the sockets that there are."""
        self.up.source = self.down.sink = self._client
        self._client.on_read, self._client.on_write = self.up.read, self.down.write
        if self._server is not None:
            self.join(self._server)

    def _plugs(self) -> list[Plug]:
        return [self._client] if self._server is None else [self._client, self._server]

    def _cut_when_there(self, sink: Plug) -> None:
        if self.ended:
            return
        now = monotonic()
        sent = not kernel.unsent(sink.sock) and now - self._cut_at > CUT_DELAYED_ACK
        if not sent and kernel.unacknowledged(sink.sock):
            self.relay.loop.at(now + CUT_LOOK, lambda: self._cut_when_there(sink))
            return
        self.relay.cut(self, self._cut_at)

    def _take_back(self, flow: Flow) -> int:
        """Count as not delivered what the kernel still holds; return how much."""
        held = kernel.unsent(flow.sink.sock) if self._server is not None else 0
        flow.delivered -= held
        return held

    def _over(self) -> None:
        if self.up.over and self.down.over and not self.ended:
            self._leave()
            self._shut()
            self._finish()

    def _leave(self) -> int:
        if self._dial is not None:
            self._dial.abandon()
        for plug in self._plugs():
            plug.leave()
        return self.up.forget() + self.down.forget()

    def _shut(self) -> None:
        for plug in self._plugs():
            plug.sock.close()

    def _finish(self, end: str = "") -> None:
        self.ended = True
        self.relay.ended(self, end or self._end)

    def _other(self, flow: Flow) -> Flow:
        return self.down if flow is self.up else self.up
