"""``age``: the connection ends at an age, whatever its progress: a gateway's limit on a request's time."""

from __future__ import annotations

from typing import Any

from simulator.links.gateway.verbs import End, How, Verb
from simulator.weather.hops import Do


def strike(do: Do, subject: Any) -> tuple[Any, tuple[Verb, ...]]:
    """End both connections, in order unless the step says otherwise."""
    return subject, (End(How(do.how or "close")),)
