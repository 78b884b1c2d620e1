"""How late faults take hold, over all that the other probes had played."""

from __future__ import annotations

from simulator.calibrate.bench import Bench, quantile
from simulator.measure.calibration import Reading

QUIET, NOISY = 0.010, 0.050


def probe(bench: Bench) -> list[Reading]:
    """Return the 99th percentile of issued less planned, on one monotonic clock."""
    late = quantile(bench.late, 0.99) if bench.late else None
    return [
        Reading(
            quantity="lateness p99",
            setting="of each fault: issued less planned",
            unit="s",
            asked=0.0,
            got=late,
            error_unit="s",
            error=late,
            quiet=QUIET,
            noisy=NOISY,
            n=len(bench.late),
            note="" if bench.late else "the engine reported no fault",
        )
    ]
