"""How a direct flow moves bytes: copied through one shared buffer, or spliced through a pipe.

Splicing never brings the bytes into the process, at half the CPU per byte, but a pipe costs two
descriptors. So a flow copies until it has moved much.
"""

from __future__ import annotations

import fcntl
import os
import socket
from abc import ABC, abstractmethod

from simulator.links.sizes import SPLICE

MUCH = 1 << 20  # bytes after which a flow is worth a pipe
_FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK


class Carrier(ABC):
    """Takes bytes from one socket and gives them to another; ``held`` is what it has in hand."""

    held = 0

    @abstractmethod
    def take(self, sock: socket.socket, most: int) -> int:
        """Receive up to *most* bytes; return how many, 0 at the end. Only when nothing is held."""

    @abstractmethod
    def give(self, sock: socket.socket) -> int:
        """Send what is held; return how much went, 0 when *sock* takes nothing now."""

    @abstractmethod
    def rest(self) -> bytes:
        """Hand out what is held, and hold nothing more."""

    @abstractmethod
    def close(self) -> None:
        """Forget what is held."""


class Copier(Carrier):
    """Copies through *scratch*, which all copiers share; only a rest is kept apart."""

    def __init__(self, scratch: memoryview) -> None:
        self._scratch = scratch
        self._rest: memoryview | None = None

    def take(self, sock: socket.socket, most: int) -> int:
        self.held = sock.recv_into(self._scratch, min(most, len(self._scratch)))
        return self.held

    def give(self, sock: socket.socket) -> int:
        data = self._scratch[: self.held] if self._rest is None else self._rest
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        self.held -= sent
        if not self.held:
            self._rest = None
        else:  # the scratch is everybody's: what stays must leave it
            self._rest = data[sent:] if self._rest is not None else memoryview(bytes(data[sent:]))
        return sent

    def hold(self, data: bytes) -> None:
        """Hold *data* as if it had been taken. Only when nothing is held."""
        self._rest = memoryview(data)
        self.held = len(data)

    def rest(self) -> bytes:
        data = b"" if self._rest is None else bytes(self._rest)
        self.close()
        return data

    def close(self) -> None:
        self.held, self._rest = 0, None


class Splicer(Carrier):
    """Splices through a pipe of its own."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, SPLICE)
        except PermissionError:  # past the user's share of pipe pages (pipe(7)): a small one works too
            pass

    def take(self, sock: socket.socket, most: int) -> int:
        self.held = os.splice(sock.fileno(), self._in, min(most, SPLICE), flags=_FLAGS)
        return self.held

    def give(self, sock: socket.socket) -> int:
        try:
            sent = os.splice(self._out, sock.fileno(), self.held, flags=_FLAGS)
        except BlockingIOError:
            sent = 0
        self.held -= sent
        return sent

    def rest(self) -> bytes:
        data = b""
        while len(data) < self.held:
            data += os.read(self._out, self.held - len(data))
        self.close()
        return data

    def close(self) -> None:
        self.held = 0
        if self._out >= 0:
            os.close(self._out)
            os.close(self._in)
            self._out = self._in = -1
