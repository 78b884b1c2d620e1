"""The engine's process: obeys its parent, conducts the links on toxiproxy, reports what it did.

It lives as long as its parent: end of file on the control socket, or the kernel's signal when the
parent dies, ends it, and with it the server that it started. On a server of somebody else it removes
its proxies; those of a process that was killed before it could, the next one removes.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from itertools import count
from typing import Any

import toxiproxy

from simulator.errors import SimsimError
from simulator.links.embedded import kernel
from simulator.links.toxiproxy import beside, names, probe, server
from simulator.links.toxiproxy.beside import ApiFailed, Hung, Lines
from simulator.links.toxiproxy.conductor import Desk, Link
from simulator.links.toxiproxy.ports import Ports
from simulator.links.toxiproxy.server import Server
from simulator.links.wire import Lines as Messages
from simulator.links.wire import Message, encode, spec_in

WATCH = 0.25  # seconds between looks at the server
SWITCH = 0.0005  # seconds that a thread of the library may keep the loop from running


class Child:
    """The links of one engine and the two sockets to its parent."""

    desk: Desk

    def __init__(self, server: Server, replies: asyncio.StreamWriter) -> None:
        self.links: dict[str, Link] = {}
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._server = server
        self._replies = replies
        self._tasks: set[asyncio.Task[None]] = set()
        self._do: dict[str, Callable[[Message], None]] = {
            "open": self._open,
            "start": self._start,
            "close": self._close,
        }

    def go(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work* beside everything else; if it fails, all is over."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def hear(self, control: asyncio.StreamReader) -> None:
        """Obey until the parent says so, or is gone."""
        messages = Messages()
        while data := await control.read(65536):
            for message in messages.feed(data):
                self._do[message["do"]](message)
        self._close({})

    async def watch(self) -> None:
        """Notice the end of the server. Raises ``PartDied``."""
        while True:
            self._server.check()
            await asyncio.sleep(WATCH)

    async def stop(self) -> None:
        """End all that is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _open(self, message: Message) -> None:
        spec = spec_in(message["link"])
        link = self.links[spec.id] = Link(self.desk, spec)
        self.go(self._make(spec.id, link))

    async def _make(self, name: str, link: Link) -> None:
        await link.open()
        self._replies.write(encode({"link": name, "port": link.ports[0], "next": link.ports[1:]}))

    def _start(self, message: Message) -> None:
        self.go(self.links[message["link"]].play(message["t0"]))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.over.done():
            self.over.set_exception(error)

    def _close(self, _message: Message) -> None:
        if not self.over.done():
            self.over.set_result(None)


def main(url: str, run: str, control: int, events: int, parent: int) -> None:
    """Run the engine whose parent holds the other ends of the sockets *control* and *events*.

    *url* is that of a server that runs, or ``own``.
    """
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, signal.SIG_IGN)
    kernel.die_with(parent)
    kernel.allow_many_files()
    kernel.wake_sharply()
    sys.setswitchinterval(SWITCH)
    ends = socket.socket(fileno=control), socket.socket(fileno=events)
    try:
        with server.own() if url == "own" else server.running(url) as there:
            _conduct(there, names.prefix(run), *ends)
    except (SimsimError, ApiFailed) as error:
        sys.exit(str(error))


def _conduct(there: Server, prefix: str, control: socket.socket, events: socket.socket) -> None:
    """Play links on the server *there* until the parent has enough. Raises ``ApiFailed`` and ``PartDied``."""
    library = beside.library_for(*there.address)
    named = map(f"{prefix}-{{}}".format, count())
    hung = False
    try:
        if there.child is None:
            probe.clear(library)
        stall = probe.stall_rate(library, there.address[0], next(named))
        asyncio.run(_serve(there, partial(next, named), stall, control, events))
    except ApiFailed as error:
        hung = isinstance(error, Hung)
        there.check()  # a server that has ended says so better than the call that it did not answer
        raise ApiFailed(f"{there.words}: {error}") from error
    finally:
        if there.child is None and not hung:
            _leave(library, prefix)


def _leave(library: toxiproxy.Toxiproxy, prefix: str) -> None:
    """Remove our proxies from a server that lives on."""
    try:
        ours = [name for name in beside.by_library(library.proxies) if name.startswith(f"{prefix}-")]
        probe.remove(library, ours)
    except ApiFailed:  # it is gone, or will be found out by whoever uses it next, who clears up first
        pass


async def _serve(
    there: Server, name: partial[str], stall: int, control: socket.socket, events: socket.socket
) -> None:
    host = there.address[0]
    reader, replies = await asyncio.open_connection(sock=control)
    _, told = await asyncio.open_connection(sock=events)
    lines, ports = Lines(*there.address), Ports(host)
    child = Child(there, replies)
    child.desk = Desk(lines, host, ports, name, lambda event: told.write(encode(event)), child.go, stall)
    child.go(child.hear(reader))
    child.go(child.watch())
    try:
        await child.over
    finally:
        await child.stop()
        lines.close()
        ports.close()
        told.close()
        await told.wait_closed()
