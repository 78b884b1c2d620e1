"""The probes, in the order in which they run. A new quantity is one file and one row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.calibrate.bench import Bench
from simulator.calibrate.probes import cut, delay, inflight, jitter, lateness, rate, reset, seed, stall
from simulator.measure.calibration import Reading

Probe = Callable[[Bench], list[Reading]]

PROBES: Mapping[str, Probe] = {
    "seed": seed.probe,
    "delay": delay.probe,
    "jitter": jitter.probe,
    "stall": stall.probe,
    "reset": reset.probe,
    "cut-after": cut.probe,
    "in flight": inflight.probe,
    "rate": rate.probe,
    "lateness": lateness.probe,  # last: it reads what the others had played
}
