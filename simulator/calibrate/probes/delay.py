"""The delay each way: the echo of one byte, less what was asked and what bare loopback takes."""

from __future__ import annotations

from simulator.calibrate.bench import Bench, flat, quantile
from simulator.calibrate.ends import End, dial, echo
from simulator.measure.calibration import Reading

DELAYS = (0.005, 0.040, 0.150)  # seconds each way
QUICK_DELAYS = (0.005, 0.040)
ECHOES, QUICK_ECHOES = 60, 12
RATE = 100e6  # bit/s, so that a byte's own time does not count
TOLERANCES = (("p50", 0.5, 0.001, 0.005), ("p95", 0.95, 0.003, 0.010))


def probe(bench: Bench) -> list[Reading]:
    """Return the median and the 95th percentile of the error for each delay."""
    with End(echoes=True) as server:
        with dial(server.address) as bare:
            loopback = quantile([echo(bare) for _ in range(200)], 0.5)
        delays = QUICK_DELAYS if bench.quick else DELAYS
        return [reading for delay in delays for reading in _one(bench, server, delay, loopback)]


def _one(bench: Bench, server: End, delay: float, loopback: float) -> list[Reading]:
    count = QUICK_ECHOES if bench.quick else ECHOES
    with bench.scene([flat(RATE, delay)], server) as scene, dial(scene.addresses[0]) as sock:
        echo(sock)  # the handshake's round trip
        trips = [echo(sock) - loopback for _ in range(count)]
    return [
        Reading(
            quantity=f"delay {name}",
            setting="echo of one byte, less bare loopback",
            unit="s",
            asked=2 * delay,
            got=quantile(trips, q),
            error_unit="s",
            error=quantile(trips, q) - 2 * delay,
            quiet=quiet,
            noisy=noisy,
            n=count,
        )
        for name, q, quiet, noisy in TOLERANCES
    ]
