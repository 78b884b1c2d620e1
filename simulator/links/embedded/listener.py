"""Where the clients of one link dial, and what becomes of them while a fault holds."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Callable
from time import monotonic

from simulator.links.embedded import kernel
from simulator.links.embedded.loop import Loop
from simulator.links.engine import Address
from simulator.links.sizes import Buffers
from simulator.weather.faults import New

SHORT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
HOLD_OFF = 0.1  # seconds that clients wait when descriptors or memory are short
ACCEPTS = 64  # connections taken before the loop looks at anything else


class Listener:
    """A listening socket in one of the modes of ``New``.

    ``HANG``: the kernel completes handshakes and nobody takes the connections. ``REFUSE``: the
    socket is shut down, which keeps its port and every connection that was taken.

    Raises ``OSError`` when *address* cannot be had; port 0 is any that is free.
    """

    def __init__(
        self,
        loop: Loop,
        sizes: Buffers,
        accepted: Callable[[socket.socket, int], None],
        address: Address = ("127.0.0.1", 0),
    ) -> None:
        self._loop = loop
        self._accepted = accepted
        self._segment = sizes.segment
        self.mode = New.PASS
        self._watched = False
        self._sock = kernel.bind_for_good(*address)
        try:
            self._sock.setblocking(False)
            kernel.size_buffers(self._sock, sizes.up, sizes.down)
            self.address: Address = self._sock.getsockname()[:2]
            self._listen()
        except OSError:
            self._sock.close()
            raise
        self._watch()

    def become(self, mode: New) -> None:
        """Treat new connections as *mode* says from now on."""
        if mode is self.mode:
            return
        if self.mode is New.PASS:
            self._unwatch()
        if mode is New.REFUSE:
            self._sock.shutdown(socket.SHUT_RDWR)
        elif self.mode is New.REFUSE:
            self._listen()
        if mode is New.PASS:
            self._watch()
        self.mode = mode

    def resize(self, sizes: Buffers) -> None:
        """Give connections that come from now on buffers of other sizes."""
        self._segment = sizes.segment
        kernel.size_buffers(self._sock, sizes.up, sizes.down)
        kernel.limit_segments(self._sock, sizes.segment or kernel.ANY_SEGMENT)

    def close(self) -> None:
        """Stop listening, for ever."""
        self._unwatch()
        self._sock.close()

    def _listen(self) -> None:
        kernel.limit_segments(self._sock, self._segment)
        self._sock.listen(kernel.BACKLOG)

    def _watch(self) -> None:
        self._loop.add(self._sock.fileno(), select.EPOLLIN, self._ready)
        self._watched = True

    def _unwatch(self) -> None:
        self._loop.forget(self._sock.fileno())
        self._watched = False

    def _ready(self, _mask: int) -> None:
        for _ in range(ACCEPTS):
            if not self._watched:
                return
            try:
                client, peer = self._sock.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # it gave up before it was taken: accept(2)
                continue
            except OSError as error:
                self._hold_off(error)
                return
            client.setblocking(False)
            kernel.send_promptly(client)
            self._accepted(client, peer[1])

    def _hold_off(self, error: OSError) -> None:
        """Leave clients waiting for a moment when there is nothing to take them with."""
        if error.errno not in SHORT:
            raise error
        self._unwatch()
        self._loop.at(monotonic() + HOLD_OFF, self._resume)

    def _resume(self) -> None:
        if self.mode is New.PASS and self._sock.fileno() >= 0 and not self._watched:
            self._watch()
