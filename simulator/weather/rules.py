"""What a profile may not say: the limits of its figures, and the rules that need more than one value.

``LIMITS`` holds for options of the command line as well: what cannot be written cannot be typed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import AfterValidator

from simulator.errors import did_you_mean
from simulator.weather.faults import FAULTS, Old, Shape
from simulator.weather.quantities import Refused, duration_text, size_text
from simulator.weather.sizes import parse_sizes

LONGEST_RUN = 86400.0  # seconds; a timeline is drawn whole, so its length must have an end
MARGIN = 30.0  # seconds past the last deadline that are drawn too, for uploads that begin late
MANY = 10.0  # steps a second: more is the weather's doing, and not that of a long or large workload
MOST_STEPS = 200_000  # of one user's timeline: about 4 s of drawing
MOST_STEPS_IN_ALL = 2_000_000  # of all users' timelines: drawn before the run, in about 40 s
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Limit:
    """The least and the most that a figure may be, in its unit in memory, and how people write them."""

    low: float
    high: float
    words: str
    shown: Callable[[Any], str] = "{:g}".format


def _whole(low: int, high: int) -> Limit:
    return Limit(low, high, f"from {low} to {high}", str)


def _seconds(low: float, high: float, words: str) -> Limit:
    return Limit(low, high, f"from {words}", _quoted)


def _quoted(seconds: float) -> str:
    return f"'{duration_text(float(seconds))}'" if math.isfinite(seconds) else str(seconds)


LIMITS = {
    "users": _whole(1, 100_000),
    "uploads": _whole(1, 10_000),
    "spawn_rate": Limit(0.01, 10_000, "from 0.01 to 10000 users a second"),
    "duration": _seconds(0.1, LONGEST_RUN, "100 ms to 24 h"),
    "deadline": _seconds(0.1, LONGEST_RUN, "100 ms to 24 h"),
    "connect_timeout": _seconds(0.05, 3600, "50 ms to 1 h"),
    "stall_timeout": _seconds(0.05, 3600, "50 ms to 1 h"),
    "blocked_wait": _seconds(0.01, 3600, "10 ms to 1 h"),
    "backoff": _seconds(0, 3600, "0 s to 1 h"),
    "retries": _whole(0, 1_000_000),
    "piece": Limit(1024, 10**12, "from 1 KiB to 1000 GB", lambda value: f"'{size_text(value)}'"),
    "seed": _whole(0, 2**63 - 1),
    "workers": _whole(1, 256),
}


def refuse_outside(name: str, value: float) -> None:
    """Refuse a *value* of the figure *name* that is out of its limits."""
    limit = LIMITS[name]
    if not limit.low <= value <= limit.high:
        raise Refused(f"{limit.shown(value)} is out of reach", limit.words)


def within(name: str) -> AfterValidator:
    """Return what holds a figure of a table, or each of several, to its limits."""

    def check(value: Any) -> Any:
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None:
                refuse_outside(name, each)
        return value

    return AfterValidator(check)


def drawable(steps_per_second: Mapping[str, float], seconds: float, users: int) -> None:
    """Refuse weather of so many steps that it would take minutes to draw; the keys say what brings them."""
    rate = sum(steps_per_second.values())
    each = rate * seconds
    if each > MOST_STEPS:
        count, whose, most, key = each, "one user", MOST_STEPS, "workload.deadline"
    else:
        count, whose, most, key = each * users, f"{users} users", MOST_STEPS_IN_ALL, "workload.users"
    if count > most:
        raise Refused(
            f"the weather of {whose} for {duration_text(round(seconds))} would have about {count:.2g} steps, "
            f"more than {most}",
            "rarer events, shorter deadlines or fewer users",
            key=max(steps_per_second, key=steps_per_second.__getitem__) if rate > MANY else key,
        )


def usable_name(name: str) -> str:
    """Return *name* when a folder can be named after it."""
    if not _NAME.fullmatch(name):
        raise Refused(f"'{name}' cannot name a folder", "letters, digits, '.', '_' and '-', at most 64")
    return name


def usable_size(text: str) -> str:
    """Return *text* when it says how large uploads are."""
    parse_sizes(text)
    return text


def known_fault(kind: str) -> str:
    """Return *kind* when the fault table has it."""
    if kind not in FAULTS:
        raise Refused(f"unknown fault '{kind}'", did_you_mean(kind, FAULTS))
    return kind


def sum_to_one(shares: Sequence[float], key: str) -> None:
    """Refuse *shares* that leave something over or out."""
    total = math.fsum(shares)
    if abs(total - 1) > 1e-9:
        raise Refused(f"the shares sum to {total:g}", "they must sum to 1", key=key)


def thresholds_rise(thresholds: Sequence[float]) -> None:
    """Refuse rows of consequences that leave short outages out or contradict each other."""
    if thresholds and thresholds[0] != 0:
        raise Refused(
            "the shortest outages have no consequence", 'begin with over = "0 s"', "consequences.0.over"
        )
    for i, (a, b) in enumerate(pairwise(thresholds), start=1):
        if b <= a:
            raise Refused(
                "is not more than the row before", "put the rows in rising order", f"consequences.{i}.over"
            )


def fits_its_kind(kind: str, figures: Mapping[str, object]) -> None:
    """Refuse a fault without a figure that its row needs, or with one that it has no use for."""
    row = FAULTS[kind]
    wants = {
        "for": row.lasts,
        "factor": row.shape is Shape.SLOW,
        "by": row.shape is Shape.SPIKE,
        "after": row.by_bytes,
    }
    for key, wanted in wants.items():
        if wanted and figures[key] is None and not (key == "for" and row.by_bytes):
            raise Refused(f"'{kind}' needs it", f"add {key} = {_EXAMPLES[key]}", key=key)
        if figures[key] is not None and not wanted:
            raise Refused(f"'{kind}' has no use for it", f"take '{key}' out", key=key)


_EXAMPLES = {"for": '"2 s"', "factor": "0.2", "by": '"80 ms"', "after": '"1 MB"'}


def strikes_at_an_instant(kind: str) -> None:
    """Refuse a kind that is struck by a byte count where instants are drawn."""
    if FAULTS[kind].by_bytes:
        raise Refused(f"'{kind}' is struck by bytes, not by time", "put it under weather.events", key="kind")


def can_wait_for_bytes(kind: str) -> None:
    """Refuse to place by bytes what must be drawn into the curves beforehand."""
    ending = [name for name, row in FAULTS.items() if row.old is not Old.KEEP and not row.by_bytes]
    if kind not in ending:
        raise Refused(
            f"'{kind}' cannot wait for a share of the upload",
            f"a time, or one of: {', '.join(ending)}",
            key="at",
        )
