"""``close``: FIN to both ends (FIN@n)."""

from __future__ import annotations

from typing import Any

from simulator.links.gateway.verbs import End, How, Verb
from simulator.weather.hops import Do


def strike(_do: Do, subject: Any) -> tuple[Any, tuple[Verb, ...]]:
    """Close in order."""
    return subject, (End(How.CLOSE),)
