"""What Google's resumable uploads carry: Content-Range and Range, the start's query, the final answer's JSON.

Rules are named by the Cloud Storage documentation, its page and the title of the section. The
grammars are those of RFC 9110, 14.4 Content-Range, and, for ``Range`` in an answer, which HTTP does
not know, of the documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from simulator.protocols.core import Answer
from simulator.protocols.fields import FILETYPE, field, origin, resolved, shown
from simulator.protocols.machine import Breach, Headers

UNIT = 256 * 1024  # bytes; every piece but the last is a multiple of it ("Multiple chunk upload")
RESUME_INCOMPLETE = 308
FIELDS = "name,size,mediaLink"  # of the object ("Partial responses"); a server need not hash for these

PAGE = "Cloud Storage, Perform resumable uploads"
INITIATE = f"{PAGE}: Initiate a resumable upload session"
UPLOAD = f"{PAGE}: Upload the data"
STATUS = f"{PAGE}: Check the status of a resumable upload"
OBJECT = "Cloud Storage, JSON API: Objects"

_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})", re.ASCII)


def start_target(endpoint: str, name: str) -> str:
    """Return the URL that begins a session for the object *name*, beside what *endpoint* asks already."""
    parts = urlsplit(endpoint)
    octets = name.encode("utf-8", "surrogateescape")
    asked = urlencode({"uploadType": "resumable", "name": octets, "fields": FIELDS}, safe=",")
    return urlunsplit(parts._replace(query=f"{parts.query}&{asked}" if parts.query else asked, fragment=""))


def announced(size: int) -> Headers:
    """Return what a start says of the content that will follow."""
    return (("X-Upload-Content-Type", FILETYPE), ("X-Upload-Content-Length", str(size)))


def content_range(start: int, stop: int, size: int) -> tuple[str, str]:
    """Return the field for the bytes from *start* up to *stop* of *size*; for none of them, the question."""
    return "Content-Range", f"bytes {start}-{stop - 1}/{size}" if stop > start else f"bytes */{size}"


def rounded_up(piece: int | None) -> int | None:
    """Return the piece to send, a multiple of ``UNIT``; None is all that is left."""
    return None if piece is None else -(-piece // UNIT) * UNIT


def kept(headers: Headers, rule: str, *, known: int, reached: int, size: int) -> int | Breach:
    """Return how many bytes a 308 says are kept, or the breach that it is.

    Without ``Range`` nothing is. ``known`` is the highest offset acknowledged so far, ``reached`` the
    end of what was ever sent, ``size`` the representation's; all in bytes.
    """
    text = field(headers, "range")
    if text is None:
        return Breach(rule, f"Range is gone, {known} bytes were kept before") if known else 0
    match = _RANGE.fullmatch(text)
    if match is None:
        return Breach(rule, f"Range is {shown(text)}, not bytes=0-N")
    first, offset = int(match[1]), int(match[2]) + 1
    if first != 0:
        return Breach(rule, f"Range is {shown(text)} and does not begin at 0")
    if offset > size:
        return Breach(rule, f"Range {shown(text)} lies beyond the length {size}")
    if offset < known:
        return Breach(rule, f"Range decreased from {known} bytes to {offset}")
    if offset > reached:
        return Breach(rule, f"Range {shown(text)} lies beyond {reached}, the end of what was sent")
    return offset


def whole_breach(answer: Answer, rule: str, *, reached: int, size: int) -> Breach | None:
    """Return the breach when an answer cannot mean that all *size* bytes are stored."""
    if answer.status not in (200, 201):
        return Breach(rule, f"success is answered {answer.words}, not 200 or 201")
    if reached < size:
        return Breach(rule, f"{answer.words} says complete: only {reached} of {size} bytes were sent")
    stored = resource(answer).get("size", str(size))
    if str(stored) != str(size):
        return Breach(OBJECT, f"size is {shown(str(stored))}, the upload has {size} bytes")
    return None


def resource(answer: Answer) -> Mapping[str, Any]:
    """Return the object's resource in an answer's content, empty when there is none."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return {}
    return said if isinstance(said, dict) else {}


def media(answer: Answer, session: str, endpoint: str) -> str | None:
    """Return where the object can be read, when the answer says so and it is at *endpoint*'s origin."""
    link = resource(answer).get("mediaLink")
    url = resolved(session, link) if isinstance(link, str) and link else None
    return url if url is not None and origin(url) == origin(endpoint) else None
