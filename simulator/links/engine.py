"""What makes links real: the interface of every engine.

An engine is given timelines, hands out an address for each link, and plays each timeline from the
instant at which it is started. It reports what it did as events; their times are CLOCK_MONOTONIC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from simulator.weather.timeline import Timeline

Address = tuple[str, int]


@dataclass(frozen=True)
class LinkSpec:
    """One link to open. ``id`` names it in every event; ``group`` is what ``sample`` events sum by.

    ``listen`` is where clients dial: an IPv4 or IPv6 number, and a port or 0 for a free one.
    ``upstream`` is where they get to. With None each client says where, as to a proxy (HTTP CONNECT,
    HTTP absolute-form, SOCKS5), and ``allow_remote`` says whether that may be another machine; an
    engine that cannot serve this refuses it. ``spares`` are more addresses of the upstream, all
    numbers, tried in order when the one before cannot be reached; ``open`` fills them in.
    """

    id: str
    group: str
    timeline: Timeline
    upstream: Address | None
    listen: Address = ("127.0.0.1", 0)
    spares: tuple[Address, ...] = ()
    allow_remote: bool = False


EngineEvent = Mapping[str, Any]
"""What an engine did. ``event`` is one of:

``fault``       link, fault, planned, until, issued, done, connections, dropped
``change``      link, what, planned, issued, done; of what an engine sets by calls, apart from faults
``connection``  link, port, opened, t, end, carried_up, delivered_up, carried_down, delivered_down
``refused``     link, port, t, target, why: a client that names its target got no connection to it
``sample``      t, carried_up, late_p50, late_p99, lag; every 250 ms
                (ours also: carried_down, and connections, which are open)

``until`` is ``planned`` for an instant, and the timeline's horizon for what never ends. ``connections``
and ``dropped`` (bytes) are of the connections that the fault ended: 0 where it keeps them, None where
the engine cannot count them (then it says no ``connection`` and no ``sample`` either).
``end`` is the fault's name, ``client`` or ``server`` (whose end came first), or ``run``. What a sample
says of bytes and connections is by group, bytes since the opening; lateness (seconds, None when
nothing was delivered) and ``lag`` (seconds of link time given up, all links together) are since the
sample before.
"""


class Engine(Protocol):
    """A context manager that owns its links; leaving it closes them all."""

    name: str

    @property
    def pid(self) -> int:
        """Return the process in which the links live."""
        ...

    def open(self, links: Sequence[LinkSpec]) -> dict[str, Address]:
        """Open *links* and return the address to dial for each at first, by link id."""
        ...

    def address(self, link: str) -> Address:
        """Return where to dial *link* now: for some engines another after a move to another address."""
        ...

    def start(self, link: str, t0: float) -> None:
        """Begin the timeline of *link* at *t0*, in CLOCK_MONOTONIC seconds. Until then it passes as at 0.

        A timeline that was begun already begins again.
        """
        ...

    def events(self, timeout: float | None) -> list[EngineEvent]:
        """Return the events since the last call, waiting up to *timeout* seconds for the first.

        Raises ``PartDied`` when the engine has ended by itself.
        """
        ...

    def close(self) -> list[EngineEvent]:
        """End all links and the engine; return its last events (a ``connection`` for each still open)."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
