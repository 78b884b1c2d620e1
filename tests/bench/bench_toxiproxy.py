"""Prints how punctual and how true the engine on the real toxiproxy is, which it installs first.

    python tests/bench/bench_toxiproxy.py [--seconds 10]

Every link changes its rate once a second, in both directions, and is saturated upwards.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulator.errors import PartDied
from simulator.links import client_send_buffer
from simulator.links.engine import EngineEvent, LinkSpec
from simulator.links.toxiproxy import ToxiproxyEngine
from simulator.weather.timeline import Break, RateCurve, Timeline
from tests.contracts.check_engine import flat, happened
from tests.helpers import loads

MBIT = 10**6
WARM = 1.0  # seconds before anything is counted


def row(what: str, asked: str, got: str) -> None:
    sys.stdout.write(f"  {what:<44}{asked:>18}{got:>44}\n")
    sys.stdout.flush()


def restless(seconds: float, rate: float = MBIT) -> Timeline:
    """Return a link whose rate changes once a second between two values."""
    times = tuple(float(t) for t in range(int(seconds + WARM) + 2))
    return flat(delay=0.04, curve=RateCurve(times, tuple(rate * (1 + n % 2) / 2 for n in range(len(times)))))


def stalling(seconds: float, rate: float = MBIT) -> Timeline:
    """Return a link that stands still for half of every second."""
    times = tuple(t / 2 for t in range(2 * int(seconds + WARM) + 4))
    curve = RateCurve(times, tuple(rate if n % 2 == 0 else 0.0 for n in range(len(times))))
    breaks = [Break(t, "stall", t + 0.5) for t in times[1::2]]
    return flat(delay=0.04, curve=curve, breaks=breaks)


def measure(what: str, n: int, line: Timeline, spread: float, seconds: float) -> None:
    """Play *line* on *n* links whose starts are spread over *spread* seconds."""
    with loads.process(loads.swallow) as sink, ToxiproxyEngine() as engine:
        target, begun = sink.recv(), time.monotonic()
        addresses = engine.open([LinkSpec(str(i), "g", line, target) for i in range(n)])
        opened = time.monotonic() - begun
        t0 = time.monotonic() + 0.2
        for i in range(n):
            engine.start(str(i), t0 + spread * i / n)
        length = seconds + WARM
        with loads.process(loads.push, list(addresses.values()), client_send_buffer(line), length) as pusher:
            pids = [engine.pid, *(child.pid for child in psutil.Process(engine.pid).children())]
            time.sleep(WARM)
            first, cpu = time.monotonic(), [loads.cpu_seconds(pid) for pid in pids]
            pusher.recv()
            last = time.monotonic()
            said = _heard(engine)  # first of all: an engine that died says why
            shares = [(loads.cpu_seconds(p) - c) / (last - first) for p, c in zip(pids, cpu, strict=True)]
        carried = [sum(n for _, n in each) for each in loads.counted(sink, first, last)]
    possible = [
        line.uplink.carried(first - t0 - spread * i / n, last - t0 - spread * i / n) for i in range(n)
    ]
    said = [*happened(said, "change"), *happened(said, "fault")]
    row(what, "", f"opened in {opened:.2f} s")
    for word in ("issued", "done"):
        late = [(event[word] - event["planned"]) * 1e3 for event in said]
        p50, p99 = (loads.quantile(late, q) for q in (0.5, 0.99))
        got = f"p50 {p50:.1f}, p99 {p99:.1f}, most {max(late):.1f} ms"
        row(
            f"  {word} after planned, {len(late)} changes", "p99 under 20 ms" if word == "issued" else "", got
        )
    row("  carried over the rate curve, all links", "1", f"{sum(carried) / sum(possible):.3f}")
    row("  CPU of conductor and toxiproxy", "", " and ".join(f"{share:.2f}" for share in shares) + " cores")


def _heard(engine: ToxiproxyEngine) -> list[EngineEvent]:
    """Return all that the engine has said. Raises ``PartDied``."""
    said: list[EngineEvent] = []
    give_up = time.monotonic() + 2
    while time.monotonic() < give_up:
        said += engine.events(0.5)
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds = parser.parse_args().seconds
    command = [sys.executable, "-m", "simulator", "engines", "install", "toxiproxy"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    row("what", "asked", "got")
    for what, n, line, spread in (
        ("40 links, a change a second", 40, restless(seconds), 1.0),
        ("40 links, all at the same instant", 40, restless(seconds), 0.0),
        ("40 links, a stall a second", 40, stalling(seconds), 1.0),
        ("200 links, a change a second", 200, restless(seconds), 1.0),
    ):
        try:
            measure(what, n, line, spread, seconds)
        except PartDied as error:
            row(what, "", str(error))


if __name__ == "__main__":
    main()
