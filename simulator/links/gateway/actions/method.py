"""``method``: the request is forwarded under another method, as caches turn HEAD into GET."""

from __future__ import annotations

from dataclasses import replace

from simulator.links.gateway.verbs import Head, Verb
from simulator.weather.hops import Do


def strike(do: Do, subject: Head) -> tuple[Head, tuple[Verb, ...]]:
    """Change the method."""
    assert do.to is not None
    return replace(subject, method=do.to), ()
