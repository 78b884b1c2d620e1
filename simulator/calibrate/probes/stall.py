"""The edges of a stall: a beacon of one byte every millisecond, against the plan."""

from __future__ import annotations

import socket
import threading

from simulator.calibrate.bench import Bench, flat
from simulator.calibrate.ends import End, dial
from simulator.measure.calibration import Reading

EVERY, LENGTH = 0.6, 0.3  # seconds: a stall begins every 0.6 s
COUNT, QUICK_COUNT = 12, 3
BEACON = 0.001  # seconds
QUIET, NOISY = 0.005, 0.025


def probe(bench: Bench) -> list[Reading]:
    """Return the 95th percentile of the error of both edges."""
    count = QUICK_COUNT if bench.quick else COUNT
    stalls = [(EVERY * (n + 1) - LENGTH, EVERY * (n + 1)) for n in range(count)]
    with End() as server, bench.scene([flat(10e6, stalls=stalls)], server) as scene:
        with dial(scene.addresses[0]) as sock:
            over = threading.Event()
            beacon = threading.Thread(target=_send, args=(sock, over), daemon=True)
            beacon.start()
            scene.until(stalls[-1][1] + 0.1)
            over.set()
            beacon.join()
        times = [t - scene.t0 for t, _ in server.arrival().marks]
    return [
        _reading("stall begins", [_last(times, begin, end) - begin for begin, end in stalls], stalls),
        _reading("stall ends", [_first(times, begin, end) - end for begin, end in stalls], stalls),
    ]


def _send(sock: socket.socket, over: threading.Event) -> None:
    while not over.wait(BEACON):
        sock.sendall(b"x")


def _last(times: list[float], begin: float, end: float) -> float:
    """Return when the last byte before the middle of a stall came."""
    return max((t for t in times if t < (begin + end) / 2), default=begin - LENGTH)


def _first(times: list[float], begin: float, end: float) -> float:
    return min((t for t in times if t > (begin + end) / 2), default=end + LENGTH)


def _reading(name: str, errors: list[float], stalls: list[tuple[float, float]]) -> Reading:
    worst = max(errors, key=abs)
    return Reading(
        quantity=name,
        setting=f"{len(stalls)} stalls of {LENGTH * 1000:.0f} ms, a beacon every millisecond; the worst",
        unit="s",
        asked=0.0,
        got=worst,
        error_unit="s",
        error=worst,
        quiet=QUIET,
        noisy=NOISY,
        n=len(errors),
    )
