"""What tus requests carry, and whether what tus answers carry can be believed.

Rules are named by the specification (tus resumable upload protocol 1.0.0, protocol.md in
tus/tus-resumable-upload-protocol) and the title of the section.
"""

from __future__ import annotations

from simulator.protocols.core import Answer
from simulator.protocols.fields import FILETYPE, field, metadata, shown, whole_number
from simulator.protocols.machine import Breach, Headers

VERSION = "1.0.0"
CONTENT_TYPE = "application/offset+octet-stream"

TUS_RESUMABLE = "tus 1.0.0, Headers: Tus-Resumable"
UPLOAD_OFFSET = "tus 1.0.0, Headers: Upload-Offset"
UPLOAD_LENGTH = "tus 1.0.0, Headers: Upload-Length"
HEAD = "tus 1.0.0, Requests: HEAD"
PATCH = "tus 1.0.0, Requests: PATCH"
POST = "tus 1.0.0, Creation, Requests: POST"
WITH_UPLOAD = "tus 1.0.0, Creation With Upload"
EXPIRES = "tus 1.0.0, Expiration, Upload-Expires"
DELETE = "tus 1.0.0, Termination, Requests: DELETE"
CONCATENATION = "tus 1.0.0, Concatenation"


def creation_fields(size: int, filename: str) -> Headers:
    """Return what a creation says about its upload: its length, name and type."""
    return (("Upload-Length", str(size)), described(filename))


def described(filename: str) -> tuple[str, str]:
    """Return the field that says an upload's name and type.

    tuspyserver answers HEAD with 400 unless the creation carried ``filename``, so it always does.
    """
    return "Upload-Metadata", metadata((("filename", filename), ("filetype", FILETYPE)))


def stated_offset(headers: Headers, rule: str, *, known: int, reached: int, size: int) -> int | Breach:
    """Return the offset that an answer states, or the breach that it is.

    ``rule`` is the section that wants the field there. ``known`` is the highest offset acknowledged
    so far, ``reached`` the end of what was ever sent, ``size`` the representation's; all in bytes.
    """
    text = field(headers, "upload-offset")
    if text is None:
        return Breach(rule, "Upload-Offset is missing")
    offset = whole_number(text)
    if offset is None:
        return Breach(UPLOAD_OFFSET, f"Upload-Offset is {shown(text)}, not a non-negative integer")
    if offset > size:
        return Breach(UPLOAD_OFFSET, f"Upload-Offset {offset} lies beyond the length {size}")
    if offset < known:
        return Breach(rule, f"Upload-Offset decreased from {known} to {offset}")
    if offset > reached:
        return Breach(rule, f"Upload-Offset {offset} lies beyond {reached}, the end of what was sent")
    return offset


def length_breach(headers: Headers, size: int) -> Breach | None:
    """Return the breach when a query's answer states another length than the creation did."""
    text = field(headers, "upload-length")
    if text is None or whole_number(text) == size:
        return None
    return Breach(UPLOAD_LENGTH, f"Upload-Length is {shown(text)}, the upload was created with {size}")


def too_large(headers: Headers, size: int) -> str:
    """Return why an upload of *size* bytes cannot be made, by ``Tus-Max-Size``; empty when unsaid."""
    most = whole_number(field(headers, "tus-max-size") or "")
    return over(most, size) if most is not None and most < size else ""


def over(most: int, size: int) -> str:
    """Return in words that an upload is larger than its server takes."""
    return f"the server takes at most {most} bytes (Tus-Max-Size), the upload has {size}"


# Breaches that an upload survives.


def version_breach(answer: Answer) -> Breach | None:
    """Return the breach when a success does not say its version; an error may come from a hop without tus."""
    version = field(answer.headers, "tus-resumable")
    if version == VERSION:
        return None
    return Breach(TUS_RESUMABLE, "missing" if version is None else f"Tus-Resumable is {shown(version)}")


def status_breach(answer: Answer, status: int, rule: str) -> Breach | None:
    """Return the breach when a success has another status than *rule* wants."""
    if answer.status == status:
        return None
    return Breach(rule, f"success is answered {answer.words}, not {status}")


def no_length_breach(answer: Answer, *, told: bool = True) -> Breach | None:
    """Return the breach when a query's answer leaves out the length, or that it is not *told* yet."""
    if field(answer.headers, "upload-length") is not None:
        return None
    if told:
        return Breach(UPLOAD_LENGTH, "HEAD is answered without Upload-Length")
    if field(answer.headers, "upload-defer-length") == "1":
        return None
    return Breach(POST, "HEAD is answered without Upload-Defer-Length: 1")


def caching_breach(answer: Answer) -> Breach | None:
    """Return the breach when a query's answer lets itself be cached."""
    directives = field(answer.headers, "cache-control") or ""
    if "no-store" in directives.lower():
        return None
    return Breach(HEAD, "answered without Cache-Control: no-store")
