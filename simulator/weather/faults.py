"""The fault kinds: one table, made of the few primitives that every engine implements.

A kind says what happens to connections that exist (``old``), to new ones (``new``), to bytes still
queued (``queued``), whether it holds for a while (``lasts``) or strikes at an instant, and which
curve it shapes. A new kind is one new row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Old(Enum):
    """What becomes of connections that exist when the fault begins."""

    KEEP = "keep"
    RESET = "reset"  # RST to both ends
    CLOSE = "close"  # FIN to both ends
    FREEZE = "freeze"  # nothing ever again: silent death


class New(Enum):
    """What becomes of connections attempted while the fault holds."""

    PASS = "pass"
    REFUSE = "refuse"
    HANG = "hang"  # accepted by nobody until the fault ends


class Queued(Enum):
    """What becomes of bytes that are on the link when the fault begins."""

    KEEP = "keep"
    DROP = "drop"


class Shape(Enum):
    """Which curve of the timeline the fault is drawn into."""

    NONE = "none"
    STALL = "stall"  # rate 0 in both directions
    SLOW = "slow"  # rate times a factor
    SPIKE = "spike"  # delay plus a step


@dataclass(frozen=True)
class FaultKind:
    """One row: the primitives of a fault, and what a user of the link would call it."""

    name: str
    old: Old
    new: New
    queued: Queued
    shape: Shape
    lasts: bool
    words: str
    by_bytes: bool = False  # struck by the byte count of each connection, not by an instant


_ROWS = (
    FaultKind("stall", Old.KEEP, New.PASS, Queued.KEEP, Shape.STALL, True, "nothing moves; nothing is lost"),
    FaultKind("slow", Old.KEEP, New.PASS, Queued.KEEP, Shape.SLOW, True, "the rate falls"),
    FaultKind("spike", Old.KEEP, New.PASS, Queued.KEEP, Shape.SPIKE, True, "the delay rises"),
    FaultKind("reset", Old.RESET, New.PASS, Queued.DROP, Shape.NONE, False, "both ends see a reset"),
    FaultKind("close", Old.CLOSE, New.PASS, Queued.DROP, Shape.NONE, False, "both ends see an orderly end"),
    FaultKind(
        "handover", Old.FREEZE, New.HANG, Queued.DROP, Shape.STALL, True, "old connections die silently"
    ),
    FaultKind("down", Old.KEEP, New.REFUSE, Queued.KEEP, Shape.STALL, True, "no coverage; connects refused"),
    FaultKind("down-silent", Old.KEEP, New.HANG, Queued.KEEP, Shape.STALL, True, "no coverage; no answer"),
    FaultKind(
        "cut-after", Old.RESET, New.PASS, Queued.KEEP, Shape.NONE, True, "a reset after exactly N bytes", True
    ),
)

FAULTS = {row.name: row for row in _ROWS}
