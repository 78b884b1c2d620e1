"""A timeline as toxiproxy can play it: the toxics of a link, and what changes at which instant. Pure.

Each direction of a proxy is one chain, the same for all its connections:

    client --> slicer --> bandwidth --> latency --> (limit_data, upwards) --> server

Bandwidth comes before latency, whose buffer of 1024 chunks would else swallow an upload. The slicer
comes first since toxiproxy lets the chunk at hand pass whenever a toxic is updated: of up to 32 KiB as
read, which at one update a second is 1.4 times a rate of 200 kbit/s (measured); in slices it is 1.02.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from simulator.weather.faults import FAULTS, New, Old
from simulator.weather.timeline import Break, Rate, RateCurve, Timeline

RATE_UNIT = 8000  # bit/s: toxiproxy's rates are whole KB/s, of 1000 bytes
UNLIMITED = 1_000_000_000  # KB/s
NO_LIMIT = 2**62  # bytes
CHUNK = 32 * 1024  # bytes: what toxiproxy reads at once
PACKET = 1460  # bytes
SLICE = 0.005  # seconds of the link's fastest rate in one slice
SPLIT = 100  # milliseconds: toxiproxy hands on a longer chunk in parts, one each so often

Settings = Mapping[str, Mapping[str, int]]
"""The attributes of each toxic, by its name."""


@dataclass(frozen=True)
class Toxic:
    """One toxic of a proxy, in the words of toxiproxy's API."""

    name: str
    type: str
    stream: str  # upstream or downstream


@dataclass(frozen=True)
class Change:
    """What happens to a link at the instant ``t``: its proxy ends, another begins, toxics are set.

    ``settings`` are those in force from ``t`` on; ``breaks`` are those that begin at ``t``. ``address``
    counts the moves so far. A proxy that has ended is never begun again, since what is left of its
    connections lives on in the server: at the rate 0, a part of a chunk at a time. Were that rate raised,
    the server would end ("slice bounds out of range", within 2 s of four links of mobile-flaky).
    """

    t: float
    settings: Settings
    breaks: tuple[Break, ...] = ()
    old: Old = Old.KEEP  # CLOSE: connections end, FREEZE: they are left behind for ever, stalled
    begins: bool = False  # another proxy takes over
    address: int = 0


@dataclass(frozen=True)
class Play:
    """How one timeline is played: the chain of toxics, its settings at the start, and the changes.

    ``stall`` is the rate in KB/s that holds everything: 0, where the server stalls at 0.
    """

    toxics: tuple[Toxic, ...]
    first: Settings
    changes: tuple[Change, ...]
    slices: Mapping[str, int]  # bytes in one chunk of each stream, at most
    stall: int = 0

    @property
    def still(self) -> Settings:
        """Return the rates at which nothing moves in either direction."""
        return {toxic.name: {"rate": self.stall} for toxic in self.toxics if toxic.type == "bandwidth"}

    def settles(self, toxic: str, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
        """Return whether *toxic* has to be updated with *before* once more, just before *after*.

        toxiproxy writes the new rate while the toxic may be handing on a part of a chunk, whose size it
        reckons from the rate: a part longer than the chunk ends the whole server ("slice bounds out of
        range": 2 to 45 releases of a stall of 60 connections, measured), a shorter one doubles bytes. Only
        chunks longer than SPLIT of the old rate are in parts, and the wait for a part begins anew with
        each update: for the next SPLIT there is none to hand on.
        """
        rate = before.get("rate")
        if rate is None:
            return False
        return rate < after["rate"] and self.slices[toxic.partition("-")[2]] > rate * SPLIT


def play_of(timeline: Timeline, stall: int = 0) -> Play:
    """Return how *timeline* is played where the rate *stall* (KB/s) holds everything."""
    slices = {"upstream": _slice(timeline.uplink), "downstream": _slice(timeline.downlink)}
    toxics = tuple(_toxics(timeline, slices))
    names = {toxic.name for toxic in toxics}

    def settings(t: float) -> Settings:
        return {name: said for name, said in _settings(timeline, t, slices, stall).items() if name in names}

    changes = tuple(_changes(timeline, settings))
    return Play(toxics, settings(0.0), changes, slices, stall)


def rate_setting(rate: Rate, stall: int = 0) -> int:
    """Return *rate* (bit/s) in whole KB/s: never a stall unless it is one."""
    if rate is None:
        return UNLIMITED
    return max(1, round(rate / RATE_UNIT)) if rate else stall


def moves(timeline: Timeline) -> list[float]:
    """Return the instants at which the link moves to another address, in order."""
    return sorted(item.t for item in timeline.breaks if FAULTS[item.kind].old is Old.FREEZE)


def _toxics(timeline: Timeline, slices: Mapping[str, int]) -> Iterator[Toxic]:
    delayed = any(timeline.delay.values) or timeline.jitter.spread > 0
    for stream, curve in (("upstream", timeline.uplink), ("downstream", timeline.downlink)):
        if not curve.unlimited and slices[stream] < CHUNK:
            yield Toxic(f"slicer-{stream}", "slicer", stream)
        if not curve.unlimited:
            yield Toxic(f"bandwidth-{stream}", "bandwidth", stream)
        if delayed:
            yield Toxic(f"latency-{stream}", "latency", stream)
    if any(FAULTS[item.kind].by_bytes for item in timeline.breaks):
        yield Toxic("limit-upstream", "limit_data", "upstream")


def _settings(timeline: Timeline, t: float, slices: Mapping[str, int], stall: int) -> Settings:
    delay = {"latency": _ms(timeline.delay.at(t)), "jitter": _ms(timeline.jitter.spread)}
    sliced = {
        f"slicer-{stream}": {"average_size": size, "size_variation": 0, "delay": 0}
        for stream, size in slices.items()
    }
    return {
        **sliced,
        "bandwidth-upstream": {"rate": rate_setting(timeline.uplink.at(t), stall)},
        "bandwidth-downstream": {"rate": rate_setting(timeline.downlink.at(t), stall)},
        "latency-upstream": delay,
        "latency-downstream": delay,
        "limit-upstream": {"bytes": _limit(timeline, t)},
    }


def _limit(timeline: Timeline, t: float) -> int:
    """Return the bytes after which connections end at *t*."""
    limits = [item.connection_bytes for item in timeline.breaks if item.t <= t < item.until]
    return min((limit for limit in limits if limit is not None), default=NO_LIMIT)


def _changes(timeline: Timeline, settings: Callable[[float], Settings]) -> Iterator[Change]:
    """Yield the changes in order; whether a proxy serves depends on those before."""
    serves, address = True, 0
    for t in _instants(timeline):
        begun = tuple(item for item in timeline.breaks if item.t == t)
        kinds = [FAULTS[item.kind] for item in begun if not FAULTS[item.kind].by_bytes]
        down = any(
            FAULTS[item.kind].new is New.REFUSE and item.t <= t < item.until for item in timeline.breaks
        )
        moved = sum(kind.old is Old.FREEZE for kind in kinds)
        closed = down or any(kind.old in (Old.RESET, Old.CLOSE) for kind in kinds)
        address += moved
        old = (Old.FREEZE if moved else Old.CLOSE if closed else Old.KEEP) if serves else Old.KEEP
        begins = not down and (not serves or old is not Old.KEEP)
        serves = not down
        yield Change(t, settings(t), begun, old, begins, address)


def _instants(timeline: Timeline) -> list[float]:
    """Return the instants up to the horizon at which anything begins, ends or changes."""
    edges = {t for item in timeline.breaks for t in (item.t, item.until)}
    steps = {*timeline.uplink.times, *timeline.downlink.times, *timeline.delay.times} - {0.0}
    return sorted(t for t in edges | steps if t < math.inf and t <= timeline.horizon)


def _slice(curve: RateCurve) -> int:
    fastest = max(math.inf if rate is None else rate for rate in curve.rates)
    return int(min(CHUNK, max(PACKET, fastest / 8 * SLICE)))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
