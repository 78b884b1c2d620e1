"""The two ends of a probe, plain blocking sockets: they know nothing of links, only bytes and instants.

The interpreter's threads share a core with nothing but each other here: what they stamp is late by
their own wake-up, which the bare loopback echo of ``probes/delay.py`` shows and takes off.
"""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Self

from simulator.links.engine import Address

PATIENCE = 20.0  # seconds for what must come
SEND_BUFFER = 16 * 1024  # bytes: as simsim's own clients bound theirs
TCP_NOTSENT_LOWAT = 25  # linux/tcp.h


@dataclass
class Arrival:
    """One connection as the server saw it: (instant, bytes so far) of each read, and how it ended."""

    marks: list[tuple[float, int]] = field(default_factory=list)
    nbytes: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def count(self, nbytes: int) -> None:
        """Note that *nbytes* came."""
        self.nbytes += nbytes
        self.marks.append((time.monotonic(), self.nbytes))


class _Handler(BaseRequestHandler):
    """Reads to the end, and sends back what came where the server echoes."""

    server: End

    def handle(self) -> None:
        """Serve one connection."""
        arrival = Arrival()
        self.server.arrivals.append(arrival)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while data := self.request.recv(65536):
                arrival.count(len(data))
                if self.server.echoes:
                    self.request.sendall(data)
        except OSError:  # a reset is an end like another to a server that counts
            pass
        arrival.over.set()


class End(ThreadingTCPServer):
    """A server on loopback that counts what arrives. A context manager."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, *, echoes: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.echoes = echoes
        self.arrivals: list[Arrival] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def address(self) -> Address:
        """Return where it listens."""
        host, port = self.socket.getsockname()
        return host, port

    def arrival(self, n: int = 0) -> Arrival:
        """Return the *n*-th connection, waiting for it. Raises ``TimeoutError``."""
        deadline = time.monotonic() + PATIENCE
        while len(self.arrivals) <= n:
            if time.monotonic() > deadline:
                raise TimeoutError("no connection came through the link")
            time.sleep(0.001)
        return self.arrivals[n]

    def ended(self, n: int = 0) -> Arrival:
        """Return the *n*-th connection once it is over. Raises ``TimeoutError``."""
        arrival = self.arrival(n)
        if not arrival.over.wait(PATIENCE):
            raise TimeoutError("a connection through the link never ended")
        return arrival

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


def dial(address: Address) -> socket.socket:
    """Return a connection to *address* whose send buffer is bounded as simsim's clients bound theirs."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, SEND_BUFFER)
    sock.settimeout(PATIENCE)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Flood:
    """A client that sends for as long as the link takes it, in a thread. A context manager."""

    def __init__(self, address: Address, nbytes: int) -> None:
        self.sock = dial(address)
        self.ended: float | None = None  # the instant at which sending broke off
        self._left = nbytes
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        piece = memoryview(bytes(16384))
        try:
            while self._left:
                self._left -= self.sock.send(piece[: self._left])
        except OSError:
            self.ended = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # a reset has closed it already
            pass
        self._thread.join(PATIENCE)
        self.sock.close()


def echo(sock: socket.socket) -> float:
    """Return the seconds that one byte takes there and back. Raises ``OSError``."""
    begun = time.monotonic()
    sock.sendall(b"x")
    if not sock.recv(1):
        raise ConnectionResetError("the link ended the connection")
    return time.monotonic() - begun


def broken(sock: socket.socket) -> float:
    """Return the instant at which reading from *sock* ends, however it ends."""
    try:
        while sock.recv(65536):
            pass
    except OSError:
        pass
    return time.monotonic()
