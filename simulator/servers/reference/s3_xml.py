"""What the server in the box says in S3's XML, and reads of it."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from simulator.servers.reference.messages import Refusal, Reply

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
CONTENT_TYPE = "application/xml"
# What an error without a code of S3's own becomes: from the status that other protocols give it.
_CODES = {
    404: (404, "NoSuchKey"),
    405: (405, "MethodNotAllowed"),
    409: (409, "OperationAborted"),
    410: (404, "NoSuchKey"),
    413: (400, "EntityTooLarge"),
    460: (400, "BadDigest"),
    500: (500, "InternalError"),
    507: (500, "InternalError"),
}


class S3Refusal(Refusal):
    """A request that cannot be served, with the error document that says why ("Error responses")."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message)
        self.reply = error(status, code, message)


def error(status: int, code: str, message: str) -> Reply:
    """Return the answer with an error's document."""
    inner = f"<Code>{code}</Code><Message>{escape(message)}</Message><RequestId>0</RequestId>"
    return _document(status, f"<Error>{inner}</Error>")


def told(reply: Reply) -> Reply:
    """Return *reply*, an error of the core's with a document of S3's."""
    if reply.status < 400 or reply.content:
        return reply
    status, code = _CODES.get(reply.status, (reply.status, "InvalidRequest"))
    return error(status, code, reply.text)


def document(root: str, *rows: tuple[str, str | int] | str) -> Reply:
    """Return an answer with the element *root*: *rows* are children with their text, or made before."""
    inner = "".join(row if isinstance(row, str) else element(*row) for row in rows)
    return _document(200, f'<{root} xmlns="{NAMESPACE}">{inner}</{root}>')


def element(name: str, *rows: str | int | tuple[str, str | int]) -> str:
    """Return an element whose content is text, or children with theirs."""
    inner = "".join(element(*row) if isinstance(row, tuple) else escape(str(row)) for row in rows)
    return f"<{name}>{inner}</{name}>"


def _document(status: int, root: str) -> Reply:
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n{root}'.encode()
    return Reply(status, content=content, content_type=CONTENT_TYPE)


def completion(content: bytes) -> list[tuple[int, str]]:
    """Return the parts, with their ETags less the quotes, of *content*. Raises ``S3Refusal``."""
    try:
        if b"<!" in content:  # a document type: its entities may grow without bound
            raise ValueError("a document type")
        root = ElementTree.fromstring(content)
        if _local(root.tag) != "CompleteMultipartUpload":
            raise ValueError(f"<{_local(root.tag)}>")
        parts = [_part(child) for child in root if _local(child.tag) == "Part"]
    except (ElementTree.ParseError, ValueError, KeyError, LookupError) as exc:
        raise S3Refusal(400, "MalformedXML", f"this is no CompleteMultipartUpload: {exc}") from exc
    if not parts:
        raise S3Refusal(400, "MalformedXML", "an upload is completed with one part or more")
    _check_order(number for number, _ in parts)
    return parts


def _part(element: ElementTree.Element) -> tuple[int, str]:
    texts = {_local(child.tag): (child.text or "").strip() for child in element}
    return int(texts["PartNumber"]), texts["ETag"].strip('"')


def _check_order(numbers: Iterable[int]) -> None:
    before = 0
    for number in numbers:
        if number <= before:
            raise S3Refusal(400, "InvalidPartOrder", "parts must be listed in ascending order")
        before = number


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
