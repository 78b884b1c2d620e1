"""The handshake of one client of a proxy link, live: front.py says what, this does it.

    read --> Front --> resolver --> Connection.dial --> (a round trip of the link) --> the bytes pass

The handshake itself is no part of the link, for it stands where a client without a proxy has none. What
takes its place is the handshake of TCP: the client hears that it is connected when a round trip is over.
"""

from __future__ import annotations

import errno
import socket
from time import monotonic
from typing import TYPE_CHECKING

from simulator.links.addresses import address_text, is_any, is_loopback, is_number
from simulator.links.embedded import failures
from simulator.links.embedded.failures import Failure
from simulator.links.embedded.forward import Forwarding
from simulator.links.embedded.forwardflow import ForwardFlow
from simulator.links.embedded.front import Ask, Front, Refuse, Say, Step
from simulator.links.embedded.plug import IN, Plug
from simulator.links.engine import Address
from simulator.links.names import resolve

if TYPE_CHECKING:
    from simulator.links.embedded.connection import Connection
    from simulator.links.embedded.relay import Relay

READ = 16 * 1024
_ERRNOS = {errno.ECONNREFUSED: failures.REFUSED, errno.ETIMEDOUT: failures.TIMED_OUT}


class Greeting:
    """Learns from the client of *connection* where to, and gets it there. *said* was read before."""

    def __init__(self, relay: Relay, connection: Connection, client: Plug, said: bytes) -> None:
        self._relay, self._connection = relay, connection
        self._client = client
        self._front = Front()
        self._since = monotonic()
        self._ask: Ask | None = None
        client.on_read = self._read
        self._heard(said)

    def _read(self) -> None:
        try:
            data = self._client.sock.recv(READ)
        except BlockingIOError:
            self._client.want(IN)
        except OSError:
            self._connection.reset("client")
        else:
            if data:
                self._heard(data)
            else:  # it asked for nothing, as browsers do with connections made in advance
                self._connection.close("client")

    def _heard(self, data: bytes) -> None:
        for step in self._front.receive(data):
            self._take(step)
        if self._ask is None and not self._connection.ended:
            self._client.want(IN)

    def _take(self, step: Step) -> None:
        if isinstance(step, Ask):
            self._ask, self._since = step, monotonic()
            self._look_up(step.target)
        elif isinstance(step, Say):
            self._say(step.data)
        else:
            self._end(step)

    def _look_up(self, target: Address) -> None:
        if is_number(target[0]):
            self._resolved((target,))
        else:
            self._relay.background.do(lambda: resolve(*target), self._resolved)

    def _resolved(self, outcome: tuple[Address, ...] | OSError) -> None:
        if self._connection.ended:
            return
        found = () if isinstance(outcome, OSError) else outcome
        remote = self._relay.allow_remote
        allowed = [address for address in found if remote or is_loopback(address[0])]
        here = self._relay.listener.address
        if not found:
            self._fail(failures.NO_NAME)
        elif not allowed:
            self._fail(failures.REMOTE)
        elif any(_is_at(here, address) for address in allowed):
            self._fail(failures.LOOP)
        else:
            self._connection.dial(allowed, self._dialled)

    def _dialled(self, server: Plug | None, error: int) -> None:
        if server is None:
            self._fail(_ERRNOS.get(error, failures.UNREACHABLE))
        else:
            self._connection.join(server)
            self._connection.after_round_trip(self._since, lambda: self._begin(server.sock))

    def _begin(self, server: socket.socket) -> None:
        assert self._ask is not None
        self._say(self._front.granted(server.getsockname()[:2]))
        up = self._forwarded(self._ask.target) if self._ask.forward else None
        self._connection.begin(bytes(self._front.rest), up)

    def _forwarded(self, target: Address) -> ForwardFlow:
        return ForwardFlow(self._connection, self._relay.up, Forwarding(target), self._elsewhere)

    def _elsewhere(self, said: bytes) -> None:
        """Give the client, which *said* that it wants another server, a connection to that."""
        self._relay.accept(self._connection.let_go(), self._connection.port, said)

    def _say(self, data: bytes) -> None:
        try:
            self._client.sock.sendall(data)  # a few bytes into an empty buffer
        except OSError:  # it is gone, which the next read tells
            pass

    def _fail(self, failure: Failure) -> None:
        self._end(self._front.refused(failure))

    def _end(self, refuse: Refuse) -> None:
        self._say(refuse.data)
        target = "" if self._ask is None else address_text(self._ask.target)
        self._relay.refused(self._connection, target, refuse.failure)
        self._connection.close(refuse.failure.blame)


def _is_at(listener: Address, address: Address) -> bool:
    """Whether who dials *address* gets to *listener*."""
    (here, port), (host, there) = listener, address
    return port == there and (host in (here, "0.0.0.0", "::") or (is_any(here) and is_loopback(host)))
