"""The fields, limits and problem types of draft-ietf-httpbis-resumable-upload, and RFC 9530's digests.

All are structured fields (RFC 9651); one that is malformed, or of another type, counts as absent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Literal

import http_sf

from simulator.servers.reference.append import Running
from simulator.servers.reference.ietf_dialects import DIALECTS, INCONSISTENT, MISMATCH, Dialect
from simulator.servers.reference.messages import Head, Headers, Refusal, Reply
from simulator.servers.reference.resource import Limits

VERSION = "Upload-Draft-Interop-Version"
PARTIAL_UPLOAD = "application/partial-upload"
PROBLEM_JSON = "application/problem+json"
PROBLEM_BASE = "https://iana.org/assignments/http-problem-types#"

MOST = 10**15 - 1  # the greatest Integer of RFC 9651

# The "Active" ones of RFC 9530's registry
ALGORITHMS: dict[str, Callable[[], Running]] = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
Digest = tuple[str, bytes]


def dialect(head: Head) -> Dialect | None:
    """Return the dialect that the request names, None for none; refuses one that is not known."""
    if VERSION.lower() not in head.fields:
        return None
    named = DIALECTS.get(integer(head, VERSION) or 0)
    if named is None:
        raise Refusal(400, f"{VERSION} must be one of {', '.join(map(str, DIALECTS))}")
    return named


def integer(head: Head, name: str) -> int | None:
    """Return the field *name* as a non-negative Integer."""
    value = _item(head, name)
    return value if type(value) is int and value >= 0 else None


def boolean(head: Head, name: str) -> bool | None:
    """Return the field *name* as a Boolean."""
    value = _item(head, name)
    return value if isinstance(value, bool) else None


def complete(head: Head, dialect: Dialect) -> bool | None:
    """Return whether the content is the upload's last, None when the request does not say."""
    if not dialect.incomplete:
        return boolean(head, "Upload-Complete")
    incomplete = boolean(head, "Upload-Incomplete")
    return None if incomplete is None else not incomplete


def flag(dialect: Dialect, complete: bool) -> tuple[str, str]:
    """Return the field that says whether an upload is complete."""
    if dialect.incomplete:
        return "Upload-Incomplete", "?0" if complete else "?1"
    return "Upload-Complete", "?1" if complete else "?0"


def offset(value: int) -> tuple[str, str]:
    """Return the field that tells an offset."""
    return "Upload-Offset", str(value)


def digest(head: Head, name: str) -> Digest | None:
    """Return the first digest in the field *name* whose algorithm is known (RFC 9530)."""
    members = _dictionary(head, name)
    for algorithm in ALGORITHMS:
        value = members.get(algorithm)
        if isinstance(value, bytes):
            return algorithm, value
    return None


def digest_field(name: str, digest: Digest) -> tuple[str, str]:
    """Return the field *name* with *digest* in it."""
    return name, http_sf.ser({digest[0]: digest[1]})


def wanted(head: Head) -> str | None:
    """Return the algorithm that Want-Repr-Digest prefers of those known (RFC 9530)."""
    members = _dictionary(head, "Want-Repr-Digest")
    weights = {name: members.get(name) for name in ALGORITHMS}
    liked = {name: weight for name, weight in weights.items() if type(weight) is int and weight > 0}
    return max(liked, key=lambda name: liked[name]) if liked else None


def limits(dialect: Dialect, limits: Limits, lifetime: float | None) -> Headers:
    """Return Upload-Limit, if the dialect has it and there is something to say; *lifetime* in seconds."""
    if dialect.lifetime is None:
        return ()
    members = {
        "max-size": limits.max_size,
        "max-append-size": limits.max_append,
        dialect.lifetime: None if lifetime is None else max(0, int(lifetime)),
    }
    said = ", ".join(f"{key}={min(value, MOST)}" for key, value in members.items() if value is not None)
    text = said or dialect.unlimited
    return (("Upload-Limit", text),) if text else ()


class Problem(Refusal):
    """A refusal with a problem type (RFC 9457), where the dialect knows it."""

    def __init__(
        self, dialect: Dialect, status: int, kind: str, title: str, headers: Headers = (), **more: int
    ) -> None:
        super().__init__(status, title, (*headers, flag(dialect, False)))
        if kind in dialect.problems:
            members = {name.replace("_", "-"): value for name, value in more.items()}
            text = json.dumps({"type": PROBLEM_BASE + kind, "title": title, **members})
            self.reply = Reply(status, self.reply.headers, text, content_type=PROBLEM_JSON)


def mismatch(dialect: Dialect, expected: int, provided: int) -> Problem:
    """Return the refusal of an append at another offset ("Mismatching Offset")."""
    title = "offset from request does not match offset of resource"
    told = (offset(expected),)
    return Problem(dialect, 409, MISMATCH, title, told, expected_offset=expected, provided_offset=provided)


def inconsistent(dialect: Dialect, headers: Headers = ()) -> Problem:
    """Return the refusal of lengths that contradict each other ("Inconsistent Length")."""
    return Problem(dialect, 400, INCONSISTENT, "inconsistent length values for upload", headers)


def _item(head: Head, name: str) -> object:
    value = head.fields.get(name.lower())
    return None if value is None else _parsed(value, "item")


def _dictionary(head: Head, name: str) -> dict[str, object]:
    """Return the members of a dictionary without their parameters."""
    parsed = _parsed(head.fields.get(name.lower(), ""), "dictionary")
    return {key: member[0] for key, member in parsed.items()} if isinstance(parsed, dict) else {}


def _parsed(text: str, kind: Literal["item", "dictionary"]) -> object:
    try:
        parsed = http_sf.parse(text.encode("latin-1"), tltype=kind)
    except (http_sf.StructuredFieldError, UnicodeError):
        return None
    return parsed[0] if isinstance(parsed, tuple) else parsed
