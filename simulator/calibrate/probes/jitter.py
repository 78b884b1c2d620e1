"""The jitter: how far echoes scatter, against the noise that was asked."""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from collections.abc import Sequence

from simulator.calibrate.bench import Bench, flat
from simulator.calibrate.ends import End, dial, echo
from simulator.measure.calibration import Reading
from simulator.rng import rng
from simulator.weather.timeline import Jitter

DELAY, SPREAD = 0.040, 0.020  # seconds each way
LINKS = 16
ECHOES, QUICK_ECHOES = 25, 12
QUARTILES = 4 * (1 - 0.5**0.5)  # times s: of the sum of two draws, each uniform in +-s
QUIET, NOISY = 0.15, 0.30  # the estimate's own error at these counts is 6 to 9 %


def probe(bench: Bench) -> list[Reading]:
    """Return the distance between the echo's quartiles, which one hiccup of the machine does not move."""
    echoes = QUICK_ECHOES if bench.quick else ECHOES
    lines = [flat(100e6, DELAY, jitter=_noise(n)) for n in range(LINKS)]
    trips: list[float] = []
    with End(echoes=True) as server, bench.scene(lines, server) as scene:
        scene.until(0.0)
        socks = [dial(address) for address in scene.addresses]
        for sock in socks:
            echo(sock)
        for _ in range(echoes):
            trips += _round(socks)
        for sock in socks:
            sock.close()
    lower, _, upper = statistics.quantiles(trips, n=4)
    asked, got = QUARTILES * SPREAD, upper - lower
    return [
        Reading(
            quantity="jitter",
            setting=f"between the echo's quartiles, at {DELAY * 1000:.0f} +- {SPREAD * 1000:.0f} ms each way",
            unit="s",
            asked=asked,
            got=got,
            error_unit="1",
            error=got / asked - 1,
            quiet=QUIET,
            noisy=NOISY,
            n=len(trips),
        )
    ]


def _noise(n: int) -> Jitter:
    draws = rng(1, "calibration", n, "jitter").integers(-1000, 1001, 512)
    return Jitter(SPREAD, tuple(draws.tolist()))


def _round(socks: Sequence[socket.socket]) -> list[float]:
    """Return the echo of one byte over each of *socks*, all under way at once."""
    with selectors.DefaultSelector() as ready:
        begun: dict[int, float] = {}
        for sock in socks:
            begun[sock.fileno()] = time.monotonic()
            sock.sendall(b"x")
            ready.register(sock, selectors.EVENT_READ, sock)
        trips: list[float] = []
        while len(trips) < len(socks):
            for key, _ in ready.select():
                if not key.data.recv(1):
                    raise ConnectionResetError("the link ended the connection")
                trips.append(time.monotonic() - begun[key.fd])
                ready.unregister(key.data)
    return trips
