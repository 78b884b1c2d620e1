"""Messages to the parent: kept here, without bound, for as long as it does not read."""

from __future__ import annotations

from time import monotonic

from simulator.links.embedded.loop import Loop
from simulator.links.embedded.plug import OUT, Plug
from simulator.links.wire import Message, encode

BATCH = 0.005  # seconds for which messages are gathered: one system call serves them all
LAST_WORDS = 10.0  # seconds that a parent has to take the last messages


class Outbox:
    """One socket's messages, sent in batches as the parent takes them."""

    def __init__(self, loop: Loop, plug: Plug) -> None:
        self.plug = plug
        self._loop = loop
        self._waiting = bytearray()
        self._due = False

    def post(self, message: Message) -> None:
        """Send *message* soon."""
        self._waiting += encode(message)
        if not self._due:
            self._due = True
            self._loop.at(monotonic() + BATCH, self.flush)

    def flush(self) -> None:
        """Send what the parent takes now; the rest when it takes more."""
        try:
            sent = self.plug.sock.send(self._waiting)
        except BlockingIOError:
            sent = 0
        except OSError:  # the parent is gone, which its end of file tells
            self._waiting.clear()
            return
        del self._waiting[:sent]
        self._due = bool(self._waiting)
        if self._due:
            self.plug.want(OUT)

    def finish(self) -> None:
        """Send all of it, waiting for the parent."""
        self.plug.sock.settimeout(LAST_WORDS)
        self.plug.sock.sendall(self._waiting)
        self._waiting.clear()
