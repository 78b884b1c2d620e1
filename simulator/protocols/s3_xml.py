"""The XML of S3's multipart uploads, as a client reads and writes it.

An answer is believed only as far as it can be parsed: what is no XML, or declares a document type
(whose entities may grow without bound), says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from simulator.protocols.fields import whole_number

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
LARGEST = 65536  # bytes of an answer that are parsed: all that a driver hands over
TEXT = re.compile(r"[!-~]{1,1024}")  # what an ETag or an upload's id may be, since both are sent back


@dataclass(frozen=True, slots=True)
class Stored:
    """One part as a listing tells of it; ``size`` in bytes."""

    number: int
    size: int
    etag: str


def parsed(body: bytes, root: str) -> ElementTree.Element | None:
    """Return the element *root* that *body* is, or None when it is anything else."""
    found = document(body)
    return found if found is not None and local(found.tag) == root else None


def document(body: bytes) -> ElementTree.Element | None:
    """Return the root element of *body*, or None for what is not to be parsed.

    White space may come first: S3 sends it to keep a connection alive while it completes an upload.
    """
    text = body.strip()
    if len(text) > LARGEST or b"<!" in text:
        return None
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError):  # LookupError: an encoding nobody knows
        return None


def local(tag: str) -> str:
    """Return the name of an element without its namespace: servers differ in whether they give one."""
    return tag.rpartition("}")[2]


def text_of(element: ElementTree.Element, name: str) -> str:
    """Return the text of the child *name*, empty when it is absent."""
    return next((child.text or "" for child in element if local(child.tag) == name), "")


def error_code(body: bytes) -> str:
    """Return the ``Code`` of an error's document, empty for anything else ("Error responses")."""
    error = parsed(body, "Error")
    return "" if error is None else text_of(error, "Code")[:100]


def upload_id(body: bytes) -> str | None:
    """Return the id in an answer to CreateMultipartUpload, or None when it has none that can be used."""
    result = parsed(body, "InitiateMultipartUploadResult")
    found = "" if result is None else text_of(result, "UploadId")
    return found if TEXT.fullmatch(found) else None


def listed(body: bytes) -> tuple[Stored, ...] | None:
    """Return the parts in an answer to ListParts, None when it is no listing; senseless ones are left out."""
    result = parsed(body, "ListPartsResult")
    if result is None:
        return None
    rows = (_stored(child) for child in result if local(child.tag) == "Part")
    return tuple(row for row in rows if row is not None)


def _stored(part: ElementTree.Element) -> Stored | None:
    number, size = (whole_number(text_of(part, name).strip()) for name in ("PartNumber", "Size"))
    etag = text_of(part, "ETag").strip()
    if number is None or size is None or not TEXT.fullmatch(etag):
        return None
    return Stored(number, size, etag)


def completion(etags: Iterable[tuple[int, str]]) -> bytes:
    """Return the content of a CompleteMultipartUpload: parts by number, with the ETags they were given."""
    rows = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>" for number, etag in etags
    )
    return f'<CompleteMultipartUpload xmlns="{NAMESPACE}">{rows}</CompleteMultipartUpload>'.encode()
