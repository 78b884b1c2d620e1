"""Intervals: known values, degenerate data, and how often they hold the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from simulator.measure.intervals import bca, wilson
from tests.helpers.coverage import COVERAGES


def mean(values: Any, axis: int) -> Any:
    return np.mean(values, axis=axis)


def ratio(above: Any, below: Any, axis: int) -> Any:
    under = np.sum(below, axis=axis)
    return np.sum(above, axis=axis) / np.where(under == 0, np.nan, under)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe 1998, table I, method 3, to four places
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_values(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_of_nothing_is_none() -> None:
    assert wilson(0, 0) is None


def test_bca_agrees_with_scipy_on_one_sample() -> None:
    values = np.random.Generator(np.random.PCG64(3)).gamma(2.0, size=30)
    ours = bca(mean, values.tolist())
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20000, rng=np.random.default_rng(5))
    assert ours is not None
    assert ours == pytest.approx(tuple(theirs.confidence_interval), rel=0.03)


def test_bca_is_the_same_every_time() -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    assert bca(mean, values) == bca(mean, values)


def test_bca_pairs_its_samples() -> None:
    below = [1.0, 10.0, 100.0, 1000.0, 10000.0]
    assert bca(ratio, [2 * value for value in below], below) == (pytest.approx(2), pytest.approx(2))


def test_fewer_than_five_users_have_no_interval() -> None:
    assert bca(mean, [1.0, 2.0, 3.0, 4.0]) is None


def test_users_who_are_all_alike_have_an_interval_of_no_width() -> None:
    assert bca(mean, [3.0] * 7) == (3.0, 3.0)


def test_a_statistic_that_is_seldom_undefined_still_has_an_interval() -> None:
    below = [0.0] + [1.0] * 9
    bounds = bca(ratio, [1.0] * 10, below)
    assert bounds is not None
    assert bounds[0] <= 10 / 9 <= bounds[1]


def test_a_statistic_that_is_often_undefined_has_none() -> None:
    assert bca(ratio, [1.0] * 6, [0.0] * 5 + [1.0]) is None


@pytest.mark.parametrize("name", COVERAGES)
def test_intervals_hold_the_truth_about_as_often_as_they_say(name: str) -> None:
    # 200 data sets: 95 % less four standard errors is 89 %, and small samples cost a little more.
    assert 0.88 <= COVERAGES[name](200) <= 0.995
