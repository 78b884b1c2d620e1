"""RateCurve and its kin where a slip would hide: stalls, unlimited parts, before 0 and past the end."""

from __future__ import annotations

import math

import pytest

from simulator.weather.timeline import Break, Interval, Jitter, Rate, RateCurve, StepCurve, Timeline

STALLED = RateCurve((0.0, 2.0, 5.0), (8000.0, 0.0, 8000.0))  # 1000 B/s with a stall from 2 to 5
OPENING = RateCurve((0.0, 2.0, 3.0), (8000.0, None, 8000.0))


@pytest.mark.parametrize(
    ("curve", "t0", "t1", "expected"),
    [
        (STALLED, 0.0, 2.0, 2000.0),
        (STALLED, 2.0, 5.0, 0.0),
        (STALLED, 1.0, 6.0, 2000.0),
        (STALLED, 6.0, 1.0, 0.0),
        (STALLED, 3.0, 3.0, 0.0),
        (STALLED, -5.0, 1.0, 1000.0),
        (STALLED, -5.0, -1.0, 0.0),
        (STALLED, 100.0, 101.0, 1000.0),
        (STALLED, 0.0, math.inf, math.inf),
        (OPENING, 0.0, 2.0, 2000.0),
        (OPENING, 0.0, 2.1, math.inf),
        (OPENING, 2.5, 2.6, math.inf),
        (OPENING, 3.0, 4.0, 1000.0),
        (OPENING, -2.0, -1.0, 0.0),
        (RateCurve.constant(None), -2.0, -1.0, 0.0),
        (RateCurve.constant(None), 0.0, 1e-9, math.inf),
        (RateCurve((0.0, 1.0), (8.0, 0.0)), 0.0, math.inf, 1.0),
    ],
)
def test_carried(curve: RateCurve, t0: float, t1: float, expected: float) -> None:
    assert curve.carried(t0, t1) == expected


@pytest.mark.parametrize(
    ("curve", "t0", "nbytes", "expected"),
    [
        (STALLED, 0.0, 2000, 2.0),  # the last byte leaves before the stall, not after it
        (STALLED, 0.0, 2001, 5.001),
        (STALLED, 3.0, 1, 5.001),
        (STALLED, 3.0, 0, 3.0),
        (STALLED, 3.0, -1, 3.0),
        (STALLED, -1.0, 1000, 1.0),
        (STALLED, 50.0, 1000, 51.0),
        (STALLED, 0.0, math.inf, math.inf),
        (OPENING, 0.0, 1000, 1.0),
        (OPENING, 0.0, 10**12, 2.0),
        (OPENING, 2.5, 10**12, 2.5),
        (OPENING, 3.5, 1000, 4.5),
        (OPENING, 0.0, math.inf, 2.0),
        (RateCurve.constant(0.0), 0.0, 1, math.inf),
        (RateCurve.constant(None), 7.0, 10**15, 7.0),
        (RateCurve((0.0, 1.0), (8.0, 0.0)), 0.0, 1, 1.0),
        (RateCurve((0.0, 1.0), (8.0, 0.0)), 0.0, 2, math.inf),
        (RateCurve((0.0, 1.0), (0.0, None)), 0.0, 2, 1.0),
    ],
)
def test_finish(curve: RateCurve, t0: float, nbytes: float, expected: float) -> None:
    assert curve.finish(t0, nbytes) == pytest.approx(expected, abs=1e-9)


def test_rounding_does_not_put_the_last_byte_behind_a_stall() -> None:
    """Found by search: the bits at the start plus the bits asked are one place above the bits at the edge."""
    t0, edge = 0.64073523124, 6.226544
    curve = RateCurve((0.0, 0.861458, edge, 506.226544), (41020009, 14344887, 0, 8))
    assert curve.finish(t0, curve.carried(t0, edge)) == pytest.approx(edge, abs=1e-9)


def test_the_next_change_of_a_curve() -> None:
    assert STALLED.next_change(0.0) == 2.0
    assert STALLED.next_change(2.0) == 5.0
    assert STALLED.next_change(5.0) == math.inf
    assert STALLED.next_change(-1.0) == 2.0


@pytest.mark.parametrize(
    ("times", "values"),
    [((), ()), ((1.0,), (1.0,)), ((0.0, 0.0), (1.0, 2.0)), ((0.0, 2.0, 1.0), (1.0, 2.0, 3.0)), ((0.0,), ())],
)
def test_times_that_are_no_steps_are_refused(times: tuple[float, ...], values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="curve"):
        RateCurve(times, values)
    with pytest.raises(ValueError, match="curve"):
        StepCurve(times, values)


@pytest.mark.parametrize("rate", [-1.0, math.inf, math.nan])
def test_rates_that_no_link_has_are_refused(rate: Rate) -> None:
    with pytest.raises(ValueError, match="a rate is"):
        RateCurve.constant(rate)


@pytest.mark.parametrize(
    ("spans", "times"),
    [
        ([(-1.0, 1.0)], (0.0, 1.0)),
        ([(1.0, math.inf)], (0.0, 1.0)),
        ([(1.0, 1.0)], (0.0,)),
        ([(1.0, 2.0), (1.5, 3.0), (3.0, 4.0)], (0.0, 1.0, 4.0)),
    ],
)
def test_spans_over_the_edges(spans: list[Interval], times: tuple[float, ...]) -> None:
    assert RateCurve.constant(8.0).change(spans, lambda _: 0.0).times == times
    assert StepCurve((0.0,), (1.0,)).raised(spans, 1.0).times == times


def test_jitter_begins_again_and_never_makes_a_delay_negative() -> None:
    jitter = Jitter(0.02, (500, -1000))
    assert [jitter.at(t) for t in (0.0, 0.015, 0.02, 0.035)] == [0.01, -0.02, 0.01, -0.02]
    line = _timeline(delay=StepCurve((0.0,), (0.005,)), jitter=jitter)
    assert line.delay_at(0.015) == 0.0
    assert line.delay_at(0.0) == 0.015


def test_the_ideal_finish_adds_one_round_trip() -> None:
    line = _timeline(uplink=STALLED, delay=StepCurve((0.0, 5.0), (0.04, 0.05)))
    assert line.ideal_finish(2000) == pytest.approx(2.08)
    assert line.ideal_finish(3000) == pytest.approx(6.1)
    assert _timeline(uplink=RateCurve.constant(0.0)).ideal_finish(1) == math.inf


def test_only_a_link_without_any_shaping_is_unlimited() -> None:
    assert _timeline().unlimited
    assert not _timeline(uplink=STALLED).unlimited
    assert not _timeline(delay=StepCurve((0.0,), (0.001,))).unlimited
    assert not _timeline(jitter=Jitter(0.001)).unlimited


def test_a_break_without_an_end_can_be_written() -> None:
    cut = Break(0.0, "cut-after", math.inf, None, 1000)
    line = _timeline(breaks=(cut,))
    assert Timeline.from_dict(line.to_dict()).breaks == (cut,)


def _timeline(**parts: object) -> Timeline:
    whole = {
        "horizon": 10.0,
        "uplink": RateCurve.constant(None),
        "downlink": RateCurve.constant(None),
        "delay": StepCurve((0.0,), (0.0,)),
        "jitter": Jitter(0.0),
        "queue": 65536,
    }
    return Timeline(**{**whole, **parts})  # type: ignore[arg-type]
