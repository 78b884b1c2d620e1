"""A calibration's verdicts: what held, what held on a busy machine only, and what failed."""

from __future__ import annotations

import pytest

from simulator.measure.calibration import Calibration, Reading, TheoryRow


def reading(error: float | None, quiet: float = 0.01, noisy: float = 0.05) -> Reading:
    got = None if error is None else 1e6 * (1 + error)
    return Reading(
        quantity="rate",
        setting="one saturated connection",
        unit="bit/s",
        asked=1e6,
        got=got,
        error_unit="1",
        error=error,
        quiet=quiet,
        noisy=noisy,
        n=1,
    )


def row(
    expected: float, low: float | None, value: float, high: float | None, bound: bool = False
) -> TheoryRow:
    return TheoryRow(
        quantity="amplification",
        arm="plain",
        unit="1",
        expected=expected,
        value=value,
        low=low,
        high=high,
        n=60,
        bound=bound,
    )


def calibration(readings: list[Reading], theory: list[TheoryRow]) -> Calibration:
    return Calibration(
        engine="embedded",
        started="2026-11-25T02:57:10+00:00",
        simsim="0.1.0",
        quick=False,
        seconds=100.0,
        readings=readings,
        theory=theory,
    )


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (0.0, "held"),
        (-0.01, "held"),
        (0.011, "noisy"),
        (-0.05, "noisy"),
        (0.051, "failed"),
        (None, "not had"),
    ],
)
def test_a_reading_is_judged_by_the_size_of_its_error(error: float | None, verdict: str) -> None:
    assert reading(error).verdict == verdict


def test_where_nothing_is_allowed_one_byte_fails() -> None:
    assert reading(0.0, 0, 0).verdict == "held"
    assert reading(1.0, 0, 0).verdict == "failed"


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [(1.5, "held"), (1.4, "held"), (1.35, "near"), (1.29, "failed"), (1.81, "failed")],
)
def test_theory_fails_only_beyond_twice_the_interval(expected: float, verdict: str) -> None:
    assert row(expected, 1.4, 1.5, 1.65).verdict == verdict


def test_a_bound_holds_from_below_however_far() -> None:
    assert row(1.08, 1.0, 1.001, 1.002, bound=True).verdict == "held"
    assert row(1.08, 1.07, 1.09, 1.1, bound=True).verdict == "failed"


def test_without_an_interval_theory_is_not_had() -> None:
    assert row(1.5, None, 1.5, None).verdict == "not had"


def test_the_quote_counts_what_was_had_and_names_what_failed() -> None:
    found = calibration([reading(0.0), reading(0.03), reading(None)], [row(1.2, 1.4, 1.5, 1.65)])
    assert not found.held
    assert found.quote() == (
        "engine embedded calibrated 2026-11-25 02:57:10 UTC: 2 of 3 checks held; failed: amplification"
    )
    assert calibration([reading(0.03)], []).held
