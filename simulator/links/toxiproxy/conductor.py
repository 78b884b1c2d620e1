"""Plays one link on toxiproxy: its proxies, and every change of them at its instant.

    open    populate (disabled) -> toxics -> enable           from then on toxics are only updated
    play    at each change: end the old proxy, begin the next, set the toxics, say when it was done

A proxy whose connections were cut is spent, and one that a link moved away from stays stalled for ever
with the connections that it had. What takes over is made ahead of time: the next proxy of the same
port, to be enabled the moment the old one is disabled; or, after a move, one that listens already.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import toxiproxy

from simulator.links.addresses import address_text
from simulator.links.engine import LinkSpec
from simulator.links.toxiproxy.beside import Lines, by_library
from simulator.links.toxiproxy.changes import Change, Play, Settings, moves, play_of
from simulator.links.toxiproxy.ports import Ports
from simulator.links.wire import Message
from simulator.weather.faults import FAULTS, Old
from simulator.weather.timeline import Break

Span = tuple[float, float]  # of one call: issued, acknowledged


@dataclass(frozen=True)
class Desk:
    """What all links of an engine share: the API, ports, names, and where events go."""

    lines: Lines
    host: str  # where proxies listen
    ports: Ports
    name: Callable[[], str]
    post: Callable[[Message], None]
    later: Callable[[Coroutine[Any, Any, None]], None]  # does what no link waits for
    stall: int = 0  # KB/s at which the server holds everything


@dataclass
class Proxy:
    """One proxy, and the settings that its toxics have."""

    handle: toxiproxy.Proxy
    settings: dict[str, Mapping[str, int]]


class Link:
    """One link. ``ports`` are where its clients dial: at first, and after each move."""

    def __init__(self, desk: Desk, spec: LinkSpec) -> None:
        self._desk = desk
        self._spec = spec
        self._play: Play = play_of(spec.timeline, desk.stall)
        self._coming = [change for change in reversed(self._play.changes) if change.begins]
        self._serving: Proxy | None = None
        self._next: asyncio.Task[Proxy] | None = None
        self._address = 0
        self.ports = [desk.ports.take() for _ in range(1 + len(moves(spec.timeline)))]

    async def open(self) -> None:
        """Make the first proxy and let it listen. Raises ``ApiFailed``."""
        self._serving = await self._made(self.ports[0], self._play.first)
        await asyncio.to_thread(by_library, self._serving.handle.enable)

    async def play(self, t0: float) -> None:
        """Play the timeline from *t0* on, to its end. Raises ``ApiFailed``."""
        self._prepare()
        for change in self._play.changes:
            await asyncio.sleep(max(0.0, t0 + change.t - monotonic()))
            for event in self._events(change, t0, await self._perform(change)):
                self._desk.post(event)

    async def _perform(self, change: Change) -> list[Span]:
        """Make the calls of *change*, and return when each was issued and acknowledged."""
        calls = await self._end(change.old) + await self._begin(change)
        return calls + await self._set(change.settings)

    async def _end(self, old: Old) -> list[Span]:
        """Do with the connections that exist what *old* says."""
        if old is Old.KEEP or self._serving is None:
            return []
        if old is Old.FREEZE:
            return await self._set(self._play.still)
        ended, self._serving = self._serving, None
        calls = [await _timed(ended.handle.disable)]
        self._desk.later(asyncio.to_thread(by_library, ended.handle.destroy))
        return calls

    async def _begin(self, change: Change) -> list[Span]:
        """Let the next proxy take over, if another begins; after a move it listens already."""
        if not change.begins:
            return []
        assert self._next is not None
        self._serving = await self._next
        calls = [] if self._serving.handle.enabled else [await _timed(self._serving.handle.enable)]
        self._address = change.address
        self._prepare()
        return calls

    def _prepare(self) -> None:
        """Begin to make the proxy that takes over next, with the settings that it will then have."""
        if self._coming:
            self._next = asyncio.create_task(self._prepared(self._coming.pop()))

    async def _prepared(self, change: Change) -> Proxy:
        proxy = await self._made(self.ports[change.address], change.settings)
        if change.address != self._address:
            await asyncio.to_thread(by_library, proxy.handle.enable)
        return proxy

    async def _made(self, port: int, settings: Settings) -> Proxy:
        """Make a proxy with its toxics, which does not listen yet."""
        desk = self._desk
        assert self._spec.upstream is not None  # the parent has refused it
        listen, upstream = address_text((desk.host, port)), address_text(self._spec.upstream)
        (told,) = await desk.lines.populate(
            [{"name": desk.name(), "listen": listen, "upstream": upstream, "enabled": False}]
        )
        proxy = Proxy(toxiproxy.Proxy(**told), dict(settings))
        await asyncio.to_thread(self._dress, proxy)
        return proxy

    def _dress(self, proxy: Proxy) -> None:
        """Give *proxy* its toxics, in the order of the chain."""
        for toxic in self._play.toxics:
            by_library(
                proxy.handle.add_toxic,
                type=toxic.type,
                stream=toxic.stream,
                name=toxic.name,
                attributes=dict(proxy.settings[toxic.name]),
            )

    async def _set(self, settings: Settings) -> list[Span]:
        """Update the toxics whose settings are others; all at once."""
        proxy = self._serving
        if proxy is None:
            return []
        new = {name: said for name, said in settings.items() if proxy.settings[name] != said}
        calls = await asyncio.gather(*(self._update(proxy, name, said) for name, said in new.items()))
        proxy.settings |= new
        return [call for each in calls for call in each]

    async def _update(self, proxy: Proxy, name: str, said: Mapping[str, int]) -> list[Span]:
        before = proxy.settings[name]
        steps = (before, said) if self._play.settles(name, before, said) else (said,)
        told = await self._desk.lines.update(proxy.handle.name, name, *steps)
        return [(told.issued, told.done)]

    def _events(self, change: Change, t0: float, calls: list[Span]) -> Iterator[Message]:
        """Yield what the engine says of a change: a fault for each that begins, else what was set."""
        now = monotonic()
        span = {
            "link": self._spec.id,
            "planned": t0 + change.t,
            "issued": min((issued for issued, _ in calls), default=now),
            "done": max((done for _, done in calls), default=now),
        }
        faults = [item for item in change.breaks if not FAULTS[item.kind].by_bytes]
        for item in faults:
            yield {"event": "fault", **span, **self._fault(item, t0)}
        if calls and not faults:
            rates = {name: said["rate"] for name, said in change.settings.items() if "rate" in said}
            yield {"event": "change", **span, "what": ", ".join(f"{k} {v}" for k, v in rates.items())}

    def _fault(self, item: Break, t0: float) -> Message:
        """Return what is said of a fault. How many connections it ended, toxiproxy does not tell."""
        until = self._spec.timeline.horizon if item.until == math.inf else item.until
        counted = 0 if FAULTS[item.kind].old is Old.KEEP else None
        return {"fault": item.kind, "until": t0 + until, "connections": counted, "dropped": counted}


async def _timed(call: Callable[[], None]) -> Span:
    """Make one of the library's calls in a thread: the others must not wait for it."""
    issued = monotonic()
    await asyncio.to_thread(by_library, call)
    return issued, monotonic()
