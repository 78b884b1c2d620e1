"""The weather that is drawn has the figures that its profile states."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from simulator.weather import Timeline, draw, load_profile
from simulator.weather.census import Census, census
from simulator.weather.layers import Streams, outages
from simulator.weather.tables import Availability

USERS = 500
FEWER = 200


@lru_cache(maxsize=4)
def drawn(name: str) -> tuple[Timeline, ...]:
    profile = load_profile(name)
    return tuple(draw(profile, 1, user) for user in range(USERS))


def counted(name: str) -> Census:
    return census(drawn(name), 60.0)


def test_mobile_flaky_ends_a_connection_about_every_ten_seconds() -> None:
    assert counted("mobile-flaky").ending_every_s == pytest.approx(10, rel=0.05)


def test_about_a_third_of_the_ends_on_mobile_flaky_are_silent() -> None:
    assert counted("mobile-flaky").silent_share == pytest.approx(1 / 3, abs=0.03)


def test_short_stalls_come_between_the_ends_on_mobile_flaky() -> None:
    # These are the numbers that the head of the profile's file states.
    got = counted("mobile-flaky")
    assert got.stall_every_s == pytest.approx(5, rel=0.05)
    assert got.stall_median_s == pytest.approx(0.6, abs=0.1)
    assert got.down_share == pytest.approx(0.19, abs=0.01)
    assert got.uplink_mean == pytest.approx(2.1e6, rel=0.05)


def test_the_rate_of_mobile_flaky_is_the_ar_process_that_it_states() -> None:
    rate, link = load_profile("mobile-flaky").weather.rate, load_profile("mobile-flaky").link
    assert rate is not None and link.up is not None
    calm = [draw(load_profile("mobile-flaky"), 1, user, calm=True).uplink for user in range(FEWER)]
    series = np.array([[float(curve.at(k + 0.5) or 0) for k in range(60)] for curve in calm])
    logs = np.log(series / link.up)
    clipped = series >= rate.ceiling * link.up
    assert np.median(series) == pytest.approx(link.up, rel=0.04)
    assert series.max() == rate.ceiling * link.up
    assert clipped.mean() == pytest.approx(stats.norm.sf(math.log(4) / 0.786), abs=0.01)
    assert np.corrcoef(logs[:, :-1].ravel(), logs[:, 1:].ravel())[0, 1] == pytest.approx(0.75, abs=0.02)
    assert np.std(logs[:, 0]) == pytest.approx(0.77, abs=0.06)  # begun in its stationary law
    assert np.std(logs[:, -1]) == pytest.approx(0.77, abs=0.06)


def test_the_resets_are_a_poisson_process_with_a_mean_of_ten_seconds() -> None:
    lines = [draw(load_profile("resets"), 1, user, horizon=2000.0) for user in range(60)]
    gaps = [b.t - a.t for line in lines for a, b in pairwise(line.breaks)]
    assert counted("resets").ending_every_s == pytest.approx(10, rel=0.05)
    assert np.mean(gaps) == pytest.approx(10, rel=0.05)
    assert np.std(gaps) / np.mean(gaps) == pytest.approx(1, abs=0.05)
    firsts = [line.breaks[0].t for line in drawn("resets")]
    assert stats.kstest(firsts, "expon", args=(0, 10)).pvalue > 0.01


def test_the_resets_profile_has_nothing_but_resets_at_a_constant_rate() -> None:
    for line in drawn("resets"):
        assert {item.kind for item in line.breaks} <= {"reset"}
        assert (line.uplink.rates, line.delay.values, line.jitter.spread) == ((2_000_000,), (0.02,), 0.0)


@pytest.mark.parametrize("name", ["clean", "wifi"])
def test_a_profile_without_weather_has_no_break(name: str) -> None:
    got = counted(name)
    assert (got.ending_every_s, got.stall_every_s, got.down_share) == (math.inf, math.inf, 0.0)


def test_only_the_clean_profile_passes_unshaped() -> None:
    assert all(line.unlimited for line in drawn("clean"))
    assert not drawn("wifi")[0].unlimited


def test_the_rate_of_lte_spreads_as_its_traces_do() -> None:
    calm = [draw(load_profile("lte"), 1, user, calm=True).uplink for user in range(FEWER)]
    rates = [float(curve.at(k + 0.5) or 0) / 1e6 for curve in calm for k in range(0, 60, 4)]
    low, half, high = np.percentile(rates, [25, 50, 75])
    assert half == pytest.approx(6.0, rel=0.06)
    assert high / low == pytest.approx(8.4 / 3.5, rel=0.1)


def test_outages_follow_their_zones_and_lengths() -> None:
    """In the long run: the mean time up between outages, and the mixture of lengths."""
    layer = load_profile("mobile-flaky").weather.availability
    assert layer is not None
    spans = [list(outages(layer, Streams(1, "long", user), 3000.0)) for user in range(40)]
    up = [b[0] - a[1] for line in spans for a, b in pairwise(line)]
    lengths = [stop - start for line in spans for start, stop in line]
    # GOOD two thirds of the time at 1/6 s, BAD one third at 1/3 s: an outage every 4.5 s of time up.
    assert np.mean(up) == pytest.approx(4.5, rel=0.05)
    assert np.median(lengths) == pytest.approx(0.63, rel=0.05)
    assert np.mean([length > 4.0 for length in lengths]) == pytest.approx(0.04 * 0.5, abs=0.005)
    assert max(lengths) <= 15.0 + 1e-6


def test_outages_cluster_by_zone() -> None:
    """Counts in windows vary more than those of a Poisson process with the same mean."""
    layer = Availability.model_validate(
        {
            "good": "60 s",
            "bad": "25 s",
            "outage_every_good": "60 s",
            "outage_every_bad": "5 s",
            "outages": [{"share": 1.0, "length": "100 ms"}],
        }
    )
    counts = [sum(1 for _ in outages(layer, Streams(1, "driving", user), 60.0)) for user in range(USERS)]
    assert np.mean(counts) == pytest.approx(60 * (60 / 60 + 25 / 5) / 85, rel=0.1)
    assert np.var(counts) > 2 * np.mean(counts)


def test_a_census_counts_what_lies_in_its_time() -> None:
    line = draw(load_profile("resets"), 1, 0)
    got = census([line, line], 60.0)
    resets = sum(item.t < 60 for item in line.breaks)
    assert (got.links, got.seconds) == (2, 120.0)
    assert got.ending_every_s == 60 / resets
    assert got.uplink_mean == 2e6
