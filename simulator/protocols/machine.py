"""The seam between an upload's protocol and whatever carries it: events and steps, no I/O.

    machine.next()          -> Send | Wait | Fork | Done | Failed   what to do now
    machine.receive(event)  -> the notes worth a record             what came of it

A driver calls ``next``; for a ``Send`` it makes the request and feeds back every ``Informational``
as it arrives and then exactly one ``Response`` or ``Interrupted``; for a ``Wait`` it waits and calls
``next`` again; for a ``Fork`` it runs the parts' machines side by side, each to its end, and feeds
back one ``Joined``. ``Done`` and ``Failed`` are final. The same machine runs over a socket, in virtual
time and under Hypothesis. The manner is h11's (python-hyper/h11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from simulator.records import Cause, Purpose, Why

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Checksum:
    """A field that says what the bytes of a request hash to; who has the bytes computes it.

    ``form`` is the field's value with ``{base64}`` where the digest stands, such as ``sha1 {base64}``
    (tus 1.0.0, Checksum) or ``sha-256=:{base64}:`` (RFC 9530).
    """

    field: str
    algorithm: str
    form: str


@dataclass(frozen=True, slots=True)
class Send:
    """Make one request. The body is the representation's bytes from ``start`` up to ``stop``.

    ``has_body`` tells an empty body (``Content-Length: 0``) from none. ``target`` is absolute.
    ``Content-Length`` is the transport's business and is not among ``headers``. ``content`` is a body
    of the request's own, such as a list of parts; then ``start`` equals ``stop``. ``checksum`` is of
    the body.
    """

    purpose: Purpose
    method: str
    target: str
    headers: Headers
    start: int = 0
    stop: int = 0
    has_body: bool = False
    content: bytes = b""
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for ``seconds``."""

    seconds: float
    why: Why


@dataclass(frozen=True, slots=True)
class Done:
    """The server has the whole representation and said so. ``location`` is where it is, if known."""

    location: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The upload cannot be finished by this client."""

    why: str


@dataclass(frozen=True, slots=True)
class Fork:
    """Run every one of ``parts`` to its end, ``at_once`` of them at a time, each on requests of its own.

    A part's ``Send.start`` and ``stop`` count in the whole representation.
    """

    parts: tuple[Machine, ...]
    at_once: int


Step = Send | Wait | Fork | Done | Failed


@dataclass(frozen=True, slots=True)
class Informational:
    """A 1xx answer. Header names are lower case."""

    status: int
    headers: Headers


@dataclass(frozen=True, slots=True)
class Response:
    """A final answer, whole. ``sent`` is how many body bytes had gone out when it came.

    ``body`` is its content, or the first 64 KiB of it.
    """

    status: int
    headers: Headers
    sent: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The attempt ended before its answer was whole. ``sent`` is how many body bytes the socket took."""

    cause: Cause
    sent: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Every part of a ``Fork`` came to its end; ``ends`` are in the parts' order."""

    ends: tuple[Done | Failed, ...]


Event = Informational | Response | Interrupted | Joined


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Note: the server said that it stored everything from ``start`` up to ``offset``."""

    offset: int
    source: Literal["final", "interim", "query"]
    start: int = 0


@dataclass(frozen=True, slots=True)
class Breach:
    """Note: the server broke ``rule`` (specification and section title); ``evidence`` shows how."""

    rule: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """Note: the upload begins again from byte 0, because ``why``."""

    why: str


Note = Acknowledged | Breach | Restarted


class Machine(Protocol):
    """One upload in one protocol."""

    @property
    def offset(self) -> int:
        """Return how many bytes the server acknowledged, as far as this client knows."""
        ...

    def next(self) -> Step:
        """Return what to do now. Raises ``RuntimeError`` while an answer is still awaited."""
        ...

    def receive(self, event: Event) -> tuple[Note, ...]:
        """Take in what came of the last ``Send``. Raises ``RuntimeError`` when nothing was sent."""
        ...
