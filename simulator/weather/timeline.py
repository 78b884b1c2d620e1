"""What one user's link does, drawn ahead of time: pure data, no clock.

Times are seconds since the link's start, rates bit/s, sizes bytes. Both engines, virtual time,
the ideal time T* and the tests use the two operations of ``RateCurve`` and nothing else, so they
cannot disagree about what a link could have carried. The model is mahimahi's (Netravali et al.,
USENIX ATC 2015): a link is advanced to an instant, never rewired.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

Rate = float | None  # bit/s; None is unlimited, 0 is a stall
Interval = tuple[float, float]
T = TypeVar("T")


@dataclass(frozen=True)
class RateCurve:
    """A piecewise-constant rate: ``rates[i]`` holds from ``times[i]`` to ``times[i + 1]``.

    ``times`` begins with 0 and increases; the last rate holds for ever.
    """

    times: tuple[float, ...]
    rates: tuple[Rate, ...]
    _bits: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _open: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_steps(self.times, self.rates)
        if any(rate is not None and not 0 <= rate < math.inf for rate in self.rates):
            raise ValueError("a rate is None (unlimited), 0 (a stall) or a finite positive number")
        bits = [0.0]
        for (start, stop), rate in zip(pairwise(self.times), self.rates, strict=False):
            bits.append(bits[-1] + (rate or 0.0) * (stop - start))
        object.__setattr__(self, "_bits", tuple(bits))
        unlimited = (i for i, rate in enumerate(self.rates) if rate is None)
        object.__setattr__(self, "_open", tuple(unlimited))

    @classmethod
    def constant(cls, rate: Rate) -> RateCurve:
        """Return the curve that holds *rate* (bit/s, None for unlimited) for ever."""
        return cls((0.0,), (rate,))

    @property
    def unlimited(self) -> bool:
        """Whether the rate is unlimited at every instant."""
        return all(rate is None for rate in self.rates)

    def at(self, t: float) -> Rate:
        """Return the rate in force at *t*, in bit/s."""
        return self.rates[self._segment(t)]

    def next_change(self, t: float) -> float:
        """Return the first instant after *t* at which the rate changes; inf when it never does."""
        i = self._segment(t) + 1
        return self.times[i] if i < len(self.times) else math.inf

    def carried(self, t0: float, t1: float) -> float:
        """Return the bytes that the curve carries from *t0* to *t1*; inf across an unlimited part.

        Nothing is carried before 0.
        """
        if t1 <= t0:
            return 0.0
        first, last = self._segment(t0), bisect_left(self.times, t1) - 1
        if self._next_open(first) <= last:
            return math.inf
        return (self._bits_at(t1) - self._bits_at(t0)) / 8

    def finish(self, t0: float, nbytes: float) -> float:
        """Return the earliest instant by which *nbytes* more bytes were carried after *t0*; inf for never."""
        target = self._bits_at(t0) + nbytes * 8
        # Rounding in the last places must not put off the last byte until a stall is over.
        slack = 4 * math.ulp(self._bits[-1])
        if nbytes * 8 <= slack:
            return t0
        first = self._segment(t0)
        opens = self._next_open(first)
        unlimited_from = max(t0, self.times[opens]) if opens < len(self.times) else math.inf
        segment = max(first, bisect_left(self._bits, target - slack) - 1)
        rate = self.rates[segment]
        if not rate:
            return unlimited_from
        return min(unlimited_from, max(t0, self.times[segment] + (target - self._bits[segment]) / rate))

    def change(self, intervals: Sequence[Interval], new_rate: Callable[[Rate], Rate]) -> RateCurve:
        """Return this curve with *new_rate* applied to the rate inside each of the *intervals*."""
        if not intervals:
            return RateCurve(*_joined(self.times, self.rates))
        inside = _Inside(intervals)
        times = sorted({*self.times, *inside.edges})
        rates = [new_rate(self.at(t)) if t in inside else self.at(t) for t in times]
        return RateCurve(*_joined(times, rates))

    def _segment(self, t: float) -> int:
        return max(0, bisect_right(self.times, t) - 1)

    def _bits_at(self, t: float) -> float:
        i = self._segment(t)
        rate = self.rates[i]
        return self._bits[i] + (rate * max(0.0, t - self.times[i]) if rate else 0.0)

    def _next_open(self, segment: int) -> int:
        """Return the index of the first unlimited segment from *segment* on; past the end for none."""
        i = bisect_left(self._open, segment)
        return self._open[i] if i < len(self._open) else len(self.times)


@dataclass(frozen=True)
class StepCurve:
    """A piecewise-constant quantity, such as the delay each way in seconds."""

    times: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_steps(self.times, self.values)

    def at(self, t: float) -> float:
        """Return the value in force at *t*."""
        return self.values[max(0, bisect_right(self.times, t) - 1)]

    def raised(self, intervals: Sequence[Interval], by: float) -> StepCurve:
        """Return this curve raised by *by* inside each of the *intervals*."""
        inside = _Inside(intervals)
        times = sorted({*self.times, *inside.edges})
        return StepCurve(*_joined(times, [self.at(t) + by * (t in inside) for t in times]))


@dataclass(frozen=True)
class Jitter:
    """Delay noise as a function of time: uniform in +-``spread`` seconds, new every ``STEP`` seconds.

    Being a function of time and not of a packet count, it is the same however an engine slices bytes.
    """

    STEP = 0.01
    spread: float
    noise: tuple[int, ...] = (0,)  # thousandths of the spread, -1000 to 1000

    def at(self, t: float) -> float:
        """Return the seconds to add to the delay at *t*."""
        if not self.spread:
            return 0.0
        return self.spread * self.noise[int(t / self.STEP) % len(self.noise)] / 1000


@dataclass(frozen=True, order=True)
class Break:
    """One fault of a timeline: a row of ``faults.FAULTS`` at an instant or at a byte count.

    ``t`` is when it begins and ``until`` when it ends (equal for an instant). A break with
    ``link_bytes`` waits until the link's uplink has carried that many bytes; one with
    ``connection_bytes`` strikes every connection opened between ``t`` and ``until`` after exactly
    that many bytes.
    """

    t: float
    kind: str
    until: float
    link_bytes: int | None = None
    connection_bytes: int | None = None


@dataclass(frozen=True)
class Timeline:
    """The whole life of one link. ``horizon`` is the instant up to which the weather was drawn."""

    horizon: float
    uplink: RateCurve
    downlink: RateCurve
    delay: StepCurve
    jitter: Jitter
    queue: int
    breaks: tuple[Break, ...] = ()

    @property
    def unlimited(self) -> bool:
        """Whether bytes may pass without any shaping: the engine's fast path."""
        return (
            self.uplink.unlimited
            and self.downlink.unlimited
            and not any(self.delay.values)
            and not self.jitter.spread
        )

    def delay_at(self, t: float) -> float:
        """Return the delay each way for bytes that leave the bottleneck at *t*, in seconds."""
        return max(0.0, self.delay.at(t) + self.jitter.at(t))

    def ideal_finish(self, nbytes: int, t0: float = 0.0) -> float:
        """Return T*: when the uplink could have carried *nbytes* begun at *t0*, plus one round trip."""
        done = self.uplink.finish(t0, nbytes)
        return done + 2 * self.delay.at(min(done, self.horizon))

    def to_dict(self) -> dict[str, Any]:
        """Return the timeline as plain JSON types: microseconds, bit/s and bytes, all integers."""
        return {
            "horizon_us": _us(self.horizon),
            "uplink": _rates_out(self.uplink),
            "downlink": _rates_out(self.downlink),
            "delay_us": [[_us(t), _us(v)] for t, v in zip(self.delay.times, self.delay.values, strict=True)],
            "jitter_us": _us(self.jitter.spread),
            "noise": list(self.jitter.noise),
            "queue": self.queue,
            "breaks": [_break_out(item) for item in self.breaks],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Timeline:
        """Return the timeline that ``to_dict`` wrote."""
        return cls(
            horizon=data["horizon_us"] / 1e6,
            uplink=_rates_in(data["uplink"]),
            downlink=_rates_in(data["downlink"]),
            delay=StepCurve(
                tuple(t / 1e6 for t, _ in data["delay_us"]), tuple(v / 1e6 for _, v in data["delay_us"])
            ),
            jitter=Jitter(data["jitter_us"] / 1e6, tuple(data["noise"])),
            queue=data["queue"],
            breaks=tuple(_break_in(item) for item in data["breaks"]),
        )

    def digest(self) -> str:
        """Return the SHA-256 of the canonical bytes: equal digests mean equal weather."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def merge(intervals: Sequence[Interval]) -> list[Interval]:
    """Return the union of *intervals* as sorted, disjoint intervals."""
    merged: list[Interval] = []
    for start, stop in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        elif stop > start:
            merged.append((start, stop))
    return merged


class _Inside:
    """Which instants lie inside any of some intervals, and the edges at which that changes."""

    def __init__(self, intervals: Sequence[Interval]) -> None:
        self._merged = merge(intervals)
        self._starts = [start for start, _ in self._merged]
        self.edges = [edge for interval in self._merged for edge in interval if 0 <= edge < math.inf]

    def __contains__(self, t: float) -> bool:
        i = bisect_right(self._starts, t) - 1
        return i >= 0 and t < self._merged[i][1]


def _check_steps(times: Sequence[float], values: Sequence[object]) -> None:
    if not times or times[0] != 0 or len(times) != len(values):
        raise ValueError("a curve begins at 0 and has one value for each time")
    if any(b <= a for a, b in pairwise(times)):
        raise ValueError("the times of a curve increase")


def _joined(times: Sequence[float], values: Sequence[T]) -> tuple[tuple[float, ...], tuple[T, ...]]:
    """Drop the steps at which nothing changes."""
    kept = [i for i in range(len(times)) if i == 0 or values[i] != values[i - 1]]
    return tuple(times[i] for i in kept), tuple(values[i] for i in kept)


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _rates_out(curve: RateCurve) -> list[list[int | None]]:
    return [
        [_us(t), None if rate is None else round(rate)]
        for t, rate in zip(curve.times, curve.rates, strict=True)
    ]


def _rates_in(rows: list[list[Any]]) -> RateCurve:
    return RateCurve(tuple(t / 1e6 for t, _ in rows), tuple(rate for _, rate in rows))


def _break_out(item: Break) -> list[Any]:
    until = None if item.until == math.inf else _us(item.until)
    return [_us(item.t), item.kind, until, item.link_bytes, item.connection_bytes]


def _break_in(row: list[Any]) -> Break:
    t, kind, until, link_bytes, connection_bytes = row
    return Break(t / 1e6, kind, math.inf if until is None else until / 1e6, link_bytes, connection_bytes)
