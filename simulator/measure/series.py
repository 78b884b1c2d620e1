"""What the charts draw: rows of points made from records. Times in seconds, sizes in bytes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from simulator.measure import survival
from simulator.measure.carried import Passage
from simulator.measure.climbs import climb, life
from simulator.measure.dataset import Dataset
from simulator.measure.intervals import Floats
from simulator.measure.logs import LinkLog, UploadLog
from simulator.measure.survival import Times
from simulator.measure.times import completion_times, ideal_time
from simulator.records import Fault


@dataclass(frozen=True)
class Band:
    """A fault in force on one link, in seconds since that link's start; an instant has until == t."""

    t: float
    until: float
    fault: str


@dataclass(frozen=True)
class Staircase:
    """Bytes the server holds of one upload against time since the link's start.

    ``points`` are (t, offset). For plain, the offset climbs with what the link carried and falls to
    zero at each interruption; for a resumable protocol it only pauses. An attempt that its client gave
    up because the time was over is none: the line ends where it was.
    """

    user: int
    arm: str
    size: int
    points: tuple[tuple[float, float], ...]
    faults: tuple[Band, ...]
    finished: float | None  # None when censored or failed


@dataclass(frozen=True)
class SurvivalCurve:
    """Share of uploads finished by t (Kaplan-Meier), with the times at which some were censored."""

    arm: str
    n: int
    times: tuple[float, ...]
    shares: tuple[float, ...]
    censored: tuple[float, ...]


@dataclass(frozen=True)
class Throughput:
    """Bytes acknowledged per bin of ``bin_s`` over the run, per arm, in B/s; and the links' states.

    A byte counts in the bin in which the link carried it, if the server acknowledged it then or
    later: what a cut plain attempt carried never counts. ``starts`` are since the run's start.
    ``states`` gives, per fault kind, the share of links on which it is in force in each bin; the
    links of calm twins are left out.
    """

    bin_s: float
    starts: tuple[float, ...]
    rates: dict[str, tuple[float, ...]]
    states: dict[str, tuple[float, ...]]


def staircases(data: Dataset) -> list[Staircase]:
    """Return one staircase for each upload, by arm, user and upload."""
    plain = _plain_arms(data)
    return [
        _staircase(upload, data.link_of(upload), upload.arm in plain)
        for uploads in data.uploads.values()
        for upload in uploads
    ]


def survival_curves(data: Dataset) -> list[SurvivalCurve]:
    """Return one curve for each arm. A failed or corrupted upload stays unfinished to the deadline."""
    return [
        _curve(arm.name, completion_times(data.uploads[arm.name], data.plan.deadline_s)) for arm in data.arms
    ]


def ideal_curve(data: Dataset) -> SurvivalCurve:
    """Return the curve of T*, the physical limit, over the baseline's uploads whose timeline is known."""
    uploads = data.uploads.get(data.plan.baseline, ())
    ideals = [(ideal_time(upload, data.link_of(upload)), upload.user) for upload in uploads]
    return _curve("ideal", Times.of((value, True, user) for value, user in ideals if value is not None))


def throughput(data: Dataset, bin_s: float = 0.25) -> Throughput:
    """Return bytes acknowledged and the links' states in bins of *bin_s* seconds over the run."""
    bins = int(data.last / bin_s) + 1
    edges = np.arange(bins + 1, dtype=np.float64) * bin_s
    rates = {arm.name: _rates(data, data.uploads[arm.name], edges) for arm in data.arms}
    return Throughput(
        bin_s=bin_s,
        starts=tuple(edges[:-1].tolist()),
        rates={name: tuple(row.tolist()) for name, row in rates.items()},
        states={kind: tuple(row.tolist()) for kind, row in _states(data, edges).items()},
    )


def _curve(name: str, times: Times) -> SurvivalCurve:
    instants, shares = survival.curve(times)
    return SurvivalCurve(
        arm=name,
        n=times.n,
        times=tuple(instants),
        shares=tuple(shares),
        censored=tuple(times.values[~times.observed].tolist()),
    )


def _plain_arms(data: Dataset) -> set[str]:
    return {arm.name for arm in data.arms if arm.protocol == "plain"}


def _staircase(upload: UploadLog, link: LinkLog, plain: bool) -> Staircase:
    points = [(t - link.start, offset) for t, offset in life(upload, link, plain)]
    return Staircase(
        user=upload.user,
        arm=upload.arm,
        size=upload.size,
        points=tuple(dict.fromkeys(points)),
        faults=tuple(_band(fault, link.start) for fault in link.faults),
        finished=upload.ended - link.start if upload.outcome == "completed" else None,
    )


def _band(fault: Fault, start: float) -> Band:
    return Band(t=fault.issued - start, until=max(fault.issued, fault.until) - start, fault=fault.fault)


def _rates(data: Dataset, uploads: Iterable[UploadLog], edges: Floats) -> Floats:
    """Return the bytes per second in each bin that the server acknowledged then or later."""
    width = float(edges[1] - edges[0])
    taken = np.zeros(len(edges) - 1, dtype=np.float64)
    for upload in uploads:
        link = data.link_of(upload)
        for passage, top in _acknowledged(upload):
            points = climb(passage, link, top, shared=passage.request.part is not None)
            first = int(points[0][0] / width)
            last = max(first + 1, math.ceil(points[-1][0] / width))
            instants, offsets = zip(*points, strict=True)
            held = np.interp(edges[first : last + 1], instants, offsets)
            held[0], held[-1] = points[0][1], points[-1][1]  # also where all came at one instant
            taken[first:last] += np.diff(held)
    return taken / width


def _acknowledged(upload: UploadLog) -> Iterator[tuple[Passage, float]]:
    """Yield each passage of which the server kept something, with how far."""
    for passage, kept in zip(upload.passages, upload.kept, strict=True):
        request = passage.request
        if not passage.carried:
            continue
        whole = request.cause is None and request.status is not None and request.status < 400
        top = request.start + passage.carried if whole else min(request.start + passage.carried, kept or 0)
        if top > request.start:
            yield passage, float(top)


def _states(data: Dataset, edges: Floats) -> dict[str, Floats]:
    """Return, per fault kind, the share of links on which it is in force in some part of each bin."""
    calm = {arm.name for arm in data.arms if arm.calm_of}
    links = [link for link in data.links.values() if link.arm not in calm]
    bins, width = len(edges) - 1, float(edges[1] - edges[0])
    counts: dict[str, Floats] = defaultdict(lambda: np.zeros(bins))
    for link in links:
        touched: dict[str, set[int]] = defaultdict(set)
        for fault in link.faults:
            first, last = int(fault.issued / width), int(min(fault.until, data.last) / width)
            touched[fault.fault].update(range(max(0, first), min(bins, max(first, last) + 1)))
        for kind, where in touched.items():
            counts[kind][np.array(sorted(where), dtype=np.intp)] += 1
    return {kind: row / len(links) for kind, row in sorted(counts.items())}
