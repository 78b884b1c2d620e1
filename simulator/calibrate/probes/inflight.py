"""What a cut costs: bytes that the link had carried, less what reached the server."""

from __future__ import annotations

from simulator.calibrate.bench import QUEUE, Bench, flat
from simulator.calibrate.ends import End, Flood
from simulator.measure.calibration import Reading
from simulator.weather.timeline import Break, Timeline

RATE, DELAY, CUT = 8e6, 0.040, 1.0  # bit/s, seconds each way, seconds
SOCKETS = 64 * 1024  # bytes: what the sockets behind the link may hold
CUTS, QUICK_CUTS = 5, 1


def probe(bench: Bench) -> list[Reading]:
    """Return the most bytes in flight at a reset of a saturated connection."""
    count = QUICK_CUTS if bench.quick else CUTS
    lines = [flat(RATE, DELAY, breaks=[Break(CUT + 0.1 * n, "reset", CUT + 0.1 * n)]) for n in range(count)]
    lost = [_one(bench, line) for line in lines]
    allowed = QUEUE + SOCKETS
    worst = max(lost)
    return [
        Reading(
            quantity="in flight",
            setting=f"carried less stored at a reset; asked is the queue and {SOCKETS} B of sockets",
            unit="B",
            asked=allowed,
            got=worst,
            error_unit="B",
            error=max(0.0, worst - allowed, -worst),
            quiet=0,
            noisy=0,
            n=count,
            note="carried by the engine's own count, or by the link's curve where an engine has none",
        )
    ]


def _one(bench: Bench, line: Timeline) -> float:
    with End() as server, bench.scene([line], server) as scene:
        scene.until(0.0)
        with Flood(scene.addresses[0], int(RATE)):
            stored = server.ended().nbytes
        ends = scene.events("connection", 1) if scene.counts() else []
    carried = float(ends[0]["carried_up"]) if ends else line.uplink.carried(0.0, line.breaks[0].t)
    return carried - stored
