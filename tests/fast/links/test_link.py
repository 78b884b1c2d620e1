"""One direction of a link, by figures that can be checked by hand: 8 Mbit/s is 1 MB/s, 1500 B in 1.5 ms."""

from __future__ import annotations

import math

import pytest

from simulator.links.link import CATCH_UP, OPEN_LINE, PACKET, Direction
from simulator.weather.timeline import RateCurve

MB_S = 8e6


def direction(
    rate: float | None = MB_S, delay: float = 0.0, queue: int = 65536, curve: RateCurve | None = None
) -> Direction[str]:
    return Direction(curve or RateCurve.constant(rate), lambda _: delay, queue)


def test_one_byte_leaves_after_its_own_time_and_is_due_a_delay_later() -> None:
    link = direction(delay=0.04)
    link.push("a", 1, 2.0)
    assert link.next_wake() == pytest.approx(2.0 + 1e-6 + 0.04)
    assert link.advance(2.0) == []
    ((owner, nbytes, due),) = link.advance(2.001)
    assert (owner, nbytes, due) == ("a", 1, pytest.approx(2.040001))
    assert link.arrived(2.04) == []
    assert len(link.arrived(2.0401)) == 1


def test_a_late_wake_up_delays_nothing_that_comes_after_it() -> None:
    link = direction()
    link.push("a", 50_000, 0.0)
    left = [*link.advance(0.0301), *link.advance(0.06)]
    assert left[-1][2] == pytest.approx(0.05)


def test_an_idle_link_saves_no_time_up() -> None:
    link = direction()
    link.push("a", 1500, 0.0)
    link.push("a", 1500, 5.0)
    assert [due for *_, due in link.advance(6.0)] == [pytest.approx(0.0015), pytest.approx(5.0015)]


def test_bytes_that_come_later_do_not_hold_up_those_that_are_being_sent() -> None:
    link = direction(rate=8e4)  # 10 kB/s
    link.push("a", 100, 0.0)
    link.push("a", 1400, 0.005)
    assert [(n, due) for _, n, due in link.advance(1.0)] == [
        (100, pytest.approx(0.01)),
        (1400, pytest.approx(0.15)),
    ]


def test_a_stall_holds_bytes_and_ends_and_then_they_go_on() -> None:
    link = direction(curve=RateCurve((0.0, 1.0, 3.0), (MB_S, 0.0, MB_S)))
    link.push("a", 0, 1.5)
    link.push("b", 1000, 1.5)
    assert link.advance(2.9) == []
    assert [owner for owner, *_ in link.advance(3.1)] == ["a", "b"]


def test_an_end_keeps_its_place_behind_its_bytes() -> None:
    link = direction()
    link.push("a", 2000, 0.0)
    link.push("a", 0, 0.0)
    link.push("b", 10, 0.0)
    assert [(owner, n) for owner, n, _ in link.advance(1.0)] == [("a", 2000), ("a", 0), ("b", 10)]


def test_a_shorter_delay_overtakes_nothing() -> None:
    link: Direction[str] = Direction(RateCurve.constant(MB_S), lambda t: 0.1 if t < 1 else 0.01, 65536)
    link.push("a", 1, 0.99)
    link.push("b", 1, 1.0)
    dues = [due for *_, due in link.advance(2.0)]
    assert dues[1] == dues[0] == pytest.approx(1.09, abs=1e-4)


def test_the_queue_is_bounded_and_its_room_returns_as_bytes_leave() -> None:
    link = direction(queue=10_000)
    link.push("a", 10_000, 0.0)
    assert link.room(0.0) == 0
    assert link.room(0.005) >= 10_000 - 5_000 - PACKET
    assert link.room(1.0) == 10_000


def test_a_sender_that_waits_for_room_is_woken_before_the_queue_is_empty() -> None:
    link = direction(delay=2.0, queue=10_000)
    link.push("a", 10_000, 0.0)
    assert link.next_wake(wanted=True) == pytest.approx(0.005)
    assert link.next_wake(wanted=False) > 2.0


def test_an_unlimited_rate_is_bounded_by_what_the_delay_line_may_keep() -> None:
    link = direction(rate=None, delay=0.1)
    link.push("a", 1_000_000, 1.0)
    assert link.room(1.0) == OPEN_LINE - 1_000_000
    assert {due for *_, due in link.advance(1.0)} == {1.1}
    link.arrived(1.1)
    assert link.room(1.1) == OPEN_LINE


def test_a_wake_up_far_too_late_gives_link_time_up_and_says_how_much() -> None:
    link = direction(queue=1 << 20)
    link.push("a", 1_000_000, 0.0)
    wake = link.next_wake()
    link.advance(wake + CATCH_UP + 0.3)
    assert link.lag == pytest.approx(0.3)
    assert link.carried == pytest.approx((wake + CATCH_UP) * 1e6, abs=5001)
    link.arrived(wake + CATCH_UP + 0.3)
    link.next_wake()
    link.advance(wake + CATCH_UP + 0.3 + 0.05)
    assert link.carried == pytest.approx((wake + CATCH_UP + 0.05) * 1e6, abs=10_001)


def test_a_wake_up_a_little_late_gives_nothing_up() -> None:
    link = direction(queue=1 << 20)
    link.push("a", 1_000_000, 0.0)
    link.advance(link.next_wake() + CATCH_UP)
    assert link.lag == 0


def test_advancing_stops_at_exactly_the_bytes_it_was_told() -> None:
    link = direction()
    link.stop_at(12_345)
    link.push("a", 50_000, 0.0)
    assert link.next_wake() <= 0.012345 + 1e-9
    link.advance(0.04)
    assert link.carried == 12_345
    assert link.clock == pytest.approx(0.012345)
    link.stop_at(math.inf)
    link.advance(1.0)
    assert link.carried == 50_000


def test_a_timeline_that_begins_moves_what_is_on_its_way_into_its_own_time() -> None:
    link = direction(delay=0.5)
    link.push("a", 1, 9.8)
    link.advance(9.9)
    link.push("a", 1, 9.95)
    link.reshape(RateCurve.constant(0.0), lambda _: 0.0, shift=-10.0)
    assert link.arrived(0.2) == []
    assert [n for _, n, _ in link.arrived(0.4)] == [1]


def test_many_busy_links_move_longer_pieces() -> None:
    calm, busy = direction(), direction()
    busy.pace(0.02)
    for link in (calm, busy):
        link.push("a", 60_000, 0.0)
    assert len(busy.advance(1.0)) < len(calm.advance(1.0)) / 2


@pytest.mark.parametrize(("rate", "most"), [(1e5, 1500), (8e6, 5000), (1e8, 62500), (5e8, 65536)])
def test_a_piece_is_at_least_a_packet_and_at_most_a_few_milliseconds(rate: float, most: int) -> None:
    link = direction(rate=rate, queue=1 << 20)
    link.push("a", 1 << 20, 0.0)
    assert {n for _, n, _ in link.advance((1 << 20) * 8 / rate * 0.9)} == {most}


def test_dropping_frees_the_bottleneck_for_the_others() -> None:
    link = direction()
    link.push("a", 60_000, 0.0)
    link.push("b", 1000, 0.0)
    queued, in_line = link.drop("a", 0.01)
    assert queued + in_line == 60_000
    link.advance(0.02)
    assert [owner for owner, *_ in link.arrived(0.02)] == ["b"]
