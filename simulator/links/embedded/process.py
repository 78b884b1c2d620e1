"""The engine's process: obeys its parent, runs the links, reports what they did.

It lives as long as its parent: end of file on the control socket, or the kernel's signal when the
parent dies, ends it. Interrupts are the parent's to decide on.
"""

from __future__ import annotations

import gc
import signal
import socket

from simulator.links.addresses import address_text
from simulator.links.embedded import kernel
from simulator.links.embedded.background import Background
from simulator.links.embedded.loop import Loop
from simulator.links.embedded.outbox import Outbox
from simulator.links.embedded.plug import IN, Plug
from simulator.links.embedded.relay import Relay, Shop
from simulator.links.embedded.sampler import Sampler
from simulator.links.sizes import MOST
from simulator.links.wire import Lines, Message, spec_in

NAMES = 16  # that are looked up at once; each may take many seconds


class Child:
    """The links of one engine and the two sockets to its parent."""

    def __init__(self, control: socket.socket, events: socket.socket) -> None:
        self.loop = Loop()
        self._relays: dict[str, Relay] = {}
        self._lines = Lines()
        self._replies = Outbox(self.loop, Plug(self.loop, control, self._hear, self._answer))
        self._events = Outbox(self.loop, Plug(self.loop, events, self.loop.stop, self._tell))
        scratch = memoryview(bytearray(MOST))
        background = Background(self.loop, NAMES)
        self._shop = Shop(self.loop, self._events.post, [], scratch, background)
        self._do = {
            "open": self._open,
            "start": self._start,
            "strike": self._strike,
            "close": self._close,
        }
        Sampler(self._shop, self._relays).sample()
        self._replies.plug.want(IN)
        self._events.plug.want(IN)

    def _answer(self) -> None:
        self._replies.flush()

    def _tell(self) -> None:
        self._events.flush()

    def _hear(self) -> None:
        """Obey; the end of the control socket is the end of the parent."""
        data = self._replies.plug.sock.recv(65536)
        if not data:
            self.loop.stop()
            return
        self._replies.plug.want(IN)
        for message in self._lines.feed(data):
            self._do[message["do"]](message)

    def _open(self, message: Message) -> None:
        spec = spec_in(message["link"])
        try:
            relay = self._relays[spec.id] = Relay(self._shop, spec)
        except OSError as error:
            why = f"cannot listen on {address_text(spec.listen)}: {error.strerror}"
            self._replies.post({"link": spec.id, "refused": why})
        else:
            self._replies.post({"link": spec.id, "port": relay.listener.address[1]})

    def _start(self, message: Message) -> None:
        self._relays[message["link"]].start(message["t0"])

    def _strike(self, message: Message) -> None:
        self._relays[message["link"]].strike(message["fault"], message["seconds"])

    def _close(self, _message: Message) -> None:
        for relay in self._relays.values():
            relay.close()
        self._events.finish()
        self.loop.stop()


def main(control: int, events: int, parent: int) -> None:
    """Run the engine whose parent holds the other ends of the sockets *control* and *events*."""
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, signal.SIG_IGN)
    kernel.die_with(parent)
    kernel.allow_many_files()
    kernel.wake_sharply()
    ends = [socket.socket(fileno=fd) for fd in (control, events)]
    for end in ends:
        end.setblocking(False)
    child = Child(*ends)
    gc.freeze()
    child.loop.run()
