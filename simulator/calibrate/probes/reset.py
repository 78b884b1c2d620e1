"""The instant of a reset: asked against what the client sees."""

from __future__ import annotations

import threading

from simulator.calibrate.bench import Bench, flat, quantile
from simulator.calibrate.ends import End, broken, dial
from simulator.measure.calibration import Reading
from simulator.weather.timeline import Break

LINKS, QUICK_LINKS = 40, 12
FIRST, APART = 0.5, 0.025  # seconds
TOLERANCES = (("p50", 0.5, 0.005, 0.015), ("p95", 0.95, 0.010, 0.030))


def probe(bench: Bench) -> list[Reading]:
    """Return the median and the 95th percentile of seen less asked, one reset on each of many links."""
    count = QUICK_LINKS if bench.quick else LINKS
    instants = [FIRST + APART * n for n in range(count)]
    lines = [flat(2e6, 0.01, breaks=[Break(t, "reset", t)]) for t in instants]
    seen: dict[int, float] = {}

    def watch(n: int) -> None:
        with dial(scene.addresses[n]) as sock:
            sock.sendall(bytes(2000))
            seen[n] = broken(sock)

    with End() as server, bench.scene(lines, server) as scene:
        scene.until(0.0)
        threads = [threading.Thread(target=watch, args=(n,), daemon=True) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        late = [seen[n] - scene.t0 - t for n, t in enumerate(instants)]
    return [
        Reading(
            quantity=f"reset {name}",
            setting="seen by the client, less the instant planned",
            unit="s",
            asked=0.0,
            got=quantile(late, q),
            error_unit="s",
            error=quantile(late, q),
            quiet=quiet,
            noisy=noisy,
            n=count,
        )
        for name, q, quiet, noisy in TOLERANCES
    ]
