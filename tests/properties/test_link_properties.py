"""One direction of a link, under any curve, pushes and wake-ups."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.links.link import OPEN_PIECE, PACKET, SMOOTH, Direction
from simulator.weather.timeline import RateCurve

RATES = st.sampled_from([0.0, 8e3, 1e5, 1e6, 2.5e7])
STEPS = st.lists(st.tuples(st.floats(0.05, 3.0), RATES), max_size=6)
PUSHES = st.lists(
    st.tuples(st.floats(0, 0.5), st.sampled_from("ab"), st.integers(0, 9000)), min_size=1, max_size=25
)
QUEUE = 1 << 30
END = 40.0


def curve_of(first: float, steps: list[tuple[float, float]], last: float | None = None) -> RateCurve:
    times, rates = [0.0], [first]
    for length, rate in [*steps, *([(0.5, last)] if last is not None else [])]:
        times.append(times[-1] + length)
        rates.append(rate)
    return RateCurve(tuple(times), tuple(rates))


def jagged(t: float) -> float:
    """Return a delay that falls as well as rises."""
    return 0.02 + 0.01 * (int(t * 50) % 3)


CURVES = st.builds(curve_of, RATES, STEPS)
FLOWING = st.builds(curve_of, RATES, STEPS, st.just(2.5e6))


def play(
    curve: RateCurve, pushes: list[tuple[float, str, int]], wakes: list[float]
) -> tuple[Direction[str], list[tuple[str, int, float]]]:
    """Push at the given gaps, wake at *wakes* as well; return what left by the end."""
    link: Direction[str] = Direction(curve, jagged, QUEUE)
    left, now = [], 0.0
    moments: list[tuple[float, int, str, int]] = [(t, 0, "", 0) for t in wakes]
    for gap, owner, nbytes in pushes:
        now += gap
        moments.append((now, 1, owner, nbytes))
    for t, pushing, owner, nbytes in sorted(moments, key=lambda moment: moment[:2]):
        if pushing:
            link.push(owner, nbytes, t)
        else:
            left += link.advance(t)
    return link, left + link.advance(END)


@given(CURVES, PUSHES, st.lists(st.floats(0, END), max_size=20))
def test_no_byte_is_made_or_lost(
    curve: RateCurve, pushes: list[tuple[float, str, int]], wakes: list[float]
) -> None:
    link, left = play(curve, pushes, wakes)
    assert link.carried == sum(nbytes for _, nbytes, _ in left) == link.in_line
    assert link.carried + link.backlog == sum(nbytes for *_, nbytes in pushes)
    link.arrived(math.inf)
    assert link.in_line == 0


@given(CURVES, PUSHES, st.lists(st.floats(0, END), max_size=20))
def test_what_leaves_and_when_does_not_depend_on_the_wake_ups(
    curve: RateCurve, pushes: list[tuple[float, str, int]], wakes: list[float]
) -> None:
    assert play(curve, pushes, wakes)[1] == play(curve, pushes, [])[1]


@given(FLOWING, PUSHES)
def test_bytes_leave_in_the_order_of_their_coming(
    curve: RateCurve, pushes: list[tuple[float, str, int]]
) -> None:
    _, left = play(curve, pushes, [])
    went = "".join(owner * nbytes for owner, nbytes, _ in left)
    assert went == "".join(owner * nbytes for _, owner, nbytes in pushes)


@given(CURVES, PUSHES)
def test_the_delay_line_never_overtakes_itself(
    curve: RateCurve, pushes: list[tuple[float, str, int]]
) -> None:
    _, left = play(curve, pushes, [])
    assert all(a[2] <= b[2] for a, b in pairwise(left))


@given(CURVES, st.lists(st.floats(0, END), min_size=1, max_size=20))
def test_a_saturated_link_carries_what_its_curve_says_less_the_piece_on_its_way(
    curve: RateCurve, wakes: list[float]
) -> None:
    link: Direction[str] = Direction(curve, jagged, QUEUE)
    link.push("a", QUEUE, 0.0)
    for t in sorted(wakes):
        link.advance(t)
        should = curve.carried(0.0, t)
        assert should - max(PACKET, SMOOTH, OPEN_PIECE) <= link.carried <= should + 1


@given(CURVES, PUSHES, st.sampled_from("ab"), st.floats(0, 10))
def test_dropping_an_owner_leaves_the_others_whole(
    curve: RateCurve, pushes: list[tuple[float, str, int]], owner: str, t: float
) -> None:
    link: Direction[str] = Direction(curve, jagged, QUEUE)
    for n, (_, who, nbytes) in enumerate(pushes):
        link.push(who, nbytes, n * 1e-3)
    at = t + len(pushes) * 1e-3
    queued, in_line = link.drop(owner, at)
    others = sum(nbytes for _, who, nbytes in pushes if who != owner)
    assert queued + in_line == sum(nbytes for _, who, nbytes in pushes if who == owner)
    assert link.backlog + link.in_line == others
    assert all(who != owner for who, *_ in link.arrived(math.inf))
