"""``drop-answer``: the request arrived whole, its answer is thrown away and the connection cut."""

from __future__ import annotations

from typing import Any

from simulator.links.gateway.verbs import End, How, Verb
from simulator.weather.hops import Do


def strike(do: Do, subject: Any) -> tuple[Any, tuple[Verb, ...]]:
    """End both connections, by a reset unless the step says otherwise."""
    return subject, (End(How(do.how or "reset")),)
