"""What a kind of toxic is: its attributes, and either a shape or a gate.

A shape is what a lane does to every byte (rate, delay, slices); the shapes of all toxics of a lane
add up to one. A gate stands at the entrance of a lane and decides what gets in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from simulator.weather.timeline import Rate

MS, US = 1e-3, 1e-6
LONGEST_MS = 10**9  # 11 days
MOST_BYTES = 2**63 - 1  # an int64, as toxiproxy keeps it

Values = Mapping[str, int]


@dataclass(frozen=True)
class Attribute:
    """One attribute: a whole number from ``least`` to ``most``; toxiproxy's default is always 0."""

    name: str
    most: int
    least: int = 0


@dataclass(frozen=True)
class Shape:
    """What a lane does to every byte: bit/s (None for unlimited), seconds, bytes."""

    rate: Rate = None
    delay: float = 0.0
    jitter: float = 0.0
    slice: float = math.inf
    variation: float = 0.0
    pause: float = 0.0  # after each slice
    close_delay: float = 0.0


class Lane(Protocol):
    """What a gate may do to its lane."""

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call *callback* in *seconds*, unless the connection is over by then."""

    def time(self) -> float:
        """Return the present instant, in seconds since the connection was opened."""

    def shut(self) -> None:
        """Let nothing more in: the end comes behind what is on its way."""

    def empty(self) -> None:
        """Drop what is on its way."""

    def reset(self, cause: str) -> None:
        """Reset both ends of the connection."""

    def cut_after(self, nbytes: float) -> None:
        """Reset both ends once exactly *nbytes* more have been handed over; inf takes that back."""


class Gate:
    """One toxic at the entrance of one lane."""

    over = False  # nothing gets in any more: the lane ends behind what did
    stays = False  # it has done what cannot be taken back, and outlives its toxic

    def __init__(self, lane: Lane, values: Values) -> None:
        self.lane, self.values = lane, values

    def come(self) -> None:
        """Begin: the toxic was added, or the connection opened under it."""

    def let(self, data: bytes) -> bytes:
        """Return what of *data* gets in."""
        return data

    def holds_end(self) -> bool:
        """Whether the end of the source does not get in either."""
        return False

    def change(self, values: Values) -> None:
        """Follow the new attributes."""
        self.values = values

    def go(self) -> None:
        """End: the toxic was removed."""


@dataclass(frozen=True)
class Kind:
    """One kind of toxic. ``why_not`` returns what is wrong with values that are each in their range."""

    name: str
    attributes: tuple[Attribute, ...]
    shape: Callable[[Values], Shape] | None = None
    gate: Callable[[Lane, Values], Gate] | None = None
    why_not: Callable[[Values], str | None] = lambda _: None


def together(shapes: Iterable[Shape]) -> Shape:
    """Return what *shapes* do one after the other: the lowest rate, all delays, the smallest slices."""
    all_ = list(shapes)
    rates = [shape.rate for shape in all_ if shape.rate is not None]
    smallest = min(all_, key=lambda shape: shape.slice, default=Shape())
    return Shape(
        rate=min(rates, default=None),
        delay=sum(shape.delay for shape in all_),
        jitter=sum(shape.jitter for shape in all_),
        slice=smallest.slice,
        variation=smallest.variation,
        pause=max((shape.pause for shape in all_), default=0.0),
        close_delay=sum(shape.close_delay for shape in all_),
    )
