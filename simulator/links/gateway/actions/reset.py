"""``reset``: RST to both ends (RST@n)."""

from __future__ import annotations

from typing import Any

from simulator.links.gateway.verbs import End, How, Verb
from simulator.weather.hops import Do


def strike(_do: Do, subject: Any) -> tuple[Any, tuple[Verb, ...]]:
    """Reset."""
    return subject, (End(How.RESET),)
