"""The rate that a link keeps, by the bytes that reach the server after the queue has filled."""

from __future__ import annotations

from contextlib import ExitStack

from simulator.calibrate.bench import Bench, flat
from simulator.calibrate.ends import Arrival, End, Flood
from simulator.measure.calibration import Reading

RATES = (0.1e6, 1e6, 10e6, 100e6)  # bit/s
QUICK_RATES = (1e6, 10e6, 100e6)
SPAN, QUICK_SPAN = (2.0, 7.0), (0.7, 2.7)  # seconds of the link's time
TOGETHER = 20e6  # bit/s: below this, links are measured side by side; all are where it must be quick
QUIET, NOISY = 0.02, 0.05


def probe(bench: Bench) -> list[Reading]:
    """Return a reading for each rate."""
    rates = QUICK_RATES if bench.quick else RATES
    slow = [rate for rate in rates if rate < TOGETHER]
    batches = [list(rates)] if bench.quick else [slow, *([rate] for rate in rates if rate >= TOGETHER)]
    return [reading for batch in batches for reading in _batch(bench, batch)]


def _batch(bench: Bench, rates: list[float]) -> list[Reading]:
    begin, end = QUICK_SPAN if bench.quick else SPAN
    with ExitStack() as stack:
        servers = [stack.enter_context(End()) for _ in rates]
        scenes = []
        for rate, server in zip(rates, servers, strict=True):
            scene = stack.enter_context(bench.scene([flat(rate, 0.01)], server))
            stack.enter_context(Flood(scene.addresses[0], int(rate * end)))
            scenes.append(scene)
        scenes[-1].until(end)
        return [
            _reading(rate, _measured(server.arrival(), scene.t0 + begin, scene.t0 + end))
            for rate, server, scene in zip(rates, servers, scenes, strict=True)
        ]


def _measured(arrival: Arrival, begin: float, end: float) -> float:
    """Return bit/s between the first and the last arrival of the span; 0 where nothing arrived."""
    marks = [mark for mark in arrival.marks if begin <= mark[0] <= end]
    if len(marks) < 2:
        return 0.0
    (first, before), (last, after) = marks[0], marks[-1]
    return (after - before) * 8 / (last - first)


def _reading(rate: float, got: float) -> Reading:
    return Reading(
        quantity="rate",
        setting="one saturated connection",
        unit="bit/s",
        asked=rate,
        got=got,
        error_unit="1",
        error=got / rate - 1,
        quiet=QUIET,
        noisy=NOISY,
        n=1,
    )
