"""The two sockets of one client's connection, and the ends it can come to."""

from __future__ import annotations

import errno
import socket
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from simulator.links.embedded import kernel
from simulator.links.embedded.flow import Ending, Flow
from simulator.links.embedded.plug import OUT, Plug

if TYPE_CHECKING:
    from simulator.links.embedded.crossing import Crossing

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
        server, refused = self._dial()
        self._client = Plug(relay.loop, client, self.up.read, self.down.write)
        self._server = Plug(relay.loop, server, self.down.read, self._connected)
        self.up.source = self.down.sink = self._client
        self.up.sink = self.down.source = self._server
        if refused:
            self._refused()
        else:
            self._server.want(OUT)

    def source_ended(self, flow: Flow, how: Ending) -> Ending:
        """Note that the source of *flow* ended; return how its sink shall see that."""
        self._end = self._end or ("client" if flow is self.up else "server")
        return Ending.RESET if self._other(flow).over and self._other(flow).ending is None else how

    def pass_fin(self, flow: Flow) -> None:
        """Half-close towards the sink of *flow*; the connection ends when both ways have."""
        kernel.send_fin(flow.sink.sock)
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
        for plug in (self._client, self._server):
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
            self._client.leave()
            self._server.leave()
            self._cut_when_there(flow.sink)

    def bury(self) -> None:
        """Close both sockets with RST, whatever they hold."""
        kernel.send_reset(self._client.sock)
        kernel.send_reset(self._server.sock)

    def _dial(self) -> tuple[socket.socket, bool]:
        host, port = self.relay.upstream
        server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        server.setblocking(False)
        sizes = self.relay.buffers
        kernel.size_buffers(server, sizes.down, sizes.up)
        kernel.send_promptly(server)
        return server, server.connect_ex((host, port)) not in (0, errno.EINPROGRESS)

    def _connected(self) -> None:
        if self._server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._refused()
            return
        self._server.on_write = self.up.write
        self.down.read()
        now = monotonic()
        begin = self.opened + self.relay.round_trip(self.opened)
        if begin <= now:
            self._begin()
        elif begin < inf:
            self.relay.loop.at(begin, self._begin)

    def _refused(self) -> None:
        """Let the client see that the server took no connection."""
        self.reset("server")

    def _begin(self) -> None:
        """Let the client's first bytes pass: its handshake has had its round trip."""
        if not self.ended:
            self.up.read()

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
        held = kernel.unsent(flow.sink.sock)
        flow.delivered -= held
        return held

    def _over(self) -> None:
        if self.up.over and self.down.over and not self.ended:
            self._leave()
            self._shut()
            self._finish()

    def _leave(self) -> int:
        self._client.leave()
        self._server.leave()
        return self.up.forget() + self.down.forget()

    def _shut(self) -> None:
        self._client.sock.close()
        self._server.sock.close()

    def _finish(self, end: str = "") -> None:
        self.ended = True
        self.relay.ended(self, end or self._end)

    def _other(self, flow: Flow) -> Flow:
        return self.down if flow is self.up else self.up
