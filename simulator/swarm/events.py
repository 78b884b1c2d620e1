"""What an engine reports becomes records: link ids become users and arms, instants run time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from simulator.links.engine import EngineEvent
from simulator.records import Change, Connection, Fault, Record, Sample


def record_of(event: EngineEvent, origin: float, part: str) -> Record:
    """Return the record of one event of the engine *part*; *origin* is the run's zero on CLOCK_MONOTONIC."""
    return _KINDS[event["event"]](event, origin, part)


def _whose(event: EngineEvent) -> dict[str, Any]:
    user, arm = event["link"].split(":", 1)
    return {"user": int(user), "arm": arm}


def _fault(event: EngineEvent, origin: float, _: str) -> Record:
    times = {name: event[name] - origin for name in ("issued", "done")}
    planned = event["planned"] - origin
    until = event["until"] - origin if math.isfinite(event["until"]) else planned
    counts = {name: event[name] for name in ("fault", "connections", "dropped")}
    return Fault(t=planned, until=until, **_whose(event), **times, **counts)


def _change(event: EngineEvent, origin: float, _: str) -> Record:
    times = {name: event[name] - origin for name in ("issued", "done")}
    return Change(t=event["planned"] - origin, **_whose(event), **times, what=event["what"])


def _connection(event: EngineEvent, origin: float, _: str) -> Record:
    names = ("port", "end", "carried_up", "delivered_up", "carried_down", "delivered_down")
    return Connection(
        t=event["t"] - origin,
        opened=event["opened"] - origin,
        **_whose(event),
        **{name: event[name] for name in names},
    )


def _sample(event: EngineEvent, origin: float, part: str) -> Record:
    names = ("carried_up", "late_p50", "late_p99", "lag")
    return Sample(t=event["t"] - origin, part=part, **{name: event.get(name) for name in names})


_KINDS: Mapping[str, Callable[[EngineEvent, float, str], Record]] = {
    "fault": _fault,
    "change": _change,
    "connection": _connection,
    "sample": _sample,
}
