"""Times of which some are censored, and their quantiles: Kaplan and Meier (1958).

Curves and quantiles come from ``scipy.stats.ecdf``. For the intervals users are resampled as whole
clusters and the estimator is run again with the users' multiplicities as weights, all resamples at
once. A median of uncensored numbers is the same estimator without censoring.

A quantile is where the curve reaches q, or the middle of the flat step when it runs exactly at q
(as R's ``quantile.survfit``); so a median of an even number is the mean of the middle two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from simulator.measure.intervals import CONFIDENCE, FEWEST, Floats, resample_counts, resamples_for

EXACT = 1e-9  # shares nearer than this are equal


@dataclass(frozen=True)
class Times:
    """``values`` of which those not ``observed`` are lower bounds; ``clusters`` are the users."""

    values: Floats
    observed: NDArray[np.bool_]
    clusters: NDArray[np.intp]

    @classmethod
    def of(cls, rows: Iterable[tuple[float, bool, int]]) -> Times:
        """Return the times of *rows* of (value, observed, user), in order; events before censorings."""
        ordered = sorted(rows, key=lambda row: (row[0], not row[1]))
        users = {user: i for i, user in enumerate(sorted({row[2] for row in ordered}))}
        return cls(
            values=np.array([row[0] for row in ordered], dtype=np.float64),
            observed=np.array([row[1] for row in ordered], dtype=np.bool_),
            clusters=np.array([users[row[2]] for row in ordered], dtype=np.intp),
        )

    @property
    def n(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def users(self) -> int:
        """How many users they come from."""
        return int(self.clusters.max()) + 1 if self.n else 0


def curve(times: Times) -> tuple[list[float], list[float]]:
    """Return the instants at which something finished and the share finished by each."""
    if not times.observed.any():
        return [], []
    events, late = times.values[times.observed], times.values[~times.observed]
    estimate = stats.ecdf(stats.CensoredData(uncensored=events, right=late)).cdf
    steps = np.isin(estimate.quantiles, events)
    return estimate.quantiles[steps].tolist(), estimate.probabilities[steps].tolist()


def quantile(times: Times, q: float) -> float:
    """Return the *q* quantile; inf when fewer than that share finished, NaN for no values."""
    if not times.n:
        return math.nan
    instants, shares = curve(times)
    return _crossing(instants, shares, q)


def quantile_interval(times: Times, q: float) -> tuple[float, float] | None:
    """Return the 95 % interval of the *q* quantile over users; an end may be inf. None for too few users."""
    if times.users < FEWEST:
        return None
    if times.observed.all() and times.values[0] == times.values[-1]:
        return float(times.values[0]), float(times.values[0])
    counts = resample_counts(times.users, resamples_for(times.n))
    found = np.sort(resampled_quantiles(times, counts, q))
    tail = (1 - CONFIDENCE) / 2
    # Order statistics, not interpolation: an end may be inf.
    low, high = found[math.floor(tail * len(found))], found[math.ceil((1 - tail) * len(found)) - 1]
    value = quantile(times, q)
    return min(float(low), value), max(float(high), value)


def resampled_quantiles(times: Times, counts: NDArray[np.int32], q: float) -> Floats:
    """Return the *q* quantile on each resample of users, whose multiplicities are *counts*' rows."""
    done = _finished_shares(times, counts[:, times.clusters])
    first = np.array([row.searchsorted(q - EXACT) for row in done])
    beyond = np.array([row.searchsorted(q + EXACT, side="right") for row in done])
    padded = np.append(times.values, math.inf)
    flat = (beyond > first) & (beyond < times.n)
    middles: Floats = (padded[first] + padded[np.where(flat, beyond, first)]) / 2
    return middles


def _finished_shares(times: Times, weights: NDArray[np.int32]) -> Floats:
    """Return the share finished by each value, per resample: (resamples, values), rising along a row."""
    total: Floats = np.cumsum(weights, axis=1, dtype=np.float64)
    if times.observed.all():
        total /= total[:, -1:]
        return total
    at_risk = total[:, -1:] - total + weights
    died = np.where(times.observed, weights, 0)
    alive = np.cumprod(1 - died / np.maximum(at_risk, 1), axis=1, dtype=np.float64)
    return np.subtract(1.0, alive, dtype=np.float64)


def _crossing(instants: Sequence[float], shares: Sequence[float], q: float) -> float:
    for i, share in enumerate(shares):
        if share >= q - EXACT:
            flat = share <= q + EXACT and i + 1 < len(instants)
            return (instants[i] + instants[i + 1]) / 2 if flat else instants[i]
    return math.inf
