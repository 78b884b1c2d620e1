"""What a profile may not say: the rules that need more than one value, each with its mend."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from simulator.errors import did_you_mean
from simulator.weather.faults import FAULTS, Old, Shape
from simulator.weather.quantities import Refused
from simulator.weather.sizes import parse_sizes

LONGEST_RUN = 86400.0  # seconds; a timeline is drawn whole, so its length must have an end
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
