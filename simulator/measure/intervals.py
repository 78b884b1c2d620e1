"""95 % intervals. The unit is the user: uploads and interruptions of one user are one cluster.

Ratios of sums get BCa bootstrap intervals (Efron 1987; scipy.stats.bootstrap). Quantiles get
percentile intervals from the same sort of resampling: BCa estimates its acceleration by the
jackknife, which is inconsistent for quantiles (Efron and Tibshirani 1993, section 11.6). Every
seed is ``SEED``. With fewer than ``FEWEST`` users no interval is drawn.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Interval = tuple[float, float]

SEED = 20130601
CONFIDENCE = 0.95
FEWEST = 5  # users
RESAMPLES = 4999
QUANTILE_RESAMPLES = 1999
CELLS = 4_000_000  # resamples x values that a quantile's interval may cost
BATCH_CELLS = 2_000_000  # what one batch of scipy's bootstrap may hold


def wilson(successes: int, n: int) -> Interval | None:
    """Return Wilson's score interval of a share (Wilson 1927); None for n = 0."""
    if n == 0:
        return None
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    share, width = successes / n, z * z / n
    centre = (share + width / 2) / (1 + width)
    half = z / (1 + width) * math.sqrt(share * (1 - share) / n + width / (4 * n))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def bca(statistic: Callable[..., Any], *samples: Sequence[float]) -> Interval | None:
    """Return the paired BCa interval of *statistic* over users, widened to hold the estimate.

    Each of *samples* has one value per user, in the same order. *statistic* takes arrays and
    ``axis``; it may return NaN for a resample on which it is not defined. None for fewer than
    ``FEWEST`` users, or when it is undefined on more than one resample in a hundred.
    """
    arrays = [np.asarray(sample, dtype=np.float64) for sample in samples]
    users = len(arrays[0])
    if users < FEWEST:
        return None
    value = float(statistic(*arrays, axis=-1))
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        # Where all users are alike BCa is not defined; the percentiles below still are.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            arrays,
            statistic,
            n_resamples=RESAMPLES,
            batch=max(1, BATCH_CELLS // users),
            vectorized=True,
            paired=True,
            axis=-1,
            confidence_level=CONFIDENCE,
            method="BCa",
            rng=np.random.Generator(np.random.PCG64(SEED)),
        )
    low, high = map(float, result.confidence_interval)
    if math.isfinite(low) and math.isfinite(high):
        return min(low, value), max(high, value)
    return _percentiles(np.asarray(result.bootstrap_distribution, dtype=np.float64), value)


def ratio_of_sums(above: Any, below: Any, axis: int) -> Any:
    """Return sum above / sum below: the statistic of amplification, and of means over clusters."""
    return np.sum(above, axis=axis) / np.sum(below, axis=axis)


def share_undefined(distribution: Floats) -> float:
    """Return the share of a bootstrap distribution that is not a finite number."""
    return float(np.mean(~np.isfinite(distribution)))


def _percentiles(distribution: Floats, value: float) -> Interval | None:
    if share_undefined(distribution) > 0.01:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(distribution[np.isfinite(distribution)], [tail, 1 - tail])
    return min(float(low), value), max(float(high), value)


@lru_cache(maxsize=16)
def resample_counts(users: int, resamples: int) -> NDArray[np.int32]:
    """Return how often each user is drawn in each resample, (resamples, users); the same for every call."""
    generator = np.random.Generator(np.random.PCG64(SEED))
    counts = generator.multinomial(users, np.full(users, 1 / users), size=resamples).astype(np.int32)
    counts.setflags(write=False)
    return counts


def resamples_for(values: int) -> int:
    """Return how many resamples of a quantile over *values* values are worth their cost."""
    return max(400, min(QUANTILE_RESAMPLES, CELLS // max(1, values)))
