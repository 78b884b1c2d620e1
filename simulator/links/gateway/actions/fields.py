"""``fields``: fields of a head are stripped, set, or have a text in their value replaced."""

from __future__ import annotations

from dataclasses import replace

from simulator.links.gateway.verbs import AnswerHead, Head, Verb
from simulator.weather.hops import Do


def strike(do: Do, subject: Head | AnswerHead) -> tuple[Head | AnswerHead, tuple[Verb, ...]]:
    """Strip, then replace, then set."""
    changed = do.set or {}
    rows = [_replaced(do, row) for row in subject.without(*(do.strip or ()), *changed).fields]
    rows += [(name.encode(), value.encode()) for name, value in changed.items()]
    return replace(subject, fields=tuple(rows)), ()


def _replaced(do: Do, row: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    name, value = row
    for wanted, (old, new) in (do.replace or {}).items():
        if name.lower() == wanted.lower().encode():
            value = value.replace(old.encode("latin-1", "replace"), new.encode())
    return name, value
