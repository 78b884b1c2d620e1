"""``trickle``: from here on so many bytes per second of the body (TRICKLE r)."""

from __future__ import annotations

from typing import Any

from simulator.links.gateway.verbs import Pace, Verb
from simulator.weather.hops import Do


def strike(do: Do, subject: Any) -> tuple[Any, tuple[Verb, ...]]:
    """Slow down."""
    assert do.rate is not None
    return subject, (Pace(do.rate),)
