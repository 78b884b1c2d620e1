"""Servers on loopback, a thread each, that say exactly what reached them; and a client that sends.

They know nothing of simsim: bytes, how a stream ended, and when.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

PATIENCE = 30.0  # seconds that a test waits for something that must come


@dataclass
class Arrival:
    """One connection as its server saw it. ``end`` is "", "eof" or "reset"."""

    opened: float = field(default_factory=time.monotonic)
    nbytes: int = 0
    sha: hashlib._Hash = field(default_factory=hashlib.sha256)
    marks: list[tuple[float, int]] = field(default_factory=list)  # instant, bytes so far
    end: str = ""
    ended: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def count(self, data: bytes) -> None:
        self.nbytes += len(data)
        self.sha.update(data)
        self.marks.append((time.monotonic(), self.nbytes))

    def finish(self, end: str) -> None:
        self.end, self.ended = end, time.monotonic()
        self.over.set()


class Server:
    """Accepts connections and gives each to ``serve`` in a thread of its own."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, 0), family=family, backlog=1024)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self.arrivals: list[Arrival] = []
        self._socks: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def serve(self, sock: socket.socket, arrival: Arrival) -> None:
        """Read to the end, counting."""
        while data := sock.recv(65536):
            arrival.count(data)

    def arrival(self, n: int = 0) -> Arrival:
        """Return the *n*-th connection, waiting for it."""
        wait_until(lambda: len(self.arrivals) > n)
        return self.arrivals[n]

    def ended(self, n: int = 0) -> Arrival:
        """Return the *n*-th connection once it is over."""
        arrival = self.arrival(n)
        assert arrival.over.wait(PATIENCE), "the server's side of the connection never ended"
        return arrival

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            arrival = Arrival()
            self.arrivals.append(arrival)
            self._socks.append(sock)
            thread = threading.Thread(target=self._one, args=(sock, arrival))
            self._threads.append(thread)
            thread.start()

    def _one(self, sock: socket.socket, arrival: Arrival) -> None:
        try:
            self.serve(sock, arrival)
        except OSError:
            arrival.finish("reset")
        else:
            arrival.finish("eof")
        self.leave(sock)

    def leave(self, sock: socket.socket) -> None:
        """Close the server's side once its stream is over."""
        sock.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join()
        for sock in self._socks:
            sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Sink(Server):
    """Counts what arrives and hangs up at its end."""


class Echo(Server):
    """Sends back what arrives."""

    def serve(self, sock: socket.socket, arrival: Arrival) -> None:
        while data := sock.recv(65536):
            arrival.count(data)
            sock.sendall(data)


class Answering(Server):
    """Reads to the end, then answers with the bytes it was made with."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        super().__init__()

    def serve(self, sock: socket.socket, arrival: Arrival) -> None:
        super().serve(sock, arrival)
        sock.sendall(self._answer)


class Deaf(Server):
    """Never reads."""

    def serve(self, sock: socket.socket, arrival: Arrival) -> None:
        arrival.over.wait()


@dataclass
class Sending:
    """A client's upload in the background: what its socket accepted, and how it saw the end.

    A reset is told once, to the sender or to the reader; the other sees a broken pipe or an end.
    """

    sock: socket.socket
    accepted: int = 0
    reset: bool = False
    eof: bool = False


def dial(address: tuple[str, int], send_buffer: int | None = None) -> socket.socket:
    """Return a connection to *address*, its send buffer bounded as simsim's own client does."""
    sock = socket.socket()
    if send_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        sock.setsockopt(socket.IPPROTO_TCP, 25, send_buffer)  # TCP_NOTSENT_LOWAT, linux/tcp.h
    sock.settimeout(PATIENCE)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def send_all(sock: socket.socket, data: bytes, piece: int = 16384) -> Sending:
    """Send *data* in a thread, and watch for the end in another."""
    sending = Sending(sock)
    for work in (_send, _watch):
        threading.Thread(target=work, args=(sending, data, piece), daemon=True).start()
    return sending


def send_all_only(sock: socket.socket, data: bytes) -> threading.Thread:
    """Send *data* in a thread, which the caller joins; the caller may read meanwhile."""
    thread = threading.Thread(target=_send, args=(Sending(sock), data, 16384), daemon=True)
    thread.start()
    return thread


def _send(sending: Sending, data: bytes, piece: int) -> None:
    view = memoryview(data)
    try:
        while sending.accepted < len(data):
            sending.accepted += sending.sock.send(view[sending.accepted : sending.accepted + piece])
    except ConnectionError:
        sending.reset = True
    except OSError:  # the test closed the socket, or nobody read
        pass


def _watch(sending: Sending, _data: bytes, _piece: int) -> None:
    try:
        while sending.sock.recv(65536):
            pass
    except ConnectionError:
        sending.reset = True
    except OSError:  # the test closed the socket, or nothing ever came
        pass
    else:
        sending.eof = True


def wait_until(true: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Return as soon as *true* holds; fail when it does not in time."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "what the test waits for did not come"
        time.sleep(0.002)
