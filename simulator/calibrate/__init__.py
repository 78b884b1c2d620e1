"""Calibration: an engine is driven with what is asked of it, and its own error is written down.

ends.py      the server's end of a probe: sinks, echoes, stamps; and the client's
probes/      one quantity each: a function of a bench that returns readings
theory.py    a run of the profile `resets` against the closed forms of measure/theory.py
result.py    the file, the chart, and the newest one found again
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from simulator import __version__
from simulator.calibrate.bench import Bench
from simulator.calibrate.probes import PROBES
from simulator.links.engines import make_engine
from simulator.measure.calibration import Calibration, Reading, TheoryRow

Told = Callable[[str], None]
Theory = Callable[[], tuple[list[TheoryRow], str]]


def measure(engine: str, *, quick: bool, told: Told, theory: Theory) -> Calibration:
    """Return what *engine* shows of itself; *told* hears what is being measured.

    Raises ``PartDied`` when the engine ends by itself, ``UsageError`` when it cannot be had.
    """
    began = time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    bench = Bench(lambda: make_engine(engine), quick=quick)
    readings: list[Reading] = []
    for name, probe in PROBES.items():
        told(name)
        readings += probe(bench)
    told("theory")
    rows, strained = theory()
    return Calibration(
        engine=engine,
        started=started,
        simsim=__version__,
        quick=quick,
        readings=readings,
        theory=rows,
        strained=strained,
        seconds=time.monotonic() - began,
    )
