"""``buffer``: store and forward; the server hears of a request when all of it is here (BUFFER)."""

from __future__ import annotations

from simulator.links.gateway.verbs import Head, Hold, Verb
from simulator.weather.hops import Do


def strike(_do: Do, subject: Head) -> tuple[Head, tuple[Verb, ...]]:
    """Hold the request, if it has a body."""
    return subject, () if subject.length == 0 else (Hold(),)
