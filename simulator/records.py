"""Records: one JSON line for each thing that happened, in one versioned schema.

A run appends and flushes them as they come, and every report is made from them alone. All times
are seconds on CLOCK_MONOTONIC since the run's start, so parts on one machine share one clock.
``arm`` is the arm's name; the calm twin of arm ``tus`` is the arm ``tus/calm``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

SCHEMA = 1


class Cause(StrEnum):
    """Why an attempt ended before its end."""

    REFUSED = "refused"  # the connect was refused or reset
    CONNECT_TIMEOUT = "connect_timeout"
    RESET = "reset"  # ECONNRESET, EPIPE
    CLOSED = "closed"  # the peer ended the stream before its answer was whole
    STALLED = "stalled"  # no byte moved for the policy's stall time-out
    PROTOCOL = "protocol"  # the peer does not speak HTTP/1.1
    DEADLINE = "deadline"  # the upload's time was over
    CANCELLED = "cancelled"  # the run was interrupted


class Purpose(StrEnum):
    """What a request is for."""

    CREATE = "create"  # makes the upload, with or without content
    APPEND = "append"
    QUERY = "query"
    COMPLETE = "complete"  # makes the parts that were sent into one
    CANCEL = "cancel"


class Why(StrEnum):
    """Why a client waits."""

    BACKOFF = "backoff"
    RETRY_AFTER = "retry_after"
    BLOCKED = "blocked"  # the server refuses for now: 423, 409, 429, 503


class Outcome(StrEnum):
    """How an upload ended for its client."""

    COMPLETED = "completed"
    FAILED = "failed"
    CENSORED = "censored"  # not finished at the deadline


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arm(_Record):
    """One thing under comparison. ``calm_of`` names the arm whose calm twin this one is."""

    name: str
    protocol: str
    framing: str = ""  # how `plain` is worded where the server takes no bare POST
    variant: str = ""  # what the arm asks for beyond its protocol, such as "checksum=sha1+parallel=4"
    calm_of: str | None = None


class Unsupported(_Record):
    """An arm that was asked for and not run, and what of the server's answers says why."""

    name: str
    why: str


class Plan(_Record):
    """What was asked: enough to run it again. Written to run.json and as the first record."""

    schema_version: int = SCHEMA
    id: str
    started: str  # ISO 8601, UTC
    command: list[str]
    profile: dict[str, Any]  # the whole profile, overrides applied, as profile files say it
    seed: int
    users: int
    uploads: int  # per user; 0 when the workload is bounded by `duration_s`
    duration_s: float | None = None
    spawn_rate: float
    size: str  # as the user wrote it
    deadline_s: float
    arms: list[Arm]
    unsupported: list[Unsupported] = []
    baseline: str
    engine: str
    approximations: list[str] = []  # what the engine does less than exactly, in words
    server: str
    server_version: str
    target: str  # URL of the upload endpoint
    insecure: bool = False  # its certificate was not checked
    workers: int
    policy: dict[str, Any]
    in_flight_bytes: int  # allowance: the modelled queue plus the socket buffers in the way
    digests: list[str]  # of each user's timeline
    versions: dict[str, str]
    machine: dict[str, str]
    calibration: str = ""  # what the engine's newest calibration here found, in one line


class Run(_Record):
    """The run's start (with its plan), the check of what was stored, and its end (with status)."""

    kind: Literal["run"] = "run"
    t: float
    event: Literal["start", "check", "end"]
    plan: Plan | None = None
    status: Literal["finished", "interrupted", "invalid"] | None = None
    causes: list[str] = []  # of an invalid run: which part died, with the last lines of its log


class Link(_Record):
    """The start of one user's link: its timeline's zero is at ``t``."""

    kind: Literal["link"] = "link"
    t: float
    user: int
    arm: str


class Fault(_Record):
    """One change that the engine made to a link. ``until`` is ``t`` for an instant."""

    kind: Literal["fault"] = "fault"
    t: float  # planned
    until: float
    user: int
    arm: str
    fault: str  # a row of the fault table
    issued: float
    done: float
    connections: int | None = None  # how many it ended; None where the engine cannot count them
    dropped: int | None = None  # bytes on the link that were thrown away


class Change(_Record):
    """One change that an engine made by a call and that begins no fault: a new rate, the end of a stall."""

    kind: Literal["change"] = "change"
    t: float  # planned
    user: int
    arm: str
    what: str
    issued: float
    done: float  # acknowledged


class Connection(_Record):
    """The end of one connection at the engine, with what it carried (heads and bodies)."""

    kind: Literal["connection"] = "connection"
    t: float  # end
    opened: float
    user: int
    arm: str
    port: int  # the client's local port: joins ``Request.port``
    end: str  # the fault that ended it, or client, server, run
    carried_up: int  # left the bottleneck towards the server
    delivered_up: int  # handed to the server's socket
    carried_down: int
    delivered_down: int


class Request(_Record):
    """One request, whole or cut. Byte counts are of the client's socket."""

    kind: Literal["request"] = "request"
    t: float  # start: before dialling, if it dialled
    end: float
    user: int
    arm: str
    upload: int
    n: int  # serial within the upload, from 0
    part: int | None = None  # which of the parts side by side it is of; None when the upload has none
    purpose: Purpose
    method: str
    target: str
    asked: str | None = None  # the URL at the server's own origin that was asked for in place of `target`
    start: int  # first byte of the representation in the body
    length: int  # bytes of body meant to be sent; 0 for none
    sent: int  # bytes of body the socket accepted
    head: int  # bytes of request head (and framing) sent
    received: int  # bytes of answer received, heads and bodies
    port: int | None = None  # local port; None when the connect failed
    fresh: bool  # dialled for this request
    connected: float | None = None
    moved: float | None = None  # the last instant at which a byte moved either way
    answered: float | None = None  # head of the final answer
    status: int | None = None
    cause: Cause | None = None  # None when the answer came whole
    detail: str = ""
    unsent: int | None = None  # bytes still in the kernel's send queue at the end (SIOCOUTQ)


class Offset(_Record):
    """The server acknowledged storage from ``start`` up to ``offset``."""

    kind: Literal["offset"] = "offset"
    t: float
    user: int
    arm: str
    upload: int
    n: int
    start: int = 0
    offset: int
    source: Literal["final", "interim", "query"]


class Wait(_Record):
    """The client waited, begun at ``t``."""

    kind: Literal["wait"] = "wait"
    t: float
    user: int
    arm: str
    upload: int
    part: int | None = None  # as of a request
    seconds: float
    why: Why


class Violation(_Record):
    """A breach of the protocol by the server, with the bytes that show it."""

    kind: Literal["violation"] = "violation"
    t: float
    user: int
    arm: str
    upload: int
    n: int
    rule: str  # draft or specification, and section title
    evidence: str


class Upload(_Record):
    """The end of one upload as its client saw it."""

    kind: Literal["upload"] = "upload"
    t: float  # the end
    started: float  # first byte of the first attempt (or the dialling, when nothing was ever sent)
    user: int
    arm: str
    upload: int
    size: int
    sha256: str  # of the whole; empty where the upload was not completed
    outcome: Outcome
    why: str = ""
    location: str | None = None
    restarts: int = 0
    interruptions: int = 0


class Hop(_Record):
    """One firing of a step of the HTTP-aware hop; without a step, what the hop did of its own accord."""

    kind: Literal["hop"] = "hop"
    t: float
    step: str  # its id in the plan's profile; empty for none
    action: str  # a kind of the hop's table, or the status of its own answer
    method: str
    target: str
    serial: int | None = None  # of the request, at its listener
    body: int = 0  # bytes of the request's body that had passed
    port: int  # of the connection's other end: the link's
    arm: str | None = None  # whose request it was, as simsim's own clients say
    user: int | None = None
    upload: int | None = None


class Integrity(_Record):
    """What the server stored of one upload, found out after the swarm ended."""

    kind: Literal["integrity"] = "integrity"
    t: float
    user: int
    arm: str
    upload: int
    how: Literal["get", "store", "unverified"]
    intact: bool | None = None  # None when unverified
    stored: int | None = None  # bytes
    first_difference: int | None = None
    copies: int | None = None  # complete copies on the server; None when they cannot be counted
    detail: str = ""


class Sample(_Record):
    """The state of one part of the run: its process, or what the engine's links did since the last sample."""

    kind: Literal["sample"] = "sample"
    t: float
    part: str  # server, hop, swarm, worker-0, clients-0, engine-0 and so on
    cpu: float | None = None  # share of one core since the last sample
    rss: int | None = None
    carried_up: dict[str, int] | None = None  # engine: bytes since the start, per arm
    late_p50: float | None = None  # engine: delivery lateness in the interval, seconds
    late_p99: float | None = None
    lag: float | None = None  # engine: link time given up because a wake-up came too late, seconds
    stall: float | None = (
        None  # clients: the longest time in the interval that their loop stood still, seconds
    )


Record = (
    Run
    | Link
    | Fault
    | Change
    | Connection
    | Request
    | Offset
    | Wait
    | Violation
    | Upload
    | Hop
    | Integrity
    | Sample
)
_ADAPTER: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="kind")])


def dump(record: Record) -> str:
    """Return *record* as one JSON line, without the line's end."""
    return record.model_dump_json(exclude_none=True)


def load(line: str | bytes) -> Record:
    """Return the record on *line*; raises ``ValueError`` for a line that is not one."""
    return _ADAPTER.validate_json(line)


def read(lines: Iterable[bytes]) -> Iterator[Record]:
    """Yield the records of *lines*; a last line that was cut short (a killed run) is left out."""
    for line in lines:
        try:
            yield load(line)
        except ValueError:
            if line.endswith(b"\n"):
                raise
