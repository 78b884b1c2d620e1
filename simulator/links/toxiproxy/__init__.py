"""The engine that drives the real toxiproxy, as it is: a conductor in a process of its own.

../own_process.py, in the parent  --lines of JSON (../wire.py)-->  process.py, the child
server.py      the toxiproxy server: ours, or one that runs       probe.py    what it is asked first
changes.py     a timeline as toxics and changes of them (pure)    bounds.py   what cannot be done (pure)
conductor.py   plays one link                                     beside.py   what toxiproxy-python lacks
names.py       whose a proxy is                                   ports.py    where it listens
"""

from __future__ import annotations

import socket
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

from simulator.errors import UsageError
from simulator.links.engine import Address, LinkSpec
from simulator.links.names import resolve
from simulator.links.own_process import OwnProcessEngine
from simulator.links.toxiproxy import server
from simulator.links.toxiproxy.changes import moves
from simulator.links.wire import Message

TRY = 2.0  # seconds for one of several addresses of an upstream to take a connection


class ToxiproxyEngine(OwnProcessEngine):
    """Links on a toxiproxy server: one of its own, or the one at *url*. A context manager.

    ``run`` goes into the names of its proxies.
    """

    def __init__(self, url: str | None = None, run: str = "") -> None:
        self._host = "127.0.0.1" if url is None else server.address_of(url)[0]
        self._moves: dict[str, list[float]] = {}
        self._next: dict[str, list[Address]] = {}
        self._begun: dict[str, float] = {}
        super().__init__("toxiproxy", "simulator.links.toxiproxy", [url or "own", run or "unnamed"])

    def open(self, links: Sequence[LinkSpec]) -> dict[str, Address]:
        """Open *links* and return the address to dial for each at first, by link id.

        Raises ``UsageError`` for an upstream that has no address, or that the client would name.
        """
        self._moves |= {link.id: moves(link.timeline) for link in links}
        return super().open([replace(link, upstream=_answering(link.upstream)) for link in links])

    def start(self, link: str, t0: float) -> None:
        """Begin the timeline of *link* at *t0*, in CLOCK_MONOTONIC seconds."""
        super().start(link, t0)
        self._begun[link] = t0

    def address(self, link: str) -> Address:
        """Return where to dial *link* now: each move to another address is one to another proxy."""
        t = monotonic() - self._begun.get(link, monotonic())
        moved = bisect_right(self._moves[link], t)
        return self._next[link][moved - 1] if moved else super().address(link)

    def _opened(self, reply: Message) -> tuple[str, Address]:
        self._next[reply["link"]] = [(self._host, port) for port in reply["next"]]
        return reply["link"], (self._host, reply["port"])


def _answering(upstream: Address | None) -> Address:
    """Return the first address of *upstream* that takes a connection: toxiproxy has room for one."""
    if upstream is None:
        raise UsageError("toxiproxy takes no upstream from its clients", mend="--engine embedded")
    try:
        found = resolve(*upstream)
    except OSError:  # the common words for that are those of every engine
        return upstream
    for host, port in found if len(found) > 1 else ():
        try:
            socket.create_connection((host, port), TRY).close()
        except OSError:  # the next may answer
            continue
        return host, port
    return found[0]


__all__ = ["ToxiproxyEngine"]
