"""``blackhole``: silence both ways, the connection never closed, new ones pass (BLACKHOLE@n)."""

from __future__ import annotations

from typing import Any

from simulator.links.gateway.verbs import End, How, Verb
from simulator.weather.hops import Do


def strike(_do: Do, subject: Any) -> tuple[Any, tuple[Verb, ...]]:
    """Fall silent."""
    return subject, (End(How.SILENCE),)
