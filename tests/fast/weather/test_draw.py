"""One name, one draw: the same weather in any process, and no layer that disturbs another."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from simulator.weather import Profile, Timeline, draw, load_profile, profile_names
from simulator.weather.faults import FAULTS, Shape
from simulator.weather.timeline import RateCurve

SPIKES = {"kind": "spike", "every": "4 s", "for": "100 ms..300 ms", "by": "80 ms"}
SLOWS = {"kind": "slow", "every": "5 s", "for": "exponential(2 s)", "factor": 0.25}
DOWNS = {"kind": "down", "every": "20 s", "for": "1 s"}
EVENT = {"kind": "close", "at": "20 s"}


def with_weather(name: str, **layers: Any) -> Profile:
    """The shipped profile *name*, with layers replaced (None takes one out)."""
    data = load_profile(name).to_dict()
    weather = {**data.get("weather", {}), **layers}
    data["weather"] = {key: value for key, value in weather.items() if value is not None}
    data["sources"] = {}
    return Profile.from_dict(data)


@pytest.mark.parametrize("name", profile_names())
def test_ten_draws_have_one_digest(name: str) -> None:
    profile = load_profile(name)
    assert len({draw(profile, 1, 4).digest() for _ in range(10)}) == 1


def test_another_process_draws_the_same() -> None:
    words = "from simulator.weather import *; print(draw(load_profile('mobile-flaky'), 5, 2).digest())"
    other = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == draw(load_profile("mobile-flaky"), 5, 2).digest()


def test_seed_user_and_profile_each_change_the_weather() -> None:
    profile = load_profile("mobile-flaky")
    other = Profile.from_dict({**profile.to_dict(), "name": "another"})
    lines = [draw(profile, 1, 0), draw(profile, 2, 0), draw(profile, 1, 1), draw(other, 1, 0)]
    assert len({line.digest() for line in lines}) == 4


@pytest.mark.parametrize("name", profile_names())
def test_a_timeline_is_written_as_it_was_drawn(name: str) -> None:
    for user in range(5):
        line = draw(load_profile(name), 1, user)
        assert Timeline.from_dict(line.to_dict()) == line


@pytest.mark.parametrize("name", profile_names())
@pytest.mark.parametrize("user", range(4))
def test_a_longer_horizon_extends_and_changes_nothing_before(name: str, user: int) -> None:
    profile = load_profile(name)
    short, long = (draw(profile, 3, user, horizon=h) for h in (47.3, 311.0))
    assert _breaks(long, upto=47.3) == _breaks(short, upto=47.3)
    assert _steps(long.uplink, 47.3) == _steps(short.uplink, 47.3)
    assert _steps(long.downlink, 47.3) == _steps(short.downlink, 47.3)
    assert (long.jitter, long.delay.at(40.0)) == (short.jitter, short.delay.at(40.0))


@pytest.mark.parametrize(
    "extra",
    [
        {"breaks": [SPIKES, SLOWS]},
        {"breaks": [DOWNS]},
        {"events": [EVENT]},
        {"rate": None},
        {"address_changes": None},
    ],
    ids=["spikes-and-slows", "downs", "event", "no-rate", "no-address-changes"],
)
def test_a_layer_more_or_less_leaves_the_others_draws_alone(extra: dict[str, Any]) -> None:
    # Handovers come from two layers, so what the outages themselves did is told by their stalls.
    before, after = (
        draw(with_weather("mobile-flaky"), 1, 0),
        draw(with_weather("mobile-flaky", **extra), 1, 0),
    )
    outages = [item for item in before.breaks if item.kind == "stall"]
    if "address_changes" in extra:
        assert {item for item in after.breaks if item.kind == "stall"} <= set(outages)
        assert [i for i in after.breaks if i.kind == "stall" and i not in outages] == []
    else:
        assert set(before.breaks) <= set(after.breaks)
    assert len(outages) > 5
    assert after.jitter == before.jitter


def test_a_process_more_leaves_the_processes_of_other_kinds_alone() -> None:
    resets = {"kind": "reset", "every": "10 s"}
    alone = draw(with_weather("resets", breaks=[resets]), 1, 0)
    among = draw(with_weather("resets", breaks=[SPIKES, DOWNS, resets]), 1, 0)
    assert [item for item in among.breaks if item.kind == "reset"] == list(alone.breaks)


def test_two_processes_of_a_profile_do_not_strike_together() -> None:
    twins = [
        {"kind": "reset", "every": "10 s"},
        {"kind": "close", "every": "10 s"},
        {"kind": "reset", "every": "10 s"},
    ]
    times = [item.t for item in draw(with_weather("resets", breaks=twins), 1, 0).breaks]
    assert len(times) > 20
    assert len(set(times)) == len(times)


@pytest.mark.parametrize("name", profile_names())
def test_the_calm_twin_keeps_the_rate_and_has_no_fault(name: str) -> None:
    profile = load_profile(name)
    calm, real = draw(profile, 1, 0, calm=True), draw(profile, 1, 0)
    assert calm.breaks == ()
    assert calm.delay.values == (profile.link.delay,)
    assert 0 not in calm.uplink.rates
    assert (calm.jitter, calm.queue, calm.horizon) == (real.jitter, real.queue, real.horizon)
    for t, rate in zip(real.uplink.times, real.uplink.rates, strict=True):
        assert rate in (0, calm.uplink.at(t))


def test_what_a_fault_bends_is_bent_exactly_while_it_lasts() -> None:
    profile = with_weather(
        "resets", breaks=[SLOWS, SPIKES, DOWNS], events=[{"kind": "stall", "at": "7 s", "for": "2 s"}]
    )
    line = draw(profile, 1, 0)
    assert {item.kind for item in line.breaks} == {"slow", "spike", "down", "stall"}
    for t in (k * 0.05 for k in range(2400)):
        shapes = {FAULTS[b.kind].shape for b in line.breaks if b.t <= t < b.until}
        rate = 0 if Shape.STALL in shapes else 500_000 if Shape.SLOW in shapes else 2_000_000
        assert line.uplink.at(t) == rate
        assert line.delay.at(t) == (0.1 if Shape.SPIKE in shapes else 0.02)


def test_a_downlink_stalls_with_its_uplink() -> None:
    line = draw(load_profile("mobile-flaky"), 1, 0)
    stalls = [item for item in line.breaks if FAULTS[item.kind].shape is Shape.STALL]
    assert stalls
    for item in stalls:
        assert line.uplink.carried(item.t, item.until) == line.downlink.carried(item.t, item.until) == 0


def test_half_of_the_upload_is_counted_in_bytes_of_a_typical_one() -> None:
    profile = load_profile("stale-lock")
    (item,) = [b for b in draw(profile, 1, 0).breaks if b.link_bytes is not None]
    assert (item.kind, item.t, item.until, item.link_bytes) == ("handover", 0.0, 0.5, 1_500_000)
    smaller = draw(profile.with_workload(size="10 kB..30 kB"), 1, 0)
    assert [b.link_bytes for b in smaller.breaks if b.link_bytes] == [10_000]


def test_a_cut_after_bytes_holds_for_the_whole_run() -> None:
    cut = {"kind": "cut-after", "at": "0 s", "after": "1 MB"}
    (item,) = draw(with_weather("wifi", events=[cut]), 1, 0).breaks
    assert (item.connection_bytes, item.until) == (1_000_000, float("inf"))


def test_breaks_are_in_the_order_of_time() -> None:
    for user in range(20):
        times = [item.t for item in draw(load_profile("mobile-flaky"), 1, user).breaks]
        assert times == sorted(times)


def test_the_weather_reaches_past_the_last_deadline() -> None:
    profile = load_profile("mobile-flaky")
    assert draw(profile, 1, 0).horizon > 60
    assert draw(profile.with_workload(uploads=3), 1, 0).horizon > 180
    assert draw(profile.with_workload(duration_s=100), 1, 0).horizon > 160


def _breaks(line: Timeline, upto: float) -> list[Any]:
    return [item for item in line.breaks if item.t < upto]


def _steps(curve: RateCurve, upto: float) -> list[tuple[float, float | None]]:
    pairs = zip(curve.times, curve.rates, strict=True)
    return [(t, rate) for t, rate in pairs if t < upto]
