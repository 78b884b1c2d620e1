"""What the drawn weather amounts to: a profile's own numbers, counted rather than believed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.weather.faults import FAULTS, Old, Shape
from simulator.weather.timeline import Break, Interval, RateCurve, Timeline, merge

ENDING = frozenset(name for name, row in FAULTS.items() if row.old is not Old.KEEP)
SILENT = frozenset(name for name, row in FAULTS.items() if row.old is Old.FREEZE)
STALLING = frozenset(name for name, row in FAULTS.items() if row.shape is Shape.STALL)


@dataclass(frozen=True)
class Census:
    """Counts over all links. Times in seconds per link, shares 0 to 1, rates in bit/s.

    ``ending_every_s`` is the mean time between breaks that end a connection (inf for none),
    ``silent_share`` the share of those that say nothing, ``stall_every_s`` the mean time between
    gaps in which nothing moves, ``down_share`` the share of time in such gaps, ``stall_median_s``
    their median length. ``uplink_mean`` counts the gaps as zero (None for unlimited).
    """

    links: int
    seconds: float
    ending_every_s: float
    silent_share: float
    stall_every_s: float
    stall_median_s: float
    down_share: float
    uplink_mean: float | None


def census(timelines: Sequence[Timeline], upto: float) -> Census:
    """Count the weather of *timelines* from their start up to *upto* seconds (at most their horizon)."""
    ending = [item for line in timelines for item in _within(line, upto, ENDING)]
    gaps = [gap for line in timelines for gap in _gaps(line, upto)]
    seconds = upto * len(timelines)
    return Census(
        links=len(timelines),
        seconds=seconds,
        ending_every_s=_every(seconds, len(ending)),
        silent_share=sum(item.kind in SILENT for item in ending) / len(ending) if ending else 0.0,
        stall_every_s=_every(seconds, len(gaps)),
        stall_median_s=_median([stop - start for start, stop in gaps]),
        down_share=sum(min(stop, upto) - start for start, stop in gaps) / seconds,
        uplink_mean=_mean_rate([line.uplink for line in timelines], upto),
    )


def _within(line: Timeline, upto: float, kinds: Iterable[str]) -> list[Break]:
    """Return the breaks of *kinds* placed by time before *upto*."""
    return [b for b in line.breaks if b.kind in kinds and b.t < upto and b.link_bytes is None]


def _gaps(line: Timeline, upto: float) -> list[Interval]:
    return merge([(item.t, item.until) for item in _within(line, upto, STALLING)])


def _every(seconds: float, count: int) -> float:
    return seconds / count if count else math.inf


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


def _mean_rate(curves: Sequence[RateCurve], upto: float) -> float | None:
    carried = sum(curve.carried(0.0, upto) for curve in curves)
    return None if math.isinf(carried) else carried * 8 / (upto * len(curves))
