"""What a run shows about its own instrument: lateness, lag, CPU and the links' rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simulator.measure import figures
from simulator.measure.dataset import Dataset
from simulator.measure.logs import LinkLog
from simulator.measure.models import Number
from simulator.records import Change, Fault, Sample
from simulator.weather.faults import FAULTS
from simulator.weather.timeline import RateCurve, merge

SUSTAINED = 0.95  # a part is as busy as it is for one sample in twenty
SAMPLED = 0.5  # seconds that a sample looks back
LEVELS = tuple(level / 100 for level in range(1, 101))  # at which an interval's lateness is read off
ENOUGH_BYTES = 100_000  # a link that carried less says nothing about its rate


def readings(data: Dataset) -> dict[str, Number]:
    """Return what the run shows about its own instrument."""
    engines = [item for part in data.samples.values() for item in part if item.late_p99 is not None]
    lags = [item.lag for part in data.samples.values() for item in part if item.lag is not None]
    stalls = [item.stall for part in data.samples.values() for item in part if item.stall is not None]
    return {
        "event_late_p99": _p99(_event_lateness(data), "no fault was played", "done less planned"),
        "delivery_late_p99": _p99(
            _delivery_lateness(engines),
            "the engine reports no delivery times",
            "over all intervals, each straight between its p50 and p99",
        ).model_copy(update={"n": len(engines)}),
        "lag": figures.total(sum(lags), "s", len(lags), "link time given up, all links together")
        if lags
        else figures.missing("s", "the engine reports no lag"),
        "stall_max": figures.total(max(stalls), "s", len(stalls), "longest oversleep of a process of clients")
        if stalls
        else figures.missing("s", "the clients report no stalls"),
        "rate_ratio_max": _rate_ratio(data),
        **{f"cpu_{part}": number for part, number in _cpu(data).items()},
    }


def _p99(values: Sequence[float], nothing: str, method: str) -> Number:
    if not values:
        return figures.missing("s", nothing)
    return figures.total(float(np.quantile(values, 0.99)), "s", len(values), method)


def _event_lateness(data: Dataset) -> list[float]:
    """Return how late each fault and each other change took hold.

    A fault that waits for a byte count has no planned instant.
    """
    links = data.links.values()
    faults = (item for link in links for item in link.faults)
    planned = [item for item in faults if not (item.fault in FAULTS and FAULTS[item.fault].by_bytes)]
    changes: list[Fault | Change] = [*planned, *(item for link in links for item in link.changes)]
    return [max(item.issued, item.done) - item.t for item in changes]


def _delivery_lateness(samples: Sequence[Sample]) -> list[float]:
    """Return latenesses that stand for those of all intervals, of which only two quantiles are known."""
    rows = [(item.late_p50, item.late_p99) for item in samples]
    known = [(low if low is not None else high, high) for low, high in rows if high is not None]
    return [late for row in known for late in np.interp(LEVELS, (0.5, 0.99), row).tolist()]


def _cpu(data: Dataset) -> dict[str, Number]:
    begun = min(
        (link.start for link in data.links.values()), default=0.0
    )  # a part's own start does not count
    loads = {
        part: [item.cpu for item in samples if item.cpu is not None and item.t > begun + SAMPLED]
        for part, samples in data.samples.items()
    }
    return {
        part: figures.total(float(np.quantile(values, SUSTAINED)), "cores", len(values), "p95 of the samples")
        for part, values in loads.items()
        if values
    }


def _rate_ratio(data: Dataset) -> Number:
    """Return the most that any link carried over what its curve could while it had connections."""
    ratios = [ratio for link in data.links.values() if (ratio := _link_ratio(link)) is not None]
    if not ratios:
        return figures.missing("1", "no shaped link carried enough")
    return figures.total(max(ratios), "1", len(ratios), "carried over the rate curve, both from the records")


def _link_ratio(link: LinkLog) -> float | None:
    carried = sum(item.carried_up for item in link.connections)
    if link.timeline is None or carried < ENOUGH_BYTES:
        return None
    open_spans = merge([(item.opened - link.start, item.t - link.start) for item in link.connections])
    possible = sum(_possible(link.timeline.uplink, start, stop) for start, stop in open_spans)
    return carried / possible if 0 < possible < math.inf else None


def _possible(curve: RateCurve, start: float, stop: float) -> float:
    """Return the bytes that *curve* carries; before its start a link passes as at 0."""
    early = max(0.0, min(stop, 0.0) - start) if start < 0 else 0.0
    rate = curve.at(0.0)
    before = early * (math.inf if rate is None else rate / 8) if early else 0.0
    return before + curve.carried(max(0.0, start), max(0.0, stop))
