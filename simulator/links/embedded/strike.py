"""What a fault does, by the primitives of its row in the fault table and never by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from simulator.weather.faults import FaultKind, New, Old
from simulator.weather.timeline import Interval, RateCurve

if TYPE_CHECKING:
    from simulator.links.embedded.connection import Connection

_STRICTNESS = (New.PASS, New.HANG, New.REFUSE)


def end_connections(kind: FaultKind, connections: list[Connection]) -> tuple[int, int]:
    """Do to *connections* what *kind* says of old ones; return how many were struck and the bytes dropped."""
    if kind.old is Old.KEEP:
        return 0, 0
    return len(connections), sum(_ENDS[kind.old](connection, kind.name) for connection in connections)


def gates(modes: Iterable[New]) -> New:
    """Return what becomes of new connections while faults with these *modes* hold at once."""
    return max(modes, key=_STRICTNESS.index, default=New.PASS)


def stalled(curve: RateCurve, span: Interval) -> RateCurve:
    """Return *curve* with a stall drawn in."""
    return curve.change([span], lambda _: 0.0)


def _reset(connection: Connection, name: str) -> int:
    return connection.reset(name)


def _close(connection: Connection, name: str) -> int:
    return connection.close(name)


def _freeze(connection: Connection, name: str) -> int:
    return connection.freeze(name)


_ENDS: dict[Old, Callable[[Connection, str], int]] = {
    Old.RESET: _reset,
    Old.CLOSE: _close,
    Old.FREEZE: _freeze,
}
