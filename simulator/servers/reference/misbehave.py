"""Words for behaving badly on purpose: tests and demonstrations need a server that is wrong in a known way.

``--misbehave WORD[=VALUE]``; ``WAYS`` says what each word does and which value it takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.errors import UsageError
from simulator.servers.reference.habit import Habit
from simulator.servers.reference.habits import (
    AcceptCorrupt,
    Buffer,
    Corrupt,
    Forget,
    Hold,
    Lock,
    No104,
    Regress,
    WrongOffset,
)
from simulator.servers.reference.messages import Interim
from simulator.units import parse_duration, parse_size


@dataclass(frozen=True, slots=True)
class Way:
    """One word: what it does, how its value is read and what it must be; ``default`` of None: it is needed.

    ``least`` and ``most`` bound the value, ``wanted`` says in words what it is.
    """

    summary: str
    make: Callable[[float], Habit]
    parse: Callable[[str], float] | None = None
    default: float | None = 0.0
    least: float = 0.0
    most: float = math.inf
    wanted: str = ""


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"'{text}' is not a whole number")
    return int(text)


def _duration(summary: str, make: Callable[[float], Habit], default: float | None = None) -> Way:
    return Way(summary, make, parse_duration, default, 0.001, 86400.0, "from 1 ms to 24 h, such as 30s")


_FORGET = "every N-th cut makes the server forget the upload: 404"
_CORRUPT = "byte N of every upload is stored wrong"
_CLAIM = "queries claim so much more than is stored"
_BUSY = "in its place comes a 102, again and again after so long"
_A_SIZE = "from 1 B to 1000000 GB, such as '1 kB'"

WAYS = {
    "lock": _duration("an upload whose request was cut is answered 423 for so long", Lock),
    "buffer": Way("content is stored at its request's end: a cut loses all of it", Buffer),
    "forget": Way(_FORGET, Forget, _count, 1, 1, 10**6, "from 1 to 1000000"),
    "regress": Way("a query tells half of what was promised before", Regress),
    "no-104": Way("no interim answers", No104),
    "accept-corrupt": Way("wrong checksums and digests are taken for right", AcceptCorrupt),
    "corrupt": Way(_CORRUPT, Corrupt, _count, 0, 0, 10**15, "the number of a byte, from 0"),
    "wrong-offset": Way(_CLAIM, WrongOffset, parse_size, 1000, 1, 10**15, _A_SIZE),
    "slow-finish": _duration("the answer that completes an upload waits so long", Hold),
    "silent": Way("the answer that completes an upload never comes", lambda _value: Hold(math.inf)),
    "endless-1xx": _duration(_BUSY, lambda every: Hold(math.inf, Interim(102), every), default=0.1),
}


def habits(words: Sequence[str]) -> tuple[Habit, ...]:
    """Return what *words* ask for. Raises ``UsageError`` for what makes no sense."""
    names = [word.partition("=")[0] for word in words]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"'{name}' is given twice", where="--misbehave")
    return tuple(_habit(word) for word in words)


def _habit(word: str) -> Habit:
    name, equals, text = word.partition("=")
    way = WAYS.get(name)
    if way is None:
        raise UsageError(f"'{name}' is no way to misbehave", where="--misbehave", mend=", ".join(WAYS))
    if not equals:
        if way.default is None:
            raise UsageError(
                f"'{name}' needs a value", where="--misbehave", mend=f"{name}=VALUE, {way.wanted}"
            )
        return way.make(way.default)
    if way.parse is None:
        raise UsageError(f"'{name}' takes no value", where="--misbehave")
    try:
        value = way.parse(text)
    except ValueError as exc:
        raise UsageError(str(exc), where=f"--misbehave {name}") from exc
    if not way.least <= value <= way.most:
        raise UsageError(f"'{text}' is out of reach", where=f"--misbehave {name}", mend=way.wanted)
    return way.make(value)


def explained() -> str:
    """Return all words with what each does, for help texts."""
    return "; ".join(
        f"{name}{'' if way.parse is None else '=VALUE' if way.default is None else '[=VALUE]'}: {way.summary}"
        for name, way in WAYS.items()
    )
