"""Numbers made from values: each carries its n, its interval and how it was found."""

from __future__ import annotations

import math
from collections.abc import Iterable

from simulator.measure import survival
from simulator.measure.intervals import Interval, wilson
from simulator.measure.models import Number
from simulator.measure.survival import Times

FEW = "no interval: too few users"


def missing(unit: str, why: str, n: int = 0) -> Number:
    """Return the number that was not measured, with the reason."""
    return Number(value=None, unit=unit, n=n, method=why)


def total(value: float, unit: str, n: int, method: str = "") -> Number:
    """Return what was counted in this run: a fact about it, so without an interval."""
    return Number(value=value, unit=unit, n=n, method=method)


def share(successes: int, n: int, nothing: str) -> Number:
    """Return a share with Wilson's interval; *nothing* says why there is none when n = 0."""
    bounds = wilson(successes, n)
    if bounds is None:
        return missing("1", nothing)
    return Number(value=successes / n, unit="1", n=n, low=bounds[0], high=bounds[1], method="Wilson")


def estimate(value: float, unit: str, n: int, bounds: Interval | None, method: str) -> Number:
    """Return *value* with its bounds over users; without bounds *method* is told why."""
    if bounds is None:
        return Number(value=value, unit=unit, n=n, method=said(method, FEW))
    return Number(value=value, unit=unit, n=n, low=bounds[0], high=bounds[1], method=method)


def median(rows: Iterable[tuple[float, int]], unit: str, nothing: str, method: str = "") -> Number:
    """Return the median of *rows* of (value, user) with its interval over users."""
    times = Times.of((value, True, user) for value, user in rows)
    if not times.n:
        return missing(unit, nothing)
    bounds = survival.quantile_interval(times, 0.5)
    return estimate(survival.quantile(times, 0.5), unit, times.n, bounds, said("median", method))


def time_quantile(times: Times, q: float, deadline_s: float) -> Number:
    """Return a Kaplan-Meier quantile in seconds, or the lower bound where too few finished.

    ``high`` stays None where the upper end lies beyond the times that were watched.
    """
    if not times.n:
        return missing("s", "no upload was begun")
    value, bounds = survival.quantile(times, q), survival.quantile_interval(times, q)
    method = "Kaplan-Meier"
    if math.isinf(value):
        watched = min(deadline_s, float(times.values.max()))
        return Number(
            value=watched, unit="s", n=times.n, at_least=True, method=said(method, "beyond the deadline")
        )
    if bounds is not None and math.isinf(bounds[1]):
        return Number(
            value=value,
            unit="s",
            n=times.n,
            low=bounds[0],
            method=said(method, "no upper end by the deadline"),
        )
    return estimate(value, "s", times.n, bounds, method)


def said(*parts: str) -> str:
    """Join what is to be said of a method."""
    return "; ".join(part for part in parts if part)
