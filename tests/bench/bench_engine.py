"""Prints what the embedded engine was asked for and what it did, side by side.

    python tests/bench/bench_engine.py [--only rate,echo,...] [--seconds 7]

Pushing and counting happen in processes of their own. bench_against.py has what others do beside it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulator.links import client_send_buffer, in_flight_allowance
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import EngineEvent, LinkSpec
from simulator.weather.timeline import Break
from tests.contracts.check_engine import flat, happened, instant
from tests.helpers import loads, sinks

MBIT = 10**6


def row(what: str, asked: str, got: str) -> None:
    sys.stdout.write(f"  {what:<34}{asked:>20}{got:>38}\n")
    sys.stdout.flush()


def rate(seconds: float) -> None:
    for megabits in (0.1, 1, 10, 100):
        line = flat(rate=megabits * MBIT, delay=0.02, queue=max(32768, int(megabits * MBIT / 8 * 0.1)))
        with loads.process(loads.swallow) as sink, EmbeddedEngine() as engine:
            address = engine.open([LinkSpec("a", "g", line, sink.recv())])["a"]
            engine.start("a", time.monotonic())
            cpu, begin = loads.cpu_seconds(engine.pid), time.monotonic() + 2
            with loads.process(loads.push, [address], client_send_buffer(line), seconds) as pusher:
                pusher.recv()
            cpu = (loads.cpu_seconds(engine.pid) - cpu) / (megabits * MBIT / 8 * seconds / 1e9)
            sink.send(None)
            got = _rate([mark for mark in sink.recv()[0] if mark[0] > begin]) / megabits / MBIT
        row(f"rate {megabits:g} Mbit/s", "0.98 to 1.02", f"{got:.4f} ({cpu:.1f} CPU-s/GB)")


def _rate(marks: list[tuple[float, int]]) -> float:
    """Return the bit/s of all arrivals after the first, which only sets the clock."""
    return sum(n for _, n in marks[1:]) * 8 / (marks[-1][0] - marks[0][0])


def echo(_seconds: float) -> None:
    for megabits, delay in ((1, 0.02), (10, 0.02), (100, 0.0)):
        line = flat(rate=megabits * MBIT, delay=delay)
        with sinks.Echo() as server, EmbeddedEngine() as engine:
            sock = sinks.dial(engine.open([LinkSpec("a", "g", line, server.address)])["a"])
            engine.start("a", time.monotonic())
            over = []
            for _ in range(200):
                sent = time.monotonic()
                sock.sendall(b"x")
                sock.recv(1)
                over.append(time.monotonic() - sent - 2 * delay - 2 * 8 / megabits / MBIT)
                time.sleep(random.uniform(0, 0.01))
            sock.close()
        got = f"p50 {median(over) * 1e3:.2f} ms, p95 {loads.quantile(over, 0.95) * 1e3:.2f} ms"
        row(f"echo over {megabits} Mbit/s, {delay * 1e3:g} ms", "p95 under 3 ms", got)


def reset(_seconds: float) -> None:
    late, dice = [], random.Random(1)
    with sinks.Sink() as server, EmbeddedEngine() as engine:
        lines = [
            flat(rate=MBIT, delay=0.02, breaks=[instant("reset", dice.uniform(0.5, 3))]) for _ in range(60)
        ]
        specs = [LinkSpec(str(n), "g", line, server.address) for n, line in enumerate(lines)]
        addresses = engine.open(specs)
        t0 = time.monotonic()
        clients = {}
        for spec in specs:
            engine.start(spec.id, t0)
            clients[spec.id] = sinks.dial(addresses[spec.id])
        order = sorted(specs, key=lambda spec: spec.timeline.breaks[0].t)
        for spec in order:
            try:
                clients[spec.id].recv(1)
            except ConnectionResetError:
                late.append(time.monotonic() - t0 - spec.timeline.breaks[0].t)
            clients[spec.id].close()
        issued = [e["issued"] - e["planned"] for e in happened(engine.close(), "fault")]
    got = f"p50 {median(late) * 1e3:.2f} ms, p95 {loads.quantile(late, 0.95) * 1e3:.2f} ms (n {len(late)})"
    row("reset seen by the client", "p95 under 5 ms", got)
    row("  issued after planned", "p99 under 10 ms", f"p99 {loads.quantile(issued, 0.99) * 1e3:.2f} ms")


def cut_after(_seconds: float) -> None:
    dice, exact, n = random.Random(2), 0, 40
    for megabits in (None, 20 * MBIT):
        exact = 0
        with sinks.Sink() as server, EmbeddedEngine() as engine:
            sizes = [dice.randrange(1, 300_000) for _ in range(n)]
            for i, size in enumerate(sizes):
                line = flat(rate=megabits, breaks=[Break(0.0, "cut-after", 60.0, connection_bytes=size)])
                address = engine.open([LinkSpec(str(i), "g", line, server.address)])[str(i)]
                engine.start(str(i), time.monotonic())
                client = sinks.dial(address)
                sinks.send_all(client, bytes(400_000))
                exact += server.ended(i).nbytes == size
                client.close()
        row(f"cut-after, {'unlimited' if megabits is None else '20 Mbit/s'}", "exact", f"{exact} of {n}")


def in_flight(_seconds: float) -> None:
    for megabits, delay, queue in ((2, 0.04, 65536), (10, 0.02, 65536), (50, 0.01, 131072)):
        line = flat(rate=megabits * MBIT, delay=delay, queue=queue, breaks=[instant("reset", 2.5)])
        bounds = client_send_buffer(line)
        for label, send_buffer in (("ours", bounds), ("naive", None)):
            with sinks.Sink() as server, EmbeddedEngine() as engine:
                address = engine.open([LinkSpec("a", "g", line, server.address)])["a"]
                engine.start("a", time.monotonic())
                sending = sinks.send_all(sinks.dial(address, send_buffer), bytes(30_000_000))
                stored = server.ended().nbytes
                end = ended(engine)
            got = f"{end['carried_up'] - stored} (client took {sending.accepted - end['carried_up']} more)"
            asked = f"{queue + 65536}; {in_flight_allowance(line)}"
            row(f"lost at {megabits} Mbit/s, {label} client", asked, got)


def ended(engine: EmbeddedEngine) -> EngineEvent:
    events: list[EngineEvent] = []
    while not (ends := happened(events, "connection")):
        events += engine.events(5)
    return ends[0]


PARTS: dict[str, Callable[[float], None]] = {
    "rate": rate,
    "echo": echo,
    "reset": reset,
    "cut": cut_after,
    "flight": in_flight,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--seconds", type=float, default=7.0)
    options = parser.parse_args()
    row("what", "asked", "got")
    for name in options.only.split(","):
        PARTS[name](options.seconds)


if __name__ == "__main__":
    main()
