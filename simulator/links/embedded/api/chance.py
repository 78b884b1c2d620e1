"""Which connections a toxic strikes, and what else chance decides: every draw has a name.

A draw is a function of (seed, proxy, connection number, toxic) alone, so the same requests and
connections give the same faults again, whatever else goes on. As simulator/rng.py, but without
numpy, whose import the loop would have to wait for.
"""

from __future__ import annotations

import hashlib
import random

NOISE = 1024  # steps of jitter before it repeats


def stream(seed: int, *name: object) -> random.Random:
    """Return the generator of that *name*."""
    return random.Random(_entropy(seed, *name))


def share(seed: int, proxy: str, number: int, toxic: str) -> float:
    """Return the draw in [0, 1) that decides whether *toxic* strikes connection *number* of *proxy*."""
    return (_entropy(seed, proxy, number, toxic) >> 203) / 2**53


def noise(seed: int, proxy: str, way: str) -> tuple[int, ...]:
    """Return the jitter of one way of *proxy* as thousandths of its spread, -1000 to 1000."""
    draws = stream(seed, proxy, "jitter", way)
    return tuple(draws.randint(-1000, 1000) for _ in range(NOISE))


def _entropy(seed: int, *name: object) -> int:
    named = "\0".join(map(str, (seed, *name)))
    return int.from_bytes(hashlib.sha256(named.encode(errors="replace")).digest(), "big")
