"""What requests of Google's protocol say of their content, and of the object that it becomes.

Section titles in quotes are those of "Perform resumable uploads" in the Cloud Storage documentation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.servers.reference.messages import Head, Headers, Refusal
from simulator.servers.reference.storage import StoreError

_RANGE = re.compile(r"bytes (?:(\*)|([0-9]{1,18})-([0-9]{1,18}))/(?:(\*)|([0-9]{1,18}))")
_WITHIN = re.compile(r"\([^()]*\)|/[^,(]*")  # what a selector says of the inside of a field
_LONGEST_NAME = 1024  # bytes in UTF-8 (Cloud Storage, "Object name requirements")


@dataclass(frozen=True, slots=True)
class Span:
    """Which bytes a PUT carries, ``start`` up to ``stop``, and of how many; a ``total`` of None is not said.

    A ``start`` of None carries none: it asks how much is kept ("Check the status").
    """

    start: int | None
    stop: int
    total: int | None


def span(head: Head) -> Span:
    """Return what Content-Range says; without it the content is the whole object ("Single chunk upload")."""
    if head.length is None:
        raise Refusal(411, "a PUT needs Content-Length")
    field = head.fields.get("content-range")
    if field is None:
        return Span(0 if head.length else None, head.length, head.length)
    match = _RANGE.fullmatch(field)
    if match is None:
        raise Refusal(400, "Content-Range must be 'bytes FIRST-LAST/TOTAL' or 'bytes */TOTAL'")
    total = None if match[5] is None else int(match[5])
    if match[1]:
        return _fitting(head, Span(None, 0, total), 0)
    first, last = int(match[2]), int(match[3])
    if first > last or (total is not None and last >= total):
        raise Refusal(400, "Content-Range contradicts itself")
    return _fitting(head, Span(first, last + 1, total), last + 1 - first)


def _fitting(head: Head, said: Span, length: int) -> Span:
    if head.length != length:
        raise Refusal(400, f"Content-Range speaks of {length} bytes, the content has {head.length}")
    return said


def kept(offset: int) -> Headers:
    """Return the Range of a 308; nothing kept is no Range ("Check the status")."""
    return (("Range", f"bytes=0-{offset - 1}"),) if offset else ()


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of an object before its bytes. ``generation`` tells objects of one name apart.

    ``fields`` are those of its resource that the final answer shall have, as the query says it; empty: all.
    """

    name: str
    content_type: str
    generation: int
    fields: str = ""

    def to_text(self) -> str:
        """Return what ``described`` reads."""
        return json.dumps([self.name, self.content_type, self.generation, self.fields])


def wanted(field: str, fields: str) -> bool:
    """Return whether a partial response of *fields* has *field* (Cloud Storage, "Partial responses")."""
    names = {name.strip() for name in _WITHIN.sub("", fields).split(",")}
    return not fields or field in names or "*" in names


def described(text: str) -> Described:
    """Return what ``Described.to_text`` wrote. Raises ``StoreError`` for what some other hand wrote."""
    try:
        name, content_type, generation, fields = json.loads(text)
    except (ValueError, TypeError) as exc:
        raise StoreError("its info describes no object") from exc
    if not (
        isinstance(generation, int) and all(isinstance(one, str) for one in (name, content_type, fields))
    ):
        raise StoreError("its info describes no object")
    return Described(name, content_type, generation, fields)


def metadata(content: bytes) -> Mapping[str, Any]:
    """Return the JSON object that a start carries; refuses anything else."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Refusal(400, "the metadata of an object must be a JSON object")
    return said


def new_object(head: Head, said: Mapping[str, Any], generation: int) -> Described:
    """Return the object that a start asks for: its query comes before its metadata *said*."""
    name = head.query.get("name") or said.get("name")
    kind = said.get("contentType") or head.fields.get("x-upload-content-type") or "application/octet-stream"
    if not (isinstance(name, str) and _is_name(name)):
        raise Refusal(400, f"an object needs a name of up to {_LONGEST_NAME} bytes, without line ends")
    if not (isinstance(kind, str) and kind.isascii() and kind.isprintable()):
        raise Refusal(400, "contentType is no media type")
    return Described(name, kind, generation, head.query.get("fields", ""))


def _is_name(name: str) -> bool:
    try:
        length = len(name.encode())
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return False
    return 0 < length <= _LONGEST_NAME and not set(name) & {"\r", "\n"}
