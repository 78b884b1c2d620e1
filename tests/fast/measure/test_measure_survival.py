"""Kaplan-Meier: textbook figures, and the resampled form against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.measure.intervals import resample_counts
from simulator.measure.survival import Times, curve, quantile, quantile_interval, resampled_quantiles

# Remission in weeks under 6-MP (Freireich et al. 1963; Gehan 1965): 21 patients, a minus is censored.
WEEKS = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]


def remission() -> Times:
    return Times.of((abs(week), week > 0, i) for i, week in enumerate(WEEKS))


def observed(*values: float) -> Times:
    return Times.of((value, True, i) for i, value in enumerate(values))


def test_the_curve_gives_the_published_survival() -> None:
    instants, shares = curve(remission())
    assert instants == [6, 7, 10, 13, 16, 22, 23]
    alive = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert [1 - share for share in shares] == pytest.approx(alive, abs=5e-4)


def test_the_published_median_is_found() -> None:
    assert quantile(remission(), 0.5) == 23


def test_a_quantile_that_too_few_reached_is_beyond() -> None:
    assert quantile(remission(), 0.9) == math.inf


def test_nothing_finished_gives_an_empty_curve() -> None:
    late = Times.of((60.0, False, i) for i in range(6))
    assert curve(late) == ([], [])
    assert quantile(late, 0.5) == math.inf
    assert quantile_interval(late, 0.5) == (math.inf, math.inf)


def test_no_times_give_no_quantile() -> None:
    assert math.isnan(quantile(Times.of([]), 0.5))


@pytest.mark.parametrize(
    ("values", "median"), [((1, 2, 9), 2), ((1, 2, 4, 9), 3), ((5,), 5), ((7, 7, 7, 7), 7)]
)
def test_without_censoring_it_is_the_plain_median(values: tuple[float, ...], median: float) -> None:
    assert quantile(observed(*values), 0.5) == median


@pytest.mark.parametrize("q", [0.1, 0.25, 0.5, 0.95])
@pytest.mark.parametrize("times", [remission(), observed(1, 2, 4, 9), observed(*range(1, 21))])
def test_resampling_each_user_once_gives_the_estimate_itself(q: float, times: Times) -> None:
    once = np.ones((1, times.n), dtype=np.int32)
    assert resampled_quantiles(times, once, q).tolist() == [quantile(times, q)]


def test_the_weighted_form_agrees_with_repeating_the_values() -> None:
    times = remission()
    for counts in resample_counts(len(WEEKS), 25):
        # clusters are numbered in the order of the users, and so are the weeks
        drawn = [
            (abs(WEEKS[user]), WEEKS[user] > 0, i)
            for i, user in enumerate(np.repeat(np.arange(len(WEEKS)), counts).tolist())
        ]
        expected = quantile(Times.of(drawn), 0.25)
        assert resampled_quantiles(times, counts[None, :], 0.25)[0] == pytest.approx(expected)


def test_the_interval_holds_the_estimate_and_may_be_open_above() -> None:
    bounds = quantile_interval(remission(), 0.5)
    assert bounds is not None
    assert bounds[0] <= 23 <= bounds[1] == math.inf


def test_the_values_of_one_user_are_drawn_together() -> None:
    alone = quantile_interval(observed(*range(40)), 0.5)
    grouped = quantile_interval(Times.of((value, True, value // 8) for value in range(40)), 0.5)
    assert alone is not None and grouped is not None
    assert grouped[1] - grouped[0] > 1.5 * (alone[1] - alone[0])


def test_fewer_than_five_users_have_no_interval() -> None:
    assert quantile_interval(Times.of((value, True, value % 4) for value in range(40)), 0.5) is None
