"""A cut after N bytes: what the server has of each connection."""

from __future__ import annotations

from simulator.calibrate.bench import Bench, flat
from simulator.calibrate.ends import End, Flood
from simulator.measure.calibration import Reading
from simulator.rng import rng
from simulator.weather.timeline import Break

CUTS, QUICK_CUTS = 20, 4
MOST = 150_000  # bytes


def probe(bench: Bench) -> list[Reading]:
    """Return the largest difference between the bytes asked and the bytes at the server."""
    count = QUICK_CUTS if bench.quick else CUTS
    sizes = rng(1, "calibration", 0, "cut").integers(1, MOST, count).tolist()
    off = [_one(bench, int(size)) - int(size) for size in sizes]
    worst = max(off, key=abs)
    return [
        Reading(
            quantity="cut-after",
            setting=f"bytes at the server less bytes asked, of 1 to {MOST} B; the worst",
            unit="B",
            asked=0,
            got=worst,
            error_unit="B",
            error=worst,
            quiet=0,
            noisy=0,
            n=count,
        )
    ]


def _one(bench: Bench, size: int) -> int:
    line = flat(20e6, breaks=[Break(0.0, "cut-after", 600.0, connection_bytes=size)])
    with End() as server, bench.scene([line], server) as scene:
        scene.until(0.0)
        with Flood(scene.addresses[0], 2 * MOST):
            return server.ended().nbytes
