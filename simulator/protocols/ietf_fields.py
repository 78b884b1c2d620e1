"""What answers in resumable uploads for HTTP carry: structured fields (RFC 9651) and problems (RFC 9457).

A field that is malformed, or of another type than its own, is ignored as if it were absent; every
draft says so of the fields it defines. The same holds for ``Upload-Limit`` when one of the keys that
it knows has a value of another type (-09 and later, Upload Limits).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import http_sf

from simulator.protocols.dialects import Dialect
from simulator.protocols.fields import field, shown
from simulator.protocols.machine import Headers

INTEROP = "Upload-Draft-Interop-Version"

PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types#"
MISMATCHING_OFFSET = PROBLEM_TYPES + "mismatching-upload-offset"
COMPLETED_UPLOAD = PROBLEM_TYPES + "completed-upload"  # -04 to -11
# draft-ietf-httpapi-digest-fields-problem-types-06
MISMATCHING_DIGEST = PROBLEM_TYPES + "digest-mismatching-values"


def stated_integer(headers: Headers, name: str) -> int | None:
    """Return the non-negative Integer that the Item field *name* (lower case) holds, else None."""
    value = _item(field(headers, name))
    return value if type(value) is int and value >= 0 else None  # a Boolean is an int, but no Integer


def stated_boolean(headers: Headers, name: str) -> bool | None:
    """Return the Boolean that the Item field *name* (lower case) holds, else None."""
    value = _item(field(headers, name))
    return value if isinstance(value, bool) else None


def says_complete(headers: Headers, dialect: Dialect) -> bool | None:
    """Return whether an answer says that the upload is complete; None when it says nothing of it."""
    value = stated_boolean(headers, dialect.completeness.lower())
    return None if value is None else value is dialect.complete_when


def same_version(headers: Headers, dialect: Dialect) -> bool:
    """Return whether a 104 is of this version: "MUST ignore" any other (Draft Version Identification)."""
    return dialect.interop is None or stated_integer(headers, INTEROP.lower()) == dialect.interop


@dataclass(frozen=True)
class Limits:
    """``Upload-Limit``. Sizes in bytes, ``max_age`` in seconds; None is no limit."""

    max_size: int | None = None
    min_size: int | None = None
    max_append: int | None = None
    min_append: int | None = None
    max_age: int | None = None

    def forbids(self, size: int, left: int) -> str:
        """Return why *left* of *size* bytes cannot be sent under these limits; empty when they can."""
        if self.max_size is not None and self.max_size < size:
            return f"Upload-Limit says max-size={self.max_size}, the upload has {size} bytes"
        smallest = max(self.min_append or 0, 1)
        if self.max_append is not None and self.max_append < min(smallest, left):
            least = f"min-append-size={self.min_append}" if self.min_append else "there is content"
            return f"Upload-Limit says max-append-size={self.max_append} while {least}"
        return ""

    def sizes(self) -> tuple[int | None, ...]:
        """Return all but the lifetime, which changes by itself."""
        return self.max_size, self.min_size, self.max_append, self.min_append


def limits_of(headers: Headers, dialect: Dialect) -> Limits | None:
    """Return the limits that an answer states; None when it has none that can be read."""
    text = field(headers, "upload-limit")
    if not dialect.limits or text is None:
        return None
    try:
        members = http_sf.parse(_octets(text), tltype="dictionary")
    except ValueError:
        return None
    assert isinstance(members, dict)
    values: dict[str, int | None] = {}
    for key, name in (*_LIMITS, (dialect.lifetime, "max_age")):
        member = members.get(key)
        value = member[0] if isinstance(member, tuple) else None
        if member is not None and (type(value) is not int or value < 0):
            return None
        values[name] = value if type(value) is int else None
    return Limits(**values)


_LIMITS = (
    ("max-size", "max_size"),
    ("min-size", "min_size"),
    ("max-append-size", "max_append"),
    ("min-append-size", "min_append"),
)


@dataclass(frozen=True)
class Problem:
    """An error's own description (RFC 9457, 3.1 Members of a Problem Details Object)."""

    type: str = ""
    title: str = ""

    @property
    def words(self) -> str:
        """What it says, for people; empty when it says nothing."""
        return shown(self.title or self.type) if self.title or self.type else ""


def problem_of(headers: Headers, body: bytes) -> Problem:
    """Return the problem in an answer's *body*; an empty one when there is none or it is no JSON object."""
    media = (field(headers, "content-type") or "").partition(";")[0].strip().lower()
    if media != "application/problem+json":
        return Problem()
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return Problem()
    members = data if isinstance(data, dict) else {}
    texts = {key: value for key in ("type", "title") if isinstance(value := members.get(key), str)}
    return Problem(**texts)


def absent(headers: Headers, name: str) -> str:
    """Return evidence that the field *name* (lower case) is missing, or what stands in its place."""
    text = field(headers, name)
    title = name.title()
    return f"{title} is missing" if text is None else f"{title} is {shown(text)}: as if absent"


def written(value: int | bool) -> str:
    """Return an Integer or Boolean as the value of an Item field."""
    return http_sf.ser(value)


def _item(text: str | None) -> object:
    if text is None:
        return None
    try:
        parsed = http_sf.parse(_octets(text), tltype="item")
    except ValueError:
        return None
    return parsed[0] if isinstance(parsed, tuple) else None


def _octets(text: str) -> bytes:
    """Return a field's value as it came: what is not ASCII is no structured field (RFC 9651, 4.2)."""
    return text.encode("latin-1", "replace")
