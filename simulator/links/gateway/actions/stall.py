"""``stall``: nothing moves either way for a while, then it goes on (STALL@n,t)."""

from __future__ import annotations

from typing import Any

from simulator.links.gateway.verbs import Stall, Verb
from simulator.weather.hops import Do


def strike(do: Do, subject: Any) -> tuple[Any, tuple[Verb, ...]]:
    """Stand still for so many seconds."""
    assert do.lasts is not None
    return subject, (Stall(do.lasts),)
