"""``flip``: one bit of the byte at the place is changed on the way."""

from __future__ import annotations

from simulator.links.gateway.verbs import Verb
from simulator.weather.hops import Do


def strike(do: Do, subject: bytes) -> tuple[bytes, tuple[Verb, ...]]:
    """Flip bit 0, or the one that the step says."""
    return bytes([subject[0] ^ (1 << (do.bit or 0))]), ()
