"""Where the clients of one link dial, and what becomes of them while a fault holds."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

from simulator.links.embedded import kernel
from simulator.links.embedded.loop import Loop
from simulator.links.engine import Address
from simulator.links.sizes import Buffers
from simulator.weather.faults import New

ACCEPTS = 64  # connections taken before the loop looks at anything else


class Listener:
    """A socket that listens at an address, in one of the modes of ``New``. Raises ``OSError``.

    ``HANG``: the kernel completes handshakes and nobody takes the connections. ``REFUSE``: the
    socket is shut down, which keeps its port and every connection that was taken.
    """

    def __init__(
        self, loop: Loop, listen: Address, sizes: Buffers, accepted: Callable[[socket.socket, int], None]
    ) -> None:
        self._loop = loop
        self._accepted = accepted
        self._segment = sizes.segment
        self._sock = kernel.bind_for_good(*listen)
        self._sock.setblocking(False)
        kernel.size_buffers(self._sock, sizes.up, sizes.down)
        self.address: Address = self._sock.getsockname()[:2]
        try:
            self._listen()
        except OSError:  # somebody listens there who is bound as we are
            self._sock.close()
            raise
        self._watch()
        self.mode = New.PASS

    def become(self, mode: New) -> None:
        """Treat new connections as *mode* says from now on."""
        if mode is self.mode:
            return
        if self.mode is New.PASS:
            self._loop.forget(self._sock.fileno())
        if mode is New.REFUSE:
            self._sock.shutdown(socket.SHUT_RDWR)
        elif self.mode is New.REFUSE:
            self._listen()
        if mode is New.PASS:
            self._watch()
        self.mode = mode

    def close(self) -> None:
        """Stop listening, for ever."""
        if self.mode is New.PASS:
            self._loop.forget(self._sock.fileno())
        self._sock.close()

    def _listen(self) -> None:
        kernel.limit_segments(self._sock, self._segment)
        self._sock.listen(kernel.BACKLOG)

    def _watch(self) -> None:
        self._loop.add(self._sock.fileno(), select.EPOLLIN, self._ready)

    def _ready(self, _mask: int) -> None:
        for _ in range(ACCEPTS):
            if self.mode is not New.PASS:
                return
            try:
                client, name = self._sock.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # it gave up before it was taken: accept(2)
                continue
            client.setblocking(False)
            kernel.send_promptly(client)
            self._accepted(client, name[1])
