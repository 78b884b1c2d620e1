"""A timeline as toxics and changes of them: what is played, in which order, and what must never be."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from simulator.links.toxiproxy.changes import (
    CHUNK,
    NO_LIMIT,
    PACKET,
    UNLIMITED,
    Change,
    moves,
    play_of,
    rate_setting,
)
from simulator.weather import draw, load_profile
from simulator.weather.faults import FAULTS, Old
from simulator.weather.timeline import Break, Jitter, RateCurve, StepCurve, Timeline


def timeline(
    *breaks: Break,
    up: RateCurve | float | None = 8e6,
    down: float | None = 8e6,
    delay: StepCurve | float = 0.0,
    jitter: float = 0.0,
) -> Timeline:
    uplink = up if isinstance(up, RateCurve) else RateCurve.constant(up)
    delays = delay if isinstance(delay, StepCurve) else StepCurve((0.0,), (delay,))
    return Timeline(60.0, uplink, RateCurve.constant(down), delays, Jitter(jitter), 65536, breaks)


def rates(changes: Sequence[Change]) -> list[tuple[float, int]]:
    return [(change.t, change.settings["bandwidth-upstream"]["rate"]) for change in changes]


def proxies(changes: Sequence[Change]) -> list[tuple[float, Old, bool, int]]:
    return [(change.t, change.old, change.begins, change.address) for change in changes]


def test_rates_come_before_delays_and_are_sliced_so_that_an_update_lets_little_pass() -> None:
    play = play_of(timeline(up=2e6, down=2e6, delay=0.04))
    assert [toxic.name for toxic in play.toxics] == [
        "slicer-upstream",
        "bandwidth-upstream",
        "latency-upstream",
        "slicer-downstream",
        "bandwidth-downstream",
        "latency-downstream",
    ]
    assert play.first["slicer-upstream"]["average_size"] == PACKET


def test_what_a_link_does_not_do_has_no_toxic() -> None:
    assert play_of(timeline(up=None, down=None)).toxics == ()
    only_up = play_of(timeline(up=2e6, down=None))
    assert {toxic.stream for toxic in only_up.toxics} == {"upstream"}
    fast = play_of(timeline(up=1e9, down=1e9))
    assert {toxic.type for toxic in fast.toxics} == {"bandwidth"}
    assert fast.slices == {"upstream": CHUNK, "downstream": CHUNK}


def test_an_unlimited_link_that_stalls_has_a_rate_that_nothing_reaches() -> None:
    curve = RateCurve((0.0, 1.0, 2.0), (None, 0.0, None))
    play = play_of(timeline(Break(1.0, "stall", 2.0), up=curve, down=None))
    assert play.first["bandwidth-upstream"] == {"rate": UNLIMITED}
    assert rates(play.changes) == [(1.0, 0), (2.0, UNLIMITED)]


@pytest.mark.parametrize(
    ("rate", "setting"), [(None, UNLIMITED), (0, 0), (1, 1), (8000, 1), (2_100_000, 262), (2_104_001, 263)]
)
def test_a_rate_is_rounded_and_is_a_stall_only_when_it_is_one(rate: float | None, setting: int) -> None:
    assert rate_setting(rate) == setting


def test_where_rate_0_does_not_stall_the_least_rate_has_to() -> None:
    curve = RateCurve((0.0, 1.0, 2.0), (4e6, 0.0, 4e6))
    play = play_of(timeline(Break(1.0, "stall", 2.0), up=curve), stall=1)
    assert rates(play.changes) == [(1.0, 1), (2.0, 500)]
    assert play.still["bandwidth-upstream"] == {"rate": 1}


def test_a_spike_is_a_change_of_the_delay_in_whole_milliseconds() -> None:
    delay = StepCurve((0.0, 1.0, 1.2), (0.04, 0.12, 0.04))
    play = play_of(timeline(Break(1.0, "spike", 1.2), delay=delay, jitter=0.02))
    assert play.first["latency-upstream"] == {"latency": 40, "jitter": 20}
    assert [(c.t, c.settings["latency-downstream"]["latency"]) for c in play.changes] == [
        (1.0, 120),
        (1.2, 40),
    ]


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_what_ends_connections_ends_the_proxy_and_another_takes_over(kind: str) -> None:
    play = play_of(timeline(Break(1.0, kind, 1.0)))
    assert proxies(play.changes) == [(1.0, Old.CLOSE, True, 0)]


def test_a_link_that_is_down_has_no_proxy_until_it_is_up() -> None:
    play = play_of(timeline(Break(1.0, "down", 3.0), Break(2.0, "reset", 2.0)))
    assert proxies(play.changes) == [
        (1.0, Old.CLOSE, False, 0),
        (2.0, Old.KEEP, False, 0),
        (3.0, Old.KEEP, True, 0),
    ]


def test_a_move_leaves_the_old_proxy_behind_and_serves_another_address() -> None:
    curve = RateCurve((0.0, 1.0, 2.0), (4e6, 0.0, 4e6))
    line = timeline(Break(1.0, "handover", 2.0), Break(3.0, "reset", 3.0), up=curve)
    play = play_of(line)
    assert proxies(play.changes) == [
        (1.0, Old.FREEZE, True, 1),
        (2.0, Old.KEEP, False, 1),
        (3.0, Old.CLOSE, True, 1),
    ]
    assert play.changes[0].settings["bandwidth-upstream"] == {"rate": 0}
    assert moves(line) == [1.0]


def test_a_move_while_the_link_is_down_is_seen_when_it_is_up() -> None:
    line = timeline(Break(1.0, "down", 3.0), Break(2.0, "handover", 2.5))
    assert proxies(play_of(line).changes)[1:] == [
        (2.0, Old.KEEP, False, 1),
        (2.5, Old.KEEP, False, 1),
        (3.0, Old.KEEP, True, 1),
    ]


def test_a_link_that_is_silently_down_only_stands_still() -> None:
    curve = RateCurve((0.0, 1.0, 2.0), (4e6, 0.0, 4e6))
    changes = play_of(timeline(Break(1.0, "down-silent", 2.0), up=curve)).changes
    assert all(change.old is Old.KEEP and not change.begins for change in changes)
    assert rates(changes) == [(1.0, 0), (2.0, 500)]


def test_a_cut_after_bytes_is_a_limit_for_as_long_as_it_holds() -> None:
    cut = Break(1.0, "cut-after", 2.0, connection_bytes=1000)
    play = play_of(timeline(cut))
    assert play.toxics[-1].type == "limit_data" or "limit-upstream" in play.first
    assert play.first["limit-upstream"] == {"bytes": NO_LIMIT}
    assert [change.settings["limit-upstream"]["bytes"] for change in play.changes] == [1000, NO_LIMIT]
    assert all(change.old is Old.KEEP for change in play.changes)


def test_nothing_is_played_past_the_horizon_or_at_infinity() -> None:
    cut = Break(0.0, "cut-after", float("inf"), connection_bytes=1000)
    changes = play_of(timeline(cut, Break(61.0, "reset", 61.0))).changes
    assert [change.t for change in changes] == [0.0]


def test_a_rate_is_raised_in_two_steps_only_while_chunks_may_be_in_parts() -> None:
    play = play_of(timeline(up=2e6, down=2e6))
    slow, enough = {"rate": 14}, {"rate": 15}  # of 1460 bytes, 15 KB/s hand on all within 100 ms
    up = "bandwidth-upstream"
    assert play.settles(up, {"rate": 0}, enough)
    assert play.settles(up, slow, enough)
    assert not play.settles(up, enough, {"rate": 4000})
    assert not play.settles(up, slow, {"rate": 0})
    assert not play.settles("latency-upstream", {"latency": 40, "jitter": 0}, {"latency": 90, "jitter": 0})


def test_each_direction_is_sliced_by_its_own_rate() -> None:
    play = play_of(timeline(up=2e6, down=32e6))
    assert play.slices == {"upstream": PACKET, "downstream": 20_000}
    assert play.settles("bandwidth-downstream", {"rate": 199}, {"rate": 4000})
    assert not play.settles("bandwidth-upstream", {"rate": 199}, {"rate": 4000})


@pytest.mark.parametrize("user", range(5))
def test_every_fault_of_a_drawn_timeline_is_played_at_its_instant(user: int) -> None:
    line = draw(load_profile("mobile-flaky"), 1, user)
    play = play_of(line)
    played = [(change.t, item) for change in play.changes for item in change.breaks]
    assert sorted(item for _, item in played) == sorted(line.breaks)
    assert all(t == item.t for t, item in played)
    for change in play.changes:
        assert change.settings["bandwidth-upstream"]["rate"] == rate_setting(line.uplink.at(change.t))
    ends = [item for item in line.breaks if FAULTS[item.kind].old is not Old.KEEP]
    assert sum(change.begins for change in play.changes) == len(ends)
