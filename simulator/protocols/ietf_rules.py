"""Whether what an answer in resumable uploads for HTTP says can be believed, and which rule it breaks.

Rules are named by the draft of the interop version and the title of the section.
"""

from __future__ import annotations

from simulator.protocols.core import Answer
from simulator.protocols.dialects import Dialect
from simulator.protocols.fields import field
from simulator.protocols.ietf_fields import absent, limits_of, says_complete, stated_integer
from simulator.protocols.machine import Breach, Headers, Send

OFFSET = "upload-offset"
LENGTH = "upload-length"


def stated_offset(headers: Headers, rule: str, *, known: int, reached: int, size: int) -> int | Breach | None:
    """Return the offset that an answer states, the breach that it is, or None when it states none.

    ``known`` is the highest offset acknowledged so far, ``reached`` the highest that can be believed,
    ``size`` the representation's length; all in bytes.
    """
    offset = stated_integer(headers, OFFSET)
    if offset is None:
        return None
    if offset > size:
        return Breach(rule, f"Upload-Offset {offset} lies beyond the length {size}")
    if offset < known:
        return Breach(rule, f"Upload-Offset decreased from {known} to {offset}")
    if offset > reached:
        return Breach(rule, f"Upload-Offset {offset} lies beyond {reached}, the end of what was sent")
    return offset


def length_breach(headers: Headers, dialect: Dialect, size: int) -> Breach | None:
    """Return the breach when a query's answer states another length than the creation did."""
    length = stated_integer(headers, LENGTH)
    if length is None or length == size or not dialect.length:
        return None
    rule = dialect.rule(dialect.retrieval)
    return Breach(rule, f"Upload-Length is {length}, the upload was created with {size}")


def query_breaches(answer: Answer, dialect: Dialect) -> tuple[Breach, ...]:
    """Return what is wrong with a query's answer and does not keep its offset from being used."""
    rule = dialect.rule(dialect.retrieval)
    told = (
        (answer.status not in dialect.query_statuses, f"success is answered {answer.words}"),
        (
            says_complete(answer.headers, dialect) is None,
            absent(answer.headers, dialect.completeness.lower()),
        ),
        (
            dialect.length_in_query and stated_integer(answer.headers, LENGTH) is None,
            absent(answer.headers, LENGTH),
        ),
        (
            dialect.limits_in_query and limits_of(answer.headers, dialect) is None,
            absent(answer.headers, "upload-limit"),
        ),
    )
    return tuple(Breach(rule, evidence) for broken, evidence in told if broken)


def part_breaches(asked: Send, answer: Answer, dialect: Dialect, rule: str) -> tuple[Breach, ...]:
    """Return what is wrong with the success of a request that left the upload incomplete."""
    said = says_complete(answer.headers, dialect)
    first = asked.start == 0 and asked.method == "POST"
    told = (
        (
            dialect.partial_status not in (None, answer.status),
            f"a part is answered {answer.words}, not {dialect.partial_status}",
        ),
        (
            said is None and not (first and not dialect.offset_in_answers),
            absent(answer.headers, dialect.completeness.lower()),
        ),
        (
            dialect.offset_in_answers and stated_integer(answer.headers, OFFSET) is None,
            absent(answer.headers, OFFSET),
        ),
    )
    return tuple(Breach(rule, evidence) for broken, evidence in told if broken)


def whole_breaches(answer: Answer, dialect: Dialect, rule: str) -> tuple[Breach, ...]:
    """Return what is wrong with the success of the append that carried the rest."""
    said = says_complete(answer.headers, dialect)
    name = dialect.completeness
    told = (
        (said is False, f"a success for the rest says {name}: {field(answer.headers, name.lower())}"),
        (said is None and dialect.append_says_who, absent(answer.headers, name.lower())),
        (
            dialect.offset_in_answers and stated_integer(answer.headers, OFFSET) is None,
            absent(answer.headers, OFFSET),
        ),
    )
    return tuple(Breach(rule, evidence) for broken, evidence in told if broken)
