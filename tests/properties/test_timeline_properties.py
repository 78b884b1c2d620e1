"""RateCurve against brute force, and the laws that engines and virtual time lean on."""

from __future__ import annotations

import json
import math
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.weather.timeline import Break, Jitter, RateCurve, StepCurve, Timeline, merge

US = 1_000_000
MBIT = 1_000_000

rates = st.one_of(st.just(0), st.integers(1, 100 * MBIT))
open_rates = st.one_of(rates, st.none())
instants = st.integers(0, 40 * US).map(lambda us: us / US)
sizes = st.integers(1, 50_000_000)


@st.composite
def curves(draw: st.DrawFn, rate: st.SearchStrategy[int | None] = rates) -> RateCurve:
    """A curve of up to eight steps in whole microseconds, as timelines are drawn."""
    gaps = draw(st.lists(st.integers(1, 10 * US), max_size=7))
    times = [0]
    for gap in gaps:
        times.append(times[-1] + gap)
    return RateCurve(tuple(t / US for t in times), tuple(draw(rate) for _ in times))


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[float, float]]:
    pairs = draw(st.lists(st.tuples(instants, instants), max_size=6))
    return [(min(pair), max(pair)) for pair in pairs]


def brute_force(curve: RateCurve, t0: float, t1: float) -> float:
    """Integrate by cutting at every step of the curve and asking only ``at`` in the middle of each piece."""
    edges = sorted({t0, t1, *(t for t in curve.times if t0 < t < t1)})
    return sum((curve.at((a + b) / 2) or 0) * (b - a) for a, b in pairwise(edges)) / 8


def close(a: float, b: float, *, within: float = 1e-3) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=within)


@given(curves(), instants, instants)
def test_carried_agrees_with_brute_force(curve: RateCurve, a: float, b: float) -> None:
    t0, t1 = min(a, b), max(a, b)
    assert close(curve.carried(t0, t1), brute_force(curve, t0, t1))


@given(curves(open_rates), instants, instants)
def test_carried_is_infinite_exactly_across_an_unlimited_part(curve: RateCurve, a: float, b: float) -> None:
    t0, t1 = min(a, b), max(a, b)
    edges = sorted({t0, t1, *(t for t in curve.times if t0 < t < t1)})
    crosses = any(curve.at((p + q) / 2) is None for p, q in pairwise(edges))
    assert math.isinf(curve.carried(t0, t1)) == crosses


@given(curves(), instants, instants, instants)
def test_carried_adds_up(curve: RateCurve, a: float, b: float, c: float) -> None:
    t0, t1, t2 = sorted((a, b, c))
    assert close(curve.carried(t0, t1) + curve.carried(t1, t2), curve.carried(t0, t2))


@given(curves(), instants, sizes)
def test_what_is_asked_was_carried_by_the_finish(curve: RateCurve, t0: float, nbytes: int) -> None:
    done = curve.finish(t0, nbytes)
    assume(math.isfinite(done))
    assert done > t0
    assert close(curve.carried(t0, done), nbytes, within=0.02)


@given(curves(), instants, sizes)
def test_nothing_is_finished_before_its_finish(curve: RateCurve, t0: float, nbytes: int) -> None:
    done = curve.finish(t0, nbytes)
    before = min(done, 1e6) - 1e-3
    assert before <= t0 or curve.carried(t0, before) < nbytes


@given(curves(), instants, instants)
def test_the_finish_of_what_was_carried_is_no_later(curve: RateCurve, a: float, b: float) -> None:
    t0, t1 = min(a, b), max(a, b)
    carried = curve.carried(t0, t1)
    assert curve.finish(t0, carried) <= t1 + 1e-9


@given(curves(open_rates), instants, sizes, sizes)
def test_finishing_in_two_steps_is_finishing_in_one(curve: RateCurve, t0: float, a: int, b: int) -> None:
    half = curve.finish(t0, a)
    assume(math.isfinite(half))
    once, twice = curve.finish(t0, a + b), curve.finish(half, b)
    # A rounding error of a bit can be a whole stall in time, so the two are compared by what they carried.
    assert once == twice or close(curve.carried(min(once, twice), max(once, twice)), 0.0, within=0.05)


@given(curves(open_rates), instants, sizes)
def test_never_means_that_the_rest_of_the_curve_is_too_little(curve: RateCurve, t0: float, n: int) -> None:
    done = curve.finish(t0, n)
    assert math.isinf(done) == (curve.carried(t0, 1e9) < n)


@given(curves(open_rates), spans(), instants)
def test_change_touches_the_inside_of_the_spans_only(
    curve: RateCurve, inside: list[tuple[float, float]], t: float
) -> None:
    changed = curve.change(inside, lambda _: 77)
    expected = 77 if any(a <= t < b for a, b in inside) else curve.at(t)
    assert changed.at(t) == expected


@given(curves(open_rates), spans())
def test_no_step_of_a_changed_curve_repeats_the_rate_before_it(
    curve: RateCurve, inside: list[tuple[float, float]]
) -> None:
    changed = curve.change(inside, lambda _: 0)
    kept = zip(changed.rates, changed.rates[1:], strict=False)
    assert all(a != b for a, b in kept)


@given(spans(), instants)
def test_raised_adds_once_however_often_spans_overlap(spikes: list[tuple[float, float]], t: float) -> None:
    raised = StepCurve((0.0, 10.0), (0.04, 0.1)).raised(spikes, 0.08)
    base = 0.04 if t < 10 else 0.1
    assert math.isclose(raised.at(t), base + (0.08 if any(a <= t < b for a, b in spikes) else 0.0))


@given(spans(), instants)
def test_merged_spans_cover_the_same_instants_and_do_not_touch(
    given_spans: list[tuple[float, float]], t: float
) -> None:
    merged = merge(given_spans)
    assert any(a <= t < b for a, b in merged) == any(a <= t < b for a, b in given_spans)
    assert all(a[1] < b[0] for a, b in pairwise(merged))


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    times = st.integers(0, 10**9).map(lambda us: us / US)
    breaks = st.builds(
        Break,
        times,
        st.sampled_from(["stall", "reset", "handover", "cut-after"]),
        st.one_of(times, st.just(math.inf)),
        st.one_of(st.none(), st.integers(1, 10**9)),
        st.one_of(st.none(), st.integers(1, 10**9)),
    )
    return Timeline(
        horizon=draw(times),
        uplink=draw(curves(open_rates)),
        downlink=draw(curves(open_rates)),
        delay=StepCurve((0.0, 1.000001), (0.04, draw(times))),
        jitter=Jitter(draw(times), tuple(draw(st.lists(st.integers(-1000, 1000), min_size=1, max_size=4)))),
        queue=draw(st.integers(1500, 10**9)),
        breaks=tuple(draw(st.lists(breaks, max_size=4))),
    )


@given(timelines())
def test_a_timeline_survives_being_written(timeline: Timeline) -> None:
    again = Timeline.from_dict(json.loads(json.dumps(timeline.to_dict())))
    assert again == timeline
    assert again.digest() == timeline.digest()


@given(timelines(), timelines())
def test_digests_are_equal_exactly_for_equal_weather(a: Timeline, b: Timeline) -> None:
    assert (a.digest() == b.digest()) == (a == b)
