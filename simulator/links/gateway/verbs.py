"""What passes a hop, and what the core tells the shell to do with it. Frozen data, no sockets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, Self

Fields = tuple[tuple[bytes, bytes], ...]
BODILESS = (204, 304)  # statuses whose answers end with their head (RFC 9112, "Message Body Length")


@dataclass(frozen=True)
class _WithFields:
    fields: Fields

    def get(self, name: str) -> str | None:
        """Return the values of a field joined by commas, None without one (RFC 9110, "Field Lines")."""
        wanted = name.lower().encode()
        found = [value.decode("latin-1") for key, value in self.fields if key.lower() == wanted]
        return ", ".join(found) if found else None

    def without(self, *names: str) -> Self:
        """Return this head without the fields *names*."""
        unwanted = {name.lower().encode() for name in names}
        return replace(self, fields=tuple(row for row in self.fields if row[0].lower() not in unwanted))


@dataclass(frozen=True)
class Head(_WithFields):
    """A request's head."""

    method: str
    target: str
    length: int | None  # of the body; None when it is chunked


@dataclass(frozen=True)
class AnswerHead(_WithFields):
    """The head of an answer, interim or final."""

    status: int
    reason: bytes = b""

    @property
    def length(self) -> int | None:
        """Return the announced length of the body, None when there is none to be read."""
        said = self.get("content-length")
        return int(said) if said is not None and said.isdecimal() else None


@dataclass(frozen=True)
class Interim:
    """A 1xx answer other than 100, and how many of them came before it in this exchange."""

    head: AnswerHead
    number: int


class How(Enum):
    """How both connections end."""

    RESET = "reset"  # RST
    CLOSE = "close"  # FIN
    SILENCE = "silence"  # never: nothing is read or written again


@dataclass(frozen=True)
class Fired:
    """A step took effect, with so many bytes of the request's body forwarded."""

    step: str
    action: str
    body: int


@dataclass(frozen=True)
class Forward:
    """Send this request's head on."""

    head: Head


@dataclass(frozen=True)
class Pass:
    """Send these bytes of a body on, the way they came."""

    data: bytes


@dataclass(frozen=True)
class PassAnswer:
    """Send the head of the final answer on."""

    head: AnswerHead


@dataclass(frozen=True)
class PassInterim:
    """Send a 1xx answer on, after ``delay`` seconds or with the final answer if that comes before."""

    head: AnswerHead
    delay: float = 0.0


@dataclass(frozen=True)
class Reply:
    """Answer in the server's place. ``then`` of None keeps the connection if the request is whole."""

    status: int
    reason: bytes
    fields: Fields
    body: bytes
    then: Literal["keep", "close", "reset"] | None = None


@dataclass(frozen=True)
class End:
    """End both connections."""

    how: How


@dataclass(frozen=True)
class Stall:
    """Move nothing, either way, for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Pace:
    """From here on, send the body on this way at so many bytes per second."""

    rate: float


@dataclass(frozen=True)
class Hold:
    """Take the whole request in before any of it is sent on."""


@dataclass(frozen=True)
class Delay:
    """Let an interim answer wait so many seconds."""

    seconds: float


Verb = Fired | Forward | Pass | PassAnswer | PassInterim | Reply | End | Stall | Pace | Hold | Delay
LAST = (Reply, End)  # after these nothing of the exchange is the script's affair
