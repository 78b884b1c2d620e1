"""How often a 95 % interval holds the truth, over made-up data whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulator.measure.intervals import bca, wilson
from simulator.measure.survival import Times, quantile_interval

USERS = 40


def _holds(bounds: tuple[float, float] | None, truth: float) -> bool:
    return bounds is not None and bounds[0] <= truth <= bounds[1]


def ratio(data_sets: int) -> float:
    """Amplification over users whose carried bytes are skewed: truth E[C]/P = 1 + 0.8."""
    generator = np.random.Generator(np.random.PCG64(11))
    sizes = np.full(USERS, 1000.0)

    def statistic(carried: np.ndarray, size: np.ndarray, axis: int) -> np.ndarray:
        return carried.sum(axis=axis) / size.sum(axis=axis)

    draws = (1000 + generator.gamma(2.0, 400.0, USERS) for _ in range(data_sets))
    return float(np.mean([_holds(bca(statistic, carried, sizes), 1.8) for carried in draws]))


def share(data_sets: int) -> float:
    """A completion share of 0.9."""
    generator = np.random.Generator(np.random.PCG64(12))
    counts = generator.binomial(USERS, 0.9, data_sets)
    return float(np.mean([_holds(wilson(int(count), USERS), 0.9) for count in counts]))


def median(data_sets: int) -> float:
    """The median of exponential times (ln 2), of which those beyond 1.5 are censored."""
    generator = np.random.Generator(np.random.PCG64(13))
    held = 0
    for _ in range(data_sets):
        rows = [(min(t, 1.5), t < 1.5, i) for i, t in enumerate(generator.exponential(1.0, USERS).tolist())]
        held += _holds(quantile_interval(Times.of(rows), 0.5), float(np.log(2)))
    return held / data_sets


COVERAGES: Mapping[str, Callable[[int], float]] = {
    "a ratio of sums (BCa)": ratio,
    "a share (Wilson)": share,
    "a censored median (users resampled)": median,
}
