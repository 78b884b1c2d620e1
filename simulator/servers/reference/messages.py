"""What passes between the shell and the core: request heads, replies, and how fields are read."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

Headers = tuple[tuple[str, str], ...]

_DIGITS = re.compile(r"[0-9]{1,18}")  # 18 digits stay below 2**63 and refuse signs, spaces, underscores
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one request.

    Field names are lower case, and repeated fields are joined by commas (RFC 9110, "Field Order").
    ``length`` is that of the content; None when only its end will tell (chunked). ``scheme`` is that
    of the connection.
    """

    method: str
    target: str
    fields: Mapping[str, str]
    length: int | None
    scheme: str = "http"

    @property
    def origin(self) -> str:
        """Return scheme, host and port as the client knows them; empty when it does not say the host."""
        host = self.fields.get("host", "")
        return f"{self.scheme}://{host}" if host else ""

    @property
    def query(self) -> Mapping[str, str]:
        """Return the parameters of the target's query, decoded; of one given twice, the last."""
        return dict(parse_qsl(query_of(self.target), keep_blank_values=True))

    @property
    def media_type(self) -> str:
        """Return what Content-Type says, in lower case and without its parameters; empty when absent."""
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()

    def number(self, name: str) -> int | None:
        """Return the field *name* as a non-negative integer, None when absent; refuses anything else."""
        text = self.fields.get(name)
        if text is None:
            return None
        if _DIGITS.fullmatch(text) is None:
            raise Refusal(400, f"{name} must be a non-negative integer")
        return int(text)


@dataclass(frozen=True, slots=True)
class Reply:
    """A final answer. Its content is ``content``, or ``text``, or ``size`` bytes of the blob ``stored`` from
    its byte ``start`` on.
    """

    status: int
    headers: Headers = ()
    text: str = ""
    stored: str | None = None
    size: int = 0
    start: int = 0
    content: bytes = b""
    content_type: str = ""

    @property
    def body(self) -> bytes:
        """Return the content that is at hand."""
        return self.content or (f"{self.text}\n".encode() if self.text else b"")

    @property
    def media_type(self) -> str:
        """Return what Content-Type says, empty for nothing."""
        return self.content_type or ("text/plain; charset=utf-8" if self.text else "")

    def plus(self, headers: Headers) -> Reply:
        """Return the reply with *headers* before its own."""
        return replace(self, headers=headers + self.headers)


@dataclass(frozen=True, slots=True)
class Interim:
    """An answer before the final one, of status 100 to 199 (RFC 9110, "Informational 1xx")."""

    status: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Later:
    """A final answer that is to be held back for ``seconds`` (infinity: for ever).

    With ``meanwhile`` that interim answer goes out every ``every`` seconds until then.
    """

    reply: Reply
    seconds: float
    meanwhile: Interim | None = None
    every: float = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a protocol sees it.

    ``name`` is what follows the protocol's path; ``fresh`` is an id that no upload has, should one be
    made; ``now`` is in seconds since the epoch.
    """

    head: Head
    name: str
    fresh: str
    now: float


class Refusal(Exception):
    """A request that cannot be served, with the answer it gets."""

    def __init__(self, status: int, text: str, headers: Headers = ()) -> None:
        super().__init__(text)
        self.reply = Reply(status, headers, text)


def path_of(target: str) -> str:
    """Return the path of a request target or URL, in origin or absolute form, without its query."""
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.partition("?")[0].partition("#")[0]


def query_of(target: str) -> str:
    """Return the query of a request target or URL, as it came."""
    return target.partition("#")[0].partition("?")[2]


def octets(text: str) -> bytes | None:
    """Return the bytes that *text* is the Base64 of, None when it is not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def http_date(seconds: float) -> str:
    """Return *seconds* since the epoch in IMF-fixdate (RFC 9110, "Date/Time Formats"); no locale."""
    at = datetime.fromtimestamp(int(seconds), UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} GMT"
