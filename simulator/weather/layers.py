"""The layers of the weather: each draws from streams of its own and leaves the others alone.

A stream gives uniform numbers and every draw takes exactly one, so the weather up to an instant is
the same however far it is drawn. Times are whole microseconds and rates whole bit/s as drawn: what
a timeline is written as is what it was.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from simulator.rng import rng
from simulator.weather import spreads
from simulator.weather.faults import FAULTS
from simulator.weather.tables import (
    AddressChanges,
    Availability,
    BreakModel,
    Consequence,
    EventModel,
    Fault,
    RateModel,
)
from simulator.weather.timeline import Break, Interval, Jitter, RateCurve

F = TypeVar("F", bound=Fault)

NOISE = 500  # steps of jitter before it begins again, after 5 s


@dataclass(frozen=True)
class Strike:
    """A break, and how it bends the curves: ``factor`` of the rate, ``by`` seconds of delay."""

    item: Break
    factor: float = 1.0
    by: float = 0.0


class Stream:
    """The uniform numbers of one layer of one user."""

    def __init__(self, seed: int, profile: str, user: int, layer: str) -> None:
        self._generator = rng(seed, profile, user, layer)

    def uniform(self) -> float:
        """Return the next number of the stream, 0 to 1."""
        return self._generator.random()

    def uniforms(self, count: int) -> npt.NDArray[np.float64]:
        """Return the next *count* numbers of the stream, each 0 to 1."""
        return self._generator.random(count)

    def exponential(self) -> float:
        """Return the next draw with mean 1."""
        return spreads.exponential(self.uniform())

    def normal(self) -> float:
        """Return the next standard normal draw."""
        return spreads.normal(self.uniform())

    def choice(self, shares: Iterable[tuple[str, float]]) -> str:
        """Return one of the names, each as often as its share of one says."""
        u, total, name = self.uniform(), 0.0, ""
        for candidate, share in shares:
            total += share
            if share:
                name = candidate
            if u < total:
                break
        return name


@dataclass(frozen=True)
class Streams:
    """Names the streams of one user: (seed, profile, user)."""

    seed: int
    profile: str
    user: int

    def __call__(self, layer: str) -> Stream:
        """Return the stream of *layer*, from its beginning."""
        return Stream(self.seed, self.profile, self.user, layer)


def whole_us(seconds: float) -> float:
    """Return *seconds* in whole microseconds."""
    return round(seconds * 1e6) / 1e6


# --- availability: zones, outages, and what they do to connections ---


def zones(layer: Availability, streams: Streams, horizon: float) -> RateCurve:
    """Return how often outages begin: the hazard in 1/s, times eight (a curve's bits per byte)."""
    stream = streams("zones")
    bad = stream.uniform() < layer.bad / (layer.good + layer.bad)
    t, times, hazards = 0.0, [], []
    while t < horizon:
        times.append(t)
        hazards.append(8 / (layer.outage_every_bad if bad else layer.outage_every_good))
        t += max((layer.bad if bad else layer.good) * stream.exponential(), 1e-6)
        bad = not bad
    return RateCurve(tuple(times), tuple(hazards))


def outages(layer: Availability, streams: Streams, horizon: float) -> Iterator[Interval]:
    """Yield the outages that begin before *horizon*.

    One begins when the hazard's integral over the time since the last reaches a unit exponential:
    the ``finish`` of a curve.
    """
    hazard = zones(layer, streams, horizon)
    gaps, kinds, lengths = streams("outages"), streams("outage-kinds"), streams("outage-lengths")
    shares = [(str(i), kind.share) for i, kind in enumerate(layer.outages)]
    stop = 0.0
    while True:
        start = hazard.finish(stop, gaps.exponential())
        if start >= horizon:
            return
        kind = layer.outages[int(kinds.choice(shares))]
        stop = start + kind.length.at(lengths.uniform())
        yield whole_us(start), whole_us(stop)


def outage_strikes(
    layer: Availability, consequences: tuple[Consequence, ...], streams: Streams, horizon: float
) -> Iterator[Strike]:
    """Yield what each outage does: a stall when nothing else is said."""
    stream = streams("consequences")
    for start, stop in outages(layer, streams, horizon):
        rows = [row for row in consequences if stop - start >= row.over]
        kind = stream.choice(rows[-1].shares if rows else [("stall", 1.0)])
        yield from _outage(kind, start, stop)


def address_change_strikes(layer: AddressChanges, streams: Streams, horizon: float) -> Iterator[Strike]:
    """Yield the moves to another network: a gap, and what it does to connections."""
    gaps, lengths, ends = (
        streams("address-changes"),
        streams("address-gaps"),
        streams("address-ends"),
    )
    stop = 0.0
    while (start := stop + layer.every * gaps.exponential()) < horizon:
        stop = start + layer.gap.at(lengths.uniform())
        yield from _outage(ends.choice(layer.shares), whole_us(start), whole_us(stop))


def _outage(kind: str, start: float, stop: float) -> Iterator[Strike]:
    """Yield an outage: what lasts is the outage itself; what strikes does so when it is over."""
    if FAULTS[kind].lasts:
        yield Strike(Break(start, kind, stop))
        return
    yield Strike(Break(start, "stall", stop))
    yield Strike(Break(stop, kind, stop))


# --- breaks and events ---


def break_strikes(layers: tuple[BreakModel, ...], streams: Streams, horizon: float) -> Iterator[Strike]:
    """Yield the Poisson processes. Streams go by kind, so a new kind leaves the others alone."""
    for layer, name in _named(layers):
        gaps, lengths = streams(f"breaks/{name}"), streams(f"break-lengths/{name}")
        stop = 0.0
        while (start := stop + layer.every * gaps.exponential()) < horizon:
            stop = start + _length(layer, lengths)
            yield _strike(layer, whole_us(start), whole_us(stop))


def event_strikes(layers: tuple[EventModel, ...], streams: Streams, typical: int) -> Iterator[Strike]:
    """Yield the scripted faults. *typical* is the size in bytes that ``at = "50 %"`` is a share of."""
    for layer, name in _named(layers):
        start = layer.at.seconds
        stop = math.inf if FAULTS[layer.kind].by_bytes and layer.lasts is None else None
        if stop is None:
            stop = whole_us(start + _length(layer, streams(f"event-lengths/{name}")))
        share = layer.at.share
        yield _strike(layer, whole_us(start), stop, None if share is None else max(1, round(share * typical)))


def _named(layers: Iterable[F]) -> Iterator[tuple[F, str]]:
    seen: Counter[str] = Counter()
    for layer in layers:
        yield layer, f"{layer.kind}/{seen[layer.kind]}"
        seen[layer.kind] += 1


def _length(layer: Fault, stream: Stream) -> float:
    return 0.0 if layer.lasts is None else layer.lasts.at(stream.uniform())


def _strike(layer: Fault, start: float, stop: float, link_bytes: int | None = None) -> Strike:
    item = Break(start, layer.kind, stop, link_bytes, layer.after)
    return Strike(item, layer.factor or 1.0, whole_us(layer.by or 0.0))


# --- the rate and the delay ---


def rates(
    layer: RateModel | None, medians: tuple[float | None, float | None], streams: Streams, horizon: float
) -> tuple[RateCurve, RateCurve]:
    """Return uplink and downlink on a day without faults: both follow one log-normal AR(1).

    One process for both, for the radio conditions behind it are the same (assumed).
    """
    up, down = medians
    if layer is None or up is None or down is None:
        return RateCurve.constant(_whole(up)), RateCurve.constant(_whole(down))
    times, factors = _walk(layer, streams("rate"), horizon)
    floor = layer.floor or 0.0
    curves = (
        RateCurve(times, tuple(_whole(min(max(median * f, floor), layer.ceiling * median)) for f in factors))
        for median in (up, down)
    )
    return next(curves), next(curves)


def _walk(layer: RateModel, stream: Stream, horizon: float) -> tuple[tuple[float, ...], list[float]]:
    """Return the instants and the factors of the median, begun in the stationary law."""
    x = stream.normal() * layer.sigma / math.sqrt(1 - layer.phi**2)
    times, factors = [0.0], [math.exp(x)]
    while (t := whole_us(len(times) * layer.every)) < horizon:
        x = layer.phi * x + layer.sigma * stream.normal()
        times.append(t)
        factors.append(math.exp(x))
    return tuple(times), factors


def _whole(rate: float | None) -> int | None:
    return None if rate is None else max(1, round(rate))


def jitter(spread: float, streams: Streams) -> Jitter:
    """Return the delay noise: uniform in +-*spread* seconds."""
    if not spread:
        return Jitter(0.0)
    noise = np.rint(2000 * streams("jitter").uniforms(NOISE) - 1000).astype(int)
    return Jitter(whole_us(spread), tuple(noise.tolist()))
