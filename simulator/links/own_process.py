"""The parent's side of an engine in a process of its own: starts it, speaks to it, hears its events.

Plain sockets and one ``Popen``: it works with threads and in a process that gevent has patched.
``open`` and ``start`` may be called from one thread or greenlet while another waits in ``events``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO, Self

import simulator
from simulator.errors import PartDied, UsageError
from simulator.links.engine import Address, EngineEvent, LinkSpec
from simulator.links.names import resolve
from simulator.links.wire import Lines, Message, encode, spec_out

PATIENCE = 10.0  # seconds that a closing engine may take before it is killed
LAST_LINES = 5  # of the log of an engine that died


class OwnProcessEngine:
    """Links in a process of their own, ``python -m module *words CONTROL EVENTS PARENT``. A context manager.

    CONTROL and EVENTS are the child's descriptors of two sockets (wire.py says what passes on them),
    PARENT is this process's id.
    """

    def __init__(self, name: str, module: str, words: Sequence[str] = ()) -> None:
        self.name = name
        self._control, control = socket.socketpair()
        self._events, events = socket.socketpair()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the engine
        self._replies, self._heard = Lines(), Lines()
        self._links: dict[str, Address] = {}
        self._hosts: dict[str, str] = {}
        self._turn = threading.Lock()
        self._closed = False
        with control, events:
            self._process = _spawn([module, *words], control, events, self._log)

    @property
    def pid(self) -> int:
        """Return the process in which the links live."""
        return self._process.pid

    def open(self, links: Sequence[LinkSpec]) -> dict[str, Address]:
        """Open *links* and return the address to dial for each, by link id.

        Raises ``UsageError`` for an upstream that has no address, an id that is open already, and an
        address that cannot be listened on; the other links are open then.
        """
        numeric = [_numeric(link) for link in links]
        replies: list[Message] = []
        with self._turn:
            self._refuse_twins([link.id for link in links])
            self._hosts |= {link.id: link.listen[0] for link in links}
            for link in numeric:
                self._say({"do": "open", "link": spec_out(link)})
            while len(replies) < len(links):
                replies += self._hear_replies()
            opened = dict(self._opened(reply) for reply in replies if "port" in reply)
            self._links |= opened
        for refused in (r for r in replies if "refused" in r):
            raise UsageError(refused["refused"])
        return opened

    def address(self, link: str) -> Address:
        """Return where to dial *link* now. Raises ``KeyError`` for a link that is not open."""
        return self._links[link]

    def start(self, link: str, t0: float) -> None:
        """Begin the timeline of *link* at *t0*, in CLOCK_MONOTONIC seconds.

        Raises ``KeyError`` for a link that is not open.
        """
        self._tell(link, {"do": "start", "link": link, "t0": t0})

    def events(self, timeout: float | None) -> list[EngineEvent]:
        """Return the events since the last call, waiting up to *timeout* seconds for the first.

        Raises ``PartDied`` when the engine has ended by itself.
        """
        heard: list[EngineEvent] = []
        deadline = None if timeout is None else monotonic() + timeout
        while not heard:
            left = None if deadline is None else max(0.0, deadline - monotonic())
            data = _receive(self._events, left)
            if data is None:
                break
            if not data:
                raise self._died()
            heard.extend(self._heard.feed(data))
        return heard

    def close(self) -> list[EngineEvent]:
        """End all links and the engine; return its last events (a ``connection`` for each still open).

        Never raises for an engine that is dead already: ``events`` has said so, or will never be asked.
        """
        if self._closed:
            return []
        self._closed = True
        last = self._farewell()
        self._control.close()
        self._events.close()
        self._end_process()
        self._log.close()
        return last

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self, reply: Message) -> tuple[str, Address]:
        """Return the link that was opened, and where to dial it."""
        return reply["link"], (self._hosts[reply["link"]], reply["port"])

    def _refuse_twins(self, ids: list[str]) -> None:
        for n, name in enumerate(ids):
            if name in self._links or name in ids[:n]:
                raise UsageError(f"link '{name}' is open already", mend="give each link an id of its own")

    def _tell(self, link: str, message: Message) -> None:
        """Say something of *link*. Raises ``KeyError`` when it is not open."""
        with self._turn:
            self._links[link]
            self._say(message)

    def _say(self, message: Message) -> None:
        try:
            self._control.sendall(encode(message))
        except OSError as error:
            raise self._died() from error

    def _hear_replies(self) -> list[Message]:
        data = _receive(self._control, None)
        if not data:
            raise self._died()
        return self._replies.feed(data)

    def _farewell(self) -> list[EngineEvent]:
        """Ask the engine to end and return what it still says."""
        last: list[EngineEvent] = []
        deadline = monotonic() + PATIENCE
        try:
            self._control.sendall(encode({"do": "close"}))
            while data := _receive(self._events, max(0.0, deadline - monotonic())):
                last.extend(self._heard.feed(data))
        except OSError:  # it is dead, so it has nothing to say
            pass
        return last

    def _end_process(self) -> None:
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _died(self) -> PartDied:
        self._end_process()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        words = " | ".join(lines) or "it wrote nothing"
        return PartDied(f"the engine ended by itself, {_how(self._process.returncode)}: {words}")


def _spawn(
    words: list[str], control: socket.socket, events: socket.socket, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start the engine's process. It finds our modules where we found them."""
    home = str(Path(simulator.__file__).parents[1])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    fds = (control.fileno(), events.fileno())
    return subprocess.Popen(
        [sys.executable, "-m", *words, *map(str, fds), str(os.getpid())],
        pass_fds=fds,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def _receive(sock: socket.socket, timeout: float | None) -> bytes | None:
    """Return what came within *timeout* seconds: nothing at all as None, the peer's end as b""."""
    sock.settimeout(timeout)
    try:
        return sock.recv(1 << 18)
    except (TimeoutError, BlockingIOError):
        return None
    except ConnectionResetError:
        return b""


def _numeric(link: LinkSpec) -> LinkSpec:
    """Return *link* with its upstream's name made numbers."""
    if link.upstream is None:
        return link
    try:
        first, *rest = resolve(*link.upstream)
    except OSError as error:
        raise UsageError(f"the upstream '{link.upstream[0]}' has no address: {error}") from error
    return replace(link, upstream=first, spares=(*rest, *link.spares))


def _how(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"with exit code {code}"
