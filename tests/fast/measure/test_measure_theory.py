"""The closed forms against small simulations of what they describe, and their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.measure import theory

RATE = 1 / 8  # failures per second of carrying
SPEED = 250_000.0  # B/s: 2 Mbit/s
SIZE = 3_000_000
IDEAL = SIZE / SPEED
RECONNECT = 0.5


def restart(generator: np.random.Generator) -> tuple[float, float]:
    """Carry SIZE bytes from zero until no failure comes in between; return (bytes carried, seconds)."""
    carried = seconds = 0.0
    while True:
        failure = float(generator.exponential(1 / RATE))
        if failure >= IDEAL:
            return carried + SIZE, seconds + IDEAL
        carried += failure * SPEED
        seconds += failure + RECONNECT


def resume(generator: np.random.Generator, loss: float) -> tuple[float, float]:
    """Carry SIZE bytes, losing the last *loss* of them at each failure; return (bytes carried, seconds)."""
    kept = carried = seconds = 0.0
    while True:
        run = float(generator.exponential(1 / RATE)) * SPEED
        if run >= SIZE - kept:
            return carried + SIZE - kept, seconds + (SIZE - kept) / SPEED
        carried += run
        seconds += run / SPEED + RECONNECT
        kept += max(0.0, run - loss)


def test_restart_carries_what_the_formula_says() -> None:
    generator = np.random.Generator(np.random.PCG64(1))
    runs = np.array([restart(generator) for _ in range(20_000)])
    assert runs[:, 0].mean() / SIZE == pytest.approx(
        theory.restart_amplification(RATE / SPEED, SIZE), rel=0.03
    )
    assert runs[:, 1].mean() == pytest.approx(theory.restart_mean_time(RATE, RECONNECT, IDEAL), rel=0.03)


def test_resumption_carries_no_more_than_the_bound_and_close_to_it() -> None:
    generator, loss = np.random.Generator(np.random.PCG64(2)), 100_000.0
    runs = np.array([resume(generator, loss) for _ in range(20_000)])
    bound = theory.resume_amplification_bound(RATE / SPEED, loss)
    assert 1 + 0.8 * (bound - 1) < runs[:, 0].mean() / SIZE <= bound
    mean = theory.resume_mean_time(RATE, RECONNECT, loss / SPEED, IDEAL)
    assert runs[:, 1].mean() == pytest.approx(mean, rel=0.03)


def chunked_time(chunk: float, rate: float, overhead: float) -> float:
    """Mean seconds per byte when each piece begins again at a failure: the restart formula, per piece."""
    return theory.restart_mean_time(rate, 0.0, chunk / SPEED + overhead) / chunk


@pytest.mark.parametrize(
    ("rate", "overhead", "formula", "off"),
    [
        (0.01, 0.1, theory.optimal_chunk, 0.05),
        (0.01, 0.1, theory.optimal_chunk_daly, 0.001),
        (0.5, 0.5, theory.optimal_chunk_daly, 0.01),
    ],
)
def test_the_best_piece_is_where_the_mean_time_is_least(
    rate: float, overhead: float, formula: object, off: float
) -> None:
    chunks = np.geomspace(1e3, 1e8, 20_001)
    best = chunks[np.argmin([chunked_time(chunk, rate, overhead) for chunk in chunks])]
    assert callable(formula)
    assert formula(rate, overhead, SPEED) == pytest.approx(best, rel=off)


def test_nothing_fails_on_a_perfect_network() -> None:
    assert theory.restart_amplification(0, 1e6) == 1
    assert theory.restart_mean_time(0, 1, 7) == 7
    assert theory.resume_amplification_bound(0, 1e6) == 1
    assert theory.resume_mean_time(0, 1, 1, 7) == 7
    assert theory.optimal_chunk(0, 1, 1) == theory.optimal_chunk_daly(0, 1, 1) == math.inf


def test_rare_failures_cost_to_first_order_half_the_payload_each() -> None:
    assert theory.restart_amplification(1e-9, 1000) == pytest.approx(1 + 0.5e-6, abs=1e-12)


def test_what_no_float_holds_is_infinite() -> None:
    assert theory.restart_amplification(1.0, 1e6) == math.inf
    assert theory.restart_mean_time(1.0, 1.0, 1e6) == math.inf
    assert theory.resume_amplification_bound(0.01, 100) == math.inf


def test_pieces_that_fail_before_they_end_should_last_one_mean_time_between_failures() -> None:
    assert theory.optimal_chunk_daly(2.0, 1.0, SPEED) == SPEED / 2
