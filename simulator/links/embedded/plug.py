"""One socket in the loop, armed for reading or writing as its two users want."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

from simulator.links.embedded.loop import Loop

IN, OUT = select.EPOLLIN, select.EPOLLOUT
ONE_SHOT = select.EPOLLONESHOT


class Plug:
    """A non-blocking socket with two users: one reads from it, the other writes to it."""

    __slots__ = ("_firing", "_in_loop", "_loop", "_wanted", "fd", "on_read", "on_write", "sock")

    def __init__(
        self, loop: Loop, sock: socket.socket, on_read: Callable[[], None], on_write: Callable[[], None]
    ) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.on_read = on_read
        self.on_write = on_write
        self._loop = loop
        self._wanted = 0
        self._firing = False
        self._in_loop = True
        loop.add(self.fd, ONE_SHOT, self._fired)

    def want(self, bit: int) -> None:
        """Call the user of *bit* (IN or OUT) once, when the socket is ready or broken."""
        if not self._wanted & bit:
            self._wanted |= bit
            self._arm()

    def leave(self) -> None:
        """Take the socket out of the loop for ever, leaving it open."""
        if self._in_loop:
            self._in_loop = False
            self._loop.forget(self.fd)

    def _fired(self, mask: int) -> None:
        """Call whom the news is for; an error or a hang-up is news to both."""
        wanted = self._wanted
        reads = bool(wanted & IN and mask & ~OUT)
        writes = bool(wanted & OUT and mask & ~IN)
        self._wanted = wanted & ~(IN * reads | OUT * writes)
        self._firing = True
        if reads:
            self.on_read()
        if writes and self._in_loop:
            self.on_write()
        self._firing = False
        if self._wanted:
            self._arm()

    def _arm(self) -> None:
        if self._in_loop and not self._firing:
            self._loop.arm(self.fd, self._wanted | ONE_SHOT)
