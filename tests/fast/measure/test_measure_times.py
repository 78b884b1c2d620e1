"""Times of an arm: stories with the answers worked out by hand. A link carries 1000 bytes a second."""

from __future__ import annotations

import pytest

from simulator.measure.models import Number
from simulator.measure.redraw import Redrawn
from simulator.measure.summary import summarise
from simulator.measure.survival import Times
from simulator.measure.times import mean_time, time_numbers
from tests.helpers.made_records import MadeRun, steady


def numbers(run: MadeRun, arm: str = "tus") -> dict[str, Number]:
    data = run.dataset()
    return time_numbers(data, next(item for item in data.arms if item.name == arm))


def finish_at(run: MadeRun, *seconds: float, arm: str = "tus", size: int = 1000) -> None:
    for user, second in enumerate(seconds):
        run.upload(arm, user=user, size=size).send(0, second).completed(second)


def test_the_median_and_the_tail_of_completion() -> None:
    run = MadeRun(users=20)
    finish_at(run, *range(1, 21))
    found = numbers(run)
    assert (found["time_p50"].value, found["time_p50"].n) == (10.5, 20)
    assert found["time_p95"].value == 19.5
    assert found["time_p50"].low is not None and found["time_p50"].low < 10.5 < (found["time_p50"].high or 0)


def test_a_quantile_beyond_the_deadline_is_a_lower_bound() -> None:
    run = MadeRun(users=5)
    finish_at(run, 10, 20)
    for user in (2, 3, 4):
        run.upload("tus", user=user).send(0, 60).censored(60)
    found = numbers(run)
    assert (found["time_p50"].value, found["time_p50"].at_least) == (60, True)
    assert (found["time_p50"].low, found["time_p50"].high) == (None, None)


def test_an_interval_may_be_open_above() -> None:
    run = MadeRun(users=6)
    finish_at(run, 10, 20, 30, 40)
    for user in (4, 5):
        run.upload("tus", user=user).send(0, 60).censored(60)
    p50 = numbers(run)["time_p50"]
    assert (p50.value, p50.at_least, p50.high) == (35, False, None)
    assert p50.low is not None
    assert "no upper end by the deadline" in p50.method


def test_a_failed_upload_never_finishes_and_is_not_just_censored_when_it_fails() -> None:
    run = MadeRun(users=4)
    finish_at(run, 10, 20)
    for user in (2, 3):
        run.upload("tus", user=user).send(0, 1, status=413).failed(1, "413")
    found = numbers(run)
    assert (found["time_p50"].value, found["time_p50"].at_least) == (20, False)
    assert found["time_p95"].at_least


def test_efficiency_is_the_ideal_time_over_the_real_one() -> None:
    run = MadeRun(users=3, timeline=steady(delay=0.25))
    finish_at(run, 1.5, 3.0, 6.0)  # T* is 1 s for 1000 bytes and a round trip of 0.5 s
    assert numbers(run)["efficiency"].value == pytest.approx(0.5)


def test_an_upload_that_began_late_is_held_against_its_link_from_then_on() -> None:
    run = MadeRun()
    run.link("tus", 0, 10.0)
    run.upload("tus", started=12.0).send(12, 16).completed(16)
    assert numbers(run)["efficiency"].value == pytest.approx(0.25)


@pytest.mark.parametrize(
    "weather", [Redrawn(), Redrawn(windy={0: steady(None)}), Redrawn(windy={0: steady(0)})]
)
def test_without_a_shaped_link_that_moves_there_is_no_efficiency(weather: Redrawn) -> None:
    run = MadeRun()
    finish_at(run, 1.0)
    data = type(run.dataset()).of(run.records(), weather=weather)
    number = next(arm for arm in summarise(data).arms if arm.name == "tus").numbers["efficiency"]
    assert number.value is None
    assert "no completed upload on a shaped link" in number.method


def test_goodput_counts_completed_uploads_only() -> None:
    run = MadeRun(users=4)
    finish_at(run, 1.0, 2.0, 4.0)
    run.upload("tus", user=3).send(0, 60).censored(60)
    number = numbers(run)["goodput"]
    assert (number.value, number.unit, number.n) == (500, "B/s", 3)


def test_retention_is_over_the_users_that_completed_in_both_arms() -> None:
    run = MadeRun(users=4, arms=("tus", "tus/calm"))
    finish_at(run, 2.0, 4.0, 8.0)
    run.upload("tus", user=3).send(0, 60).censored(60)
    finish_at(run, 1.0, 1.0, 2.0, 2.0, arm="tus/calm")
    number = numbers(run)["retention"]
    assert (number.value, number.n) == (pytest.approx(250 / 1000), 3)
    assert "1 unfinished pairs left out" in number.method


def test_without_a_calm_twin_there_is_no_retention() -> None:
    run = MadeRun()
    finish_at(run, 1.0)
    assert numbers(run)["retention"].method == "no calm twin ran"


def test_retention_has_an_interval_over_pairs() -> None:
    run = MadeRun(users=6, arms=("tus", "tus/calm"))
    finish_at(run, *(2.0 * (user + 1) for user in range(6)))
    finish_at(run, *(1.0 * (user + 1) for user in range(6)), arm="tus/calm")
    number = numbers(run)["retention"]
    assert (number.value, number.low, number.high) == (
        pytest.approx(0.5),
        pytest.approx(0.5),
        pytest.approx(0.5),
    )


def test_the_mean_is_told_only_where_every_upload_was_completed() -> None:
    done = Times.of([(2.0, True, 0), (4.0, True, 1), (9.0, True, 1)])
    assert mean_time(done).value == 5.0
    cut = Times.of([(2.0, True, 0), (4.0, False, 1)])
    assert mean_time(cut).value is None


def test_the_mean_s_interval_holds_it_and_resamples_users() -> None:
    number = mean_time(Times.of([(float(user), True, user) for user in range(1, 21)]))
    assert number.low is not None
    assert number.high is not None
    assert 7.5 < number.low < 10.5 == number.value < number.high < 13.5
