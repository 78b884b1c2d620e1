"""What an HTTP-aware hop can do to a request: one table, a row for each kind.

A row says at which moments of an exchange the kind can strike (its own first), and which figures
it needs and takes. What it then does is one short file in ``links/gateway/actions/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Place(Enum):
    """Where in an exchange a step strikes. The values are what a script says."""

    HEAD = "head"  # the request's head is there, nothing was forwarded
    BODY = "body"  # so many bytes of the request's body were forwarded
    END = "end"  # the request was forwarded whole
    INTERIM = "interim"  # a 1xx answer other than 100 is there
    ANSWER = "answer"  # the head of the final answer is there, nothing of it was forwarded
    ANSWER_BODY = "answer body"  # so many bytes of the answer's body were forwarded
    AGE = "age"  # a connection has lived, or a request has taken, so long


@dataclass(frozen=True)
class HopKind:
    """One row. ``places[0]`` is where the kind strikes unless its step says otherwise."""

    places: tuple[Place, ...]
    words: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    names_place: bool = False  # a step must say where: there is no natural moment
    needs_byte: bool = False  # what strikes at byte n changes byte n, so it waits for it


_CUTS = (Place.HEAD, Place.BODY, Place.END, Place.ANSWER, Place.ANSWER_BODY)
_REPLIES = (Place.HEAD, Place.BODY, Place.END, Place.ANSWER)
_BODIES = (Place.BODY, Place.ANSWER_BODY)

HOP_KINDS = {
    "status": HopKind(
        _REPLIES,
        "answers by itself",
        needs=("code",),
        takes=("reason", "retry_after", "cors", "fields", "body", "then"),
    ),
    "drop-answer": HopKind((Place.ANSWER,), "discards the answer and cuts", takes=("how",)),
    "reset": HopKind(_CUTS, "resets both connections"),
    "close": HopKind(_CUTS, "ends both connections in order"),
    "blackhole": HopKind(_CUTS, "is silent both ways for ever; no connection is closed"),
    "stall": HopKind(_CUTS, "is silent both ways for a while", needs=("for",)),
    "trickle": HopKind((Place.HEAD, *_BODIES), "forwards the body so slowly from there on", needs=("rate",)),
    "flip": HopKind(_BODIES, "flips one bit of the body", takes=("bit",), names_place=True, needs_byte=True),
    "interim": HopKind((Place.INTERIM,), "drops or delays 1xx answers", takes=("keep", "delay")),
    "method": HopKind((Place.HEAD,), "forwards another method", needs=("to",)),
    "fields": HopKind(
        (Place.HEAD, Place.ANSWER), "changes fields of a head", takes=("strip", "set", "replace")
    ),
    "age": HopKind((Place.AGE,), "ends the connection at an age", needs=("after",), takes=("how", "since")),
    "buffer": HopKind((Place.HEAD,), "takes in the whole request before it forwards any of it"),
}
