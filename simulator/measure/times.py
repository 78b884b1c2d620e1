"""Times of one arm: completion, efficiency against the ideal, goodput and its retention."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from simulator.measure import figures
from simulator.measure.dataset import Dataset
from simulator.measure.intervals import (
    CONFIDENCE,
    FEWEST,
    Interval,
    bca,
    ratio_of_sums,
    resample_counts,
    resamples_for,
)
from simulator.measure.logs import LinkLog, UploadLog
from simulator.measure.models import Number
from simulator.measure.survival import Times, quantile, resampled_quantiles
from simulator.records import Arm

Numbers = dict[str, Number]


def time_numbers(data: Dataset, arm: Arm) -> Numbers:
    """Return the times of *arm*'s uploads and what they say of its speed."""
    uploads = data.uploads[arm.name]
    times = completion_times(uploads, data.plan.deadline_s)
    return {
        "time_p50": figures.time_quantile(times, 0.5, data.plan.deadline_s),
        "time_p95": figures.time_quantile(times, 0.95, data.plan.deadline_s),
        "time_mean": mean_time(times),
        "efficiency": _efficiency(data, uploads),
        "goodput": figures.median(_goodputs(uploads), "B/s", "no upload was completed"),
        "retention": _retention(data, arm),
    }


def mean_time(times: Times) -> Number:
    """Return the mean of T with its interval over users, whose uploads stay together.

    A mean says nothing where some uploads are censored, and little alone: theory states means.
    """
    if not times.n or not times.observed.all():
        return figures.missing("s", "not every upload was completed", times.n)
    sums = np.bincount(times.clusters, weights=times.values)
    counts = np.bincount(times.clusters)
    bounds = bca(ratio_of_sums, sums.tolist(), counts.tolist())
    return figures.estimate(float(times.values.mean()), "s", times.n, bounds, "mean, BCa over users")


def completion_times(uploads: Iterable[UploadLog], deadline_s: float) -> Times:
    """Return T of *uploads*. A failed or corrupted one never completes: it stays at risk to the deadline."""
    return Times.of(_time_row(upload, deadline_s) for upload in uploads)


def _time_row(upload: UploadLog, deadline_s: float) -> tuple[float, bool, int]:
    hopeless = upload.outcome in ("failed", "corrupted")
    watched = max(upload.duration, deadline_s) if hopeless else upload.duration
    return watched, upload.outcome == "completed", upload.user


def ideal_time(upload: UploadLog, link: LinkLog) -> float | None:
    """Return T*, seconds: when the link could have carried the upload, plus one round trip.

    None where the timeline is not known or lets nothing through again.
    """
    if link.timeline is None:
        return None
    t0 = max(0.0, upload.started - link.start)
    ideal = link.timeline.ideal_finish(upload.size, t0) - t0
    return ideal if math.isfinite(ideal) else None


def _efficiency(data: Dataset, uploads: Sequence[UploadLog]) -> Number:
    rows = []
    for upload in uploads:
        ideal = ideal_time(upload, data.link_of(upload))
        if upload.outcome == "completed" and ideal and upload.duration > 0:
            rows.append((ideal / upload.duration, upload.user))
    return figures.median(rows, "1", "no completed upload on a shaped link whose timeline is known", "T*/T")


def _goodputs(uploads: Iterable[UploadLog]) -> list[tuple[float, int]]:
    return [
        (upload.size / upload.duration, upload.user)
        for upload in uploads
        if upload.outcome == "completed" and upload.duration > 0
    ]


def _retention(data: Dataset, arm: Arm) -> Number:
    """Return the median goodput over that of the calm twin, over the uploads completed in both."""
    twin = next((other.name for other in data.arms if other.calm_of == arm.name), None)
    if twin is None:
        return figures.missing("1", "no calm twin ran")
    calm = {(upload.user, upload.upload): upload for upload in data.uploads[twin]}
    pairs = [
        (item, calm[key]) for item in data.uploads[arm.name] if (key := (item.user, item.upload)) in calm
    ]
    both = [pair for pair in pairs if all(upload.outcome == "completed" for upload in pair)]
    windy = Times.of((value, True, user) for value, user in _goodputs(pair[0] for pair in both))
    still = Times.of((value, True, user) for value, user in _goodputs(pair[1] for pair in both))
    if not windy.n or windy.n != still.n:
        return figures.missing("1", "no pair of completed uploads")
    left_out = len(pairs) - len(both)
    return figures.estimate(
        quantile(windy, 0.5) / quantile(still, 0.5),
        "1",
        len(both),
        _ratio_interval(windy, still),
        figures.said("ratio of paired medians", f"{left_out} unfinished pairs left out" if left_out else ""),
    )


def _ratio_interval(windy: Times, still: Times) -> Interval | None:
    """Return the interval of a ratio of medians: both sides see the same resamples of users."""
    if windy.users < FEWEST:
        return None
    counts = resample_counts(windy.users, resamples_for(windy.n))
    ratios = resampled_quantiles(windy, counts, 0.5) / resampled_quantiles(still, counts, 0.5)
    tail = (1 - CONFIDENCE) / 2
    value = quantile(windy, 0.5) / quantile(still, 0.5)
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return min(float(low), value), max(float(high), value)
