"""Getting through to a server that has several addresses: one after the other, until one answers.

RFC 8305 in spirit. It is no race, for a connection through a link goes to one server.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from time import monotonic

from simulator.links.embedded import kernel
from simulator.links.embedded.loop import Loop
from simulator.links.embedded.plug import OUT, Plug
from simulator.links.engine import Address
from simulator.links.sizes import Buffers

PATIENCE = 1.0  # seconds for an address when there is another; the last has as long as the kernel gives it


class Dial:
    """Tries *addresses* in order and calls *then* once: with the socket, or None and the last errno."""

    def __init__(
        self,
        loop: Loop,
        addresses: Sequence[Address],
        sizes: Buffers,
        then: Callable[[Plug | None, int], None],
    ) -> None:
        self._loop = loop
        self._untried = list(addresses)
        self._sizes = sizes
        self._then = then
        self._plug: Plug | None = None

    def go_on(self, error: int = errno.EHOSTUNREACH) -> None:
        """Try the next address; *error* is why the one before did not do."""
        if not self._untried:
            self._then(None, error)
            return
        address = self._untried.pop(0)
        try:
            sock = self._socket(address)
        except OSError as no_descriptor:
            self.go_on(no_descriptor.errno or error)
            return
        refused = sock.connect_ex(address)
        if refused not in (0, errno.EINPROGRESS):
            sock.close()
            self.go_on(refused)
            return
        self._plug = plug = Plug(self._loop, sock, _nobody, lambda: self._answered(plug))
        plug.want(OUT)
        if self._untried:
            self._loop.at(monotonic() + PATIENCE, lambda: self._too_late(plug))

    def abandon(self) -> None:
        """Try no more, and call nobody."""
        if self._plug is not None:
            self._plug.leave()
            self._plug.sock.close()
            self._plug = None
        self._untried.clear()

    def _socket(self, address: Address) -> socket.socket:
        sock = socket.socket(kernel.family(address[0]))
        sock.setblocking(False)
        kernel.size_buffers(sock, self._sizes.down, self._sizes.up)
        kernel.send_promptly(sock)
        return sock

    def _answered(self, plug: Plug) -> None:
        error = plug.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._give_up(error)
        else:
            self._plug = None
            self._then(plug, 0)

    def _too_late(self, plug: Plug) -> None:
        if plug is self._plug:
            self._give_up(errno.ETIMEDOUT)

    def _give_up(self, error: int) -> None:
        assert self._plug is not None
        self._plug.leave()
        self._plug.sock.close()
        self._plug = None
        self.go_on(error)


def _nobody() -> None:
    """Read nothing: nobody is connected yet."""
