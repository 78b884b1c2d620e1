"""What the charts draw. A link carries 1000 bytes a second, a head has 10 bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.measure.redraw import Redrawn
from simulator.measure.series import Band, Staircase, ideal_curve, staircases, survival_curves, throughput
from simulator.records import Cause
from simulator.weather.timeline import RateCurve
from tests.helpers.made_records import MadeRun, MadeUpload, steady


def near(stairs: Staircase, points: list[tuple[float, float]]) -> bool:
    return len(points) == len(stairs.points) and all(
        there == pytest.approx(here) for there, here in zip(stairs.points, points, strict=True)
    )


def stepped() -> Redrawn:
    """1000 bytes a second, a stall from 0.2 to 0.7 s, then 1000 again."""
    line = replace(steady(), uplink=RateCurve((0.0, 0.2, 0.7), (8000.0, 0, 8000.0)))
    return Redrawn(windy={0: line})


def test_plain_falls_to_zero_at_an_interruption() -> None:
    run = MadeRun()
    run.fault("reset", 0.51, arm="plain")
    run.upload("plain", size=1000).send(0, 0.52, sent=500, cause=Cause.RESET).send(1, 2.01).completed(2.5)
    [stairs] = staircases(run.dataset())
    assert near(stairs, [(0, 0), (0.51, 500), (0.52, 0), (1, 0), (2.01, 1000), (2.5, 1000)])
    assert (stairs.finished, stairs.size) == (2.5, 1000)
    assert stairs.faults == (Band(0.51, 0.51, "reset"),)


def test_a_resumable_upload_only_pauses() -> None:
    run = MadeRun()
    upload = run.upload("tus", size=1000).send(0, 1, sent=500, cause=Cause.RESET).query(1, 1.1, offset=450)
    upload.send(1.1, 1.66, start=450).completed(1.7)
    [stairs] = staircases(run.dataset())
    assert near(stairs, [(0, 0), (0.46, 450), (1.1, 450), (1.66, 1000), (1.7, 1000)])


def late(run: MadeRun, arm: str) -> MadeUpload:
    """A first attempt whose connection the engine takes at 3 s, long after the client gave it up."""
    upload = run.upload(arm, size=1000).send(0, 1, sent=500, carried=-1, cause=Cause.STALLED)
    run.connection({"user": 0, "arm": arm}, 40001, 3.0, 3.51, 510, "client")
    return upload


def test_what_was_carried_after_the_attempt_was_given_up_is_no_part_of_its_climb() -> None:
    run = MadeRun()
    late(run, "plain")
    [stairs] = staircases(run.dataset())
    assert [offset for _, offset in stairs.points] == [0, 0]


def test_what_was_carried_late_and_kept_counts_when_it_was_carried() -> None:
    run = MadeRun()
    late(run, "tus").query(3.6, 3.7, offset=500).send(4, 4.51, start=500).completed(4.6)
    found = throughput(run.dataset(), bin_s=0.5)
    assert found.rates["tus"][:6] == (0,) * 6
    assert found.rates["tus"][6] == pytest.approx(980, rel=0.001)
    assert sum(found.rates["tus"]) * 0.5 == pytest.approx(1000)


def test_the_end_of_the_time_is_no_fall() -> None:
    run = MadeRun()
    upload = run.upload("plain", size=1000).send(0, 0.52, sent=500, cause=Cause.RESET)
    upload.send(1, 1.41, sent=400, cause=Cause.DEADLINE).censored(1.41)
    [stairs] = staircases(run.dataset())
    assert [offset for _, offset in stairs.points] == [0, 500, 0, 0, 400]


def test_an_upload_begun_again_falls_too() -> None:
    run = MadeRun()
    upload = run.upload("tus", size=1000).send(0, 1, sent=500, cause=Cause.RESET).query(1, 1.1, offset=500)
    upload.send(1.1, 2, start=500, sent=200, cause=Cause.RESET).query(2, 2.1, status=404)
    upload.send(3, 4.5, start=0).completed(4.5, restarts=1)
    [stairs] = staircases(run.dataset())
    assert [point for point in stairs.points if point[0] == 3.0] == [(3.0, 700.0), (3.0, 0.0)]


def test_the_climb_follows_the_links_rate() -> None:
    run = MadeRun()
    run.upload("tus", size=500).send(0, 1.01).completed(1.01)
    [stairs] = staircases(type(run.dataset()).of(run.records(), weather=stepped()))
    assert near(stairs, [(0, 0), (0.2, 190), (0.7, 190), (1.01, 500)])


def test_times_count_from_the_links_start() -> None:
    run = MadeRun()
    run.link("tus", 0, 5.0)
    run.fault("reset", 6.5, arm="tus")
    run.upload("tus", started=6).send(6, 7.01).censored(60)
    [stairs] = staircases(run.dataset())
    assert stairs.points[0] == (1, 0)
    assert stairs.faults[0].t == 1.5
    assert stairs.finished is None


@pytest.mark.parametrize("weather", [Redrawn(), Redrawn(windy={0: steady(None)})])
def test_on_an_unknown_or_unlimited_link_the_climb_is_straight(weather: Redrawn) -> None:
    run = MadeRun()
    run.upload("tus", size=500).send(0, 2, moved=1.5).completed(2)
    [stairs] = staircases(type(run.dataset()).of(run.records(), weather=weather))
    assert stairs.points == ((0, 0), (1.5, 500), (2, 500))


def test_one_survival_curve_for_each_arm_with_its_censorings() -> None:
    run = MadeRun(users=4)
    for user, second in enumerate((10, 20, 30)):
        run.upload("tus", user=user).send(0, second).completed(second)
    run.upload("tus", user=3).send(0, 60).censored(60)
    plain, tus = survival_curves(run.dataset())
    assert (plain.arm, plain.n, plain.times) == ("plain", 0, ())
    assert (tus.arm, tus.n, tus.times, tus.censored) == ("tus", 4, (10, 20, 30), (60,))
    assert tus.shares == pytest.approx((0.25, 0.5, 0.75))


def test_the_ideal_curve_is_of_what_the_links_could_do() -> None:
    run = MadeRun(users=2, timeline=steady(delay=0.5))
    run.upload("plain", user=0, size=1000).send(0, 60).censored(60)
    run.upload("plain", user=1, size=3000).send(0, 60).censored(60)
    curve = ideal_curve(run.dataset())
    assert (curve.arm, curve.times, curve.shares) == ("ideal", (2.0, 4.0), (0.5, 1.0))


def test_bytes_count_where_they_were_carried_if_they_were_kept() -> None:
    run = MadeRun()
    run.upload("plain", size=1000).send(0, 0.5, sent=400, cause=Cause.RESET).send(1, 2.01).completed(2.5)
    upload = run.upload("tus", size=1000).send(0, 0.51, sent=500, cause=Cause.RESET).query(1, 1.1, offset=450)
    upload.send(1.5, 2.06, start=450).completed(2.5)
    found = throughput(run.dataset(), bin_s=0.5)
    assert found.starts[:5] == (0, 0.5, 1, 1.5, 2)
    assert found.rates["plain"][:2] == (0, 0)
    assert found.rates["tus"][1:3] == (0, 0)
    assert found.rates["tus"][0] == 900
    for arm in ("plain", "tus"):
        assert sum(found.rates[arm]) * 0.5 == pytest.approx(1000)


def test_bytes_that_came_at_one_instant_are_not_lost() -> None:
    run = MadeRun()
    run.upload("tus", size=1000).send(0.5, 0.5).completed(3)
    found = throughput(type(run.dataset()).of(run.records(), weather=Redrawn()), bin_s=0.5)
    assert found.rates["tus"][1] == 2000
    assert sum(found.rates["tus"]) * 0.5 == 1000


def test_the_links_states_are_shares_of_the_windy_links() -> None:
    run = MadeRun(users=2, arms=("plain", "tus", "tus/calm"))
    for arm in ("plain", "tus", "tus/calm"):
        for user in range(2):
            run.upload(arm, user=user).send(0, 3).completed(3)
    run.fault("stall", 0.6, until=1.2, arm="tus", user=0)
    run.fault("stall", 0.7, until=0.8, arm="tus", user=0)
    run.fault("stall", 1.1, until=99.0, arm="plain", user=1)
    run.fault("reset", 0.1, arm="plain", user=0)
    found = throughput(run.dataset(), bin_s=0.5)
    assert found.states["stall"][:4] == (0, 0.25, 0.5, 0.25)
    assert found.states["reset"][:2] == (0.25, 0)
    assert len(found.states["stall"]) == len(found.starts) == len(found.rates["tus"])


def test_an_empty_run_draws_nothing_and_raises_nothing() -> None:
    data = MadeRun().dataset()
    assert staircases(data) == []
    assert ideal_curve(data).n == 0
    assert throughput(data).states == {}
