"""The httpx transport: keeps or dials one connection for each request, and starts the conversation.

What it never does is send a request twice. A kept connection that the peer ended or reset meanwhile
is noticed before it is used; if it dies in between all the same, the request fails as an interruption
like any other. A hidden second attempt would be safe only for some requests, and would be missing
from the records for all.
"""

from __future__ import annotations

import errno
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from simulator.transport.connection import Connection, Origin
from simulator.transport.conversation import Conversation
from simulator.transport.dial import Address, Dialler, Limits
from simulator.transport.exchange import Exchange
from simulator.transport.waiter import PollWaiter, Waiter
from simulator.transport.wire import Wire
from simulator.trust import Trust

_PORTS = {"http": 80, "https": 443}


class LinkTransport(httpx.BaseTransport):
    """Dials the link while Host, SNI and certificate check stay the URL's.

    ``dial`` is the link's address, or what tells it at each connect; None dials the URL's host.
    ``send_buffer`` (bytes) bounds what the kernel takes ahead of the network; None leaves it to the kernel.
    ``waiter`` is how to wait: None is ``PollWaiter``, for threads. ``verify`` is httpx's.

    An idle connection is kept; a request begun before an earlier answer is read gets a connection of
    its own, so as many stay as were in use at once. Not for several threads at once, nor to be closed
    under a thread that polls.
    Request extensions: ``timeout`` (httpx's: ``connect`` covers TCP and TLS; the smaller of ``read`` and
    ``write`` is the stall time-out), ``exchange`` (an ``Exchange``), ``target`` (bytes, as httpcore).
    """

    def __init__(
        self,
        *,
        dial: Address | Callable[[], Address] | None = None,
        send_buffer: int | None = None,
        waiter: Waiter | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self._dial = dial
        self._waiter = PollWaiter() if waiter is None else waiter
        self._dialler = Dialler(self._waiter, send_buffer)
        self._verify = verify
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._closings = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and return its answer, the body still to be read. Raises httpx's exceptions."""
        given = request.extensions.get("exchange")
        exchange = given if isinstance(given, Exchange) else Exchange()
        timeout: dict[str, float | None] = request.extensions.get("timeout", {})
        exchange.begin(time.monotonic())
        connection = self._connection(_origin(request.url), exchange, timeout.get("connect"))
        conversation = Conversation(connection, request, exchange, _stall(timeout))
        answer = conversation.run()
        extensions: dict[str, Any] = {
            "http_version": b"HTTP/" + answer.http_version,
            "reason_phrase": bytes(answer.reason),
        }
        return httpx.Response(
            answer.status_code,
            headers=answer.headers.raw_items(),
            stream=_Answer(conversation),
            extensions=extensions,
        )

    def close(self) -> None:
        """Close every connection; what the kernel has taken it still tries to deliver."""
        self._closings += 1
        for connection in list(self._open):
            connection.close()

    def _connection(self, origin: Origin, exchange: Exchange, timeout: float | None) -> Connection:
        connection = self._kept(origin)
        if connection is None:
            exchange.fresh = True
            connection = self._dialled(origin, exchange, Limits(exchange.started, timeout, exchange.deadline))
            exchange.connected = time.monotonic()
        exchange.port = connection.wire.port
        return connection

    def _kept(self, origin: Origin) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.origin == origin and connection.wire.idle():
                return connection
            connection.close()
        return None

    def _dialled(self, origin: Origin, exchange: Exchange, limits: Limits) -> Connection:
        (scheme, host, port), closings = origin, self._closings
        sock = self._dialler.connect(self._address() or (host, port), limits)
        exchange.port = sock.getsockname()[1]  # known though the handshake may fail
        if scheme == "https":
            sock = self._dialler.secure(sock, host, self._context(), limits)
        connection = Connection(origin, Wire(sock, self._waiter), keep=self._keep, drop=self._drop)
        self._open.add(connection)
        if self._closings != closings:  # another greenlet's doing
            connection.close()
            raise httpx.ConnectError("closed while connecting") from OSError(errno.EBADF, "closed")
        return connection

    def _address(self) -> Address | None:
        return self._dial() if callable(self._dial) else self._dial

    def _context(self) -> ssl.SSLContext:
        return Trust(checked=self._verify).context() if isinstance(self._verify, bool) else self._verify

    def _keep(self, connection: Connection) -> None:
        self._idle.append(connection)

    def _drop(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


class _Answer(httpx.SyncByteStream):
    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def __iter__(self) -> Iterator[bytes]:
        return self._conversation.body()

    def close(self) -> None:
        self._conversation.leave()


def _origin(url: httpx.URL) -> Origin:
    if url.scheme not in _PORTS:
        raise httpx.UnsupportedProtocol(f"'{url.scheme}://' is neither http:// nor https://")
    return url.scheme, url.raw_host.decode("ascii").strip("[]"), url.port or _PORTS[url.scheme]


def _stall(timeout: dict[str, float | None]) -> float | None:
    limits = [limit for limit in (timeout.get("read"), timeout.get("write")) if limit is not None]
    return min(limits, default=None)
