"""What a step does when it strikes: one kind, one file, one shape.

    strike(do, subject) -> (subject, verbs)

The subject is what is at the moment's place: a request's head, an answer's head, an interim answer,
the next byte of a body, or None. What comes back takes its place (None drops an interim answer), and
the verbs are done before it passes. A strike that changes and does nothing has not fired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.links.gateway.actions import (
    age,
    blackhole,
    buffer,
    close,
    drop_answer,
    fields,
    flip,
    interim,
    method,
    reset,
    stall,
    status,
    trickle,
)
from simulator.links.gateway.verbs import Verb
from simulator.weather.hops import Do

Action = Callable[[Do, Any], tuple[Any, tuple[Verb, ...]]]

ACTIONS: Mapping[str, Action] = {
    "status": status.strike,
    "drop-answer": drop_answer.strike,
    "reset": reset.strike,
    "close": close.strike,
    "blackhole": blackhole.strike,
    "stall": stall.strike,
    "trickle": trickle.strike,
    "flip": flip.strike,
    "interim": interim.strike,
    "method": method.strike,
    "fields": fields.strike,
    "age": age.strike,
    "buffer": buffer.strike,
}
