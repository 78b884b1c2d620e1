"""One socket of the hop on asyncio's loop: what is read is handed on before more is read.

Nothing is buffered here. A wait may be cancelled at any moment without a byte being lost, because
a byte is read only once the socket has it and the caller runs.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

from simulator.links.embedded.kernel import send_fin, send_promptly, send_reset, unacknowledged

DRAIN_S = 2.0  # how long a cut waits for the peer's kernel to have what was forwarded before it
DRAIN_LOOK_S = 0.001


class Wire:
    """A connected, non-blocking socket. ``size`` (bytes) is the most that one read takes."""

    def __init__(self, sock: socket.socket, size: int) -> None:
        self._sock = sock
        self._size = size
        self._loop = asyncio.get_running_loop()
        self.torn = False  # a write was broken off in its middle
        self.closed = False
        send_promptly(sock)

    async def recv(self) -> bytes:
        """Return the next bytes, ``b""`` at the peer's end. Raises ``ConnectionError``."""
        while True:
            try:
                return self._sock.recv(self._size)
            except BlockingIOError:
                await self._ready(self._loop.add_reader, self._loop.remove_reader)

    async def send(self, data: bytes | memoryview) -> None:
        """Hand all of *data* to the kernel. Raises ``ConnectionError``."""
        rest = memoryview(data)
        self.torn = True
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                self.torn = len(rest) < len(data)
                await self._ready(self._loop.add_writer, self._loop.remove_writer)
        self.torn = False

    async def drained(self) -> None:
        """Wait until the peer's kernel has everything, or for ``DRAIN_S`` at most."""
        give_up = time.monotonic() + DRAIN_S
        # a loop that looks, because the kernel has no event for an empty send queue
        while not self.closed and unacknowledged(self._sock) and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(DRAIN_LOOK_S)

    def fresh(self) -> bool:
        """Return whether an idle connection can still be used: nothing came, not even its end."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def fin(self) -> None:
        """Send FIN after what was sent; reading goes on."""
        if not self.closed:
            send_fin(self._sock)

    def reset(self) -> None:
        """Close with RST at once."""
        if not self.closed:
            self.closed = True
            send_reset(self._sock)

    def close(self) -> None:
        """Close; what the kernel has it still delivers, unless there is something unread."""
        if not self.closed:
            self.closed = True
            self._sock.close()

    async def _ready(self, add: Callable[..., Any], remove: Callable[..., Any]) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        fd = self._sock.fileno()
        add(fd, _wake, ready)
        try:
            await ready
        finally:
            remove(fd)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
