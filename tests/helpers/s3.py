"""Asks the core's S3 without any I/O, by a clock that stands still, and what may befall an upload to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from urllib.parse import urlsplit

from simulator.protocols.core import Job
from simulator.protocols.machine import (
    Acknowledged,
    Done,
    Event,
    Failed,
    Fork,
    Interrupted,
    Joined,
    Machine,
    Note,
    Response,
    Restarted,
    Send,
    Wait,
)
from simulator.protocols.policy import Policy
from simulator.protocols.s3 import S3
from simulator.records import Cause
from simulator.servers.reference.core import Core
from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.messages import Head, Reply
from simulator.servers.reference.receiving import Copying, Receiving, Step
from simulator.servers.reference.resource import Limits
from simulator.servers.reference.sigv4 import ACCESS_KEY, ALGORITHM, REGION, SECRET_KEY, Scope, signature
from tests.helpers.asking import finish

BUCKET = "http://127.0.0.1:1080/s3/simsim"
NOW = 1_800_000_000.0


def signed(method: str, target: str, length: int | None, now: float, **fields: str) -> Head:
    """Return the head of a signed request."""
    date = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    named = {"host": "h", "x-amz-date": date, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    named |= {name.replace("_", "-"): value for name, value in fields.items()}
    names = sorted(name for name in named if name == "host" or name.startswith("x-amz-"))
    scope = Scope(date[:8], REGION)
    digits = signature(Head(method, target, named, length), names, date, scope, SECRET_KEY).decode()
    credential = f"Credential={ACCESS_KEY}/{scope}, SignedHeaders={';'.join(names)}, Signature={digits}"
    return Head(method, target, {**named, "authorization": f"{ALGORITHM} {credential}"}, length)


class S3Asker:
    """A core over memory that takes parts of any size, and ids that count up."""

    def __init__(self, **limits: int | float | None) -> None:
        self.store = MemoryStore()
        self.limits = Limits(**{"smallest_part": 1, **limits})  # type: ignore[arg-type]
        self.now = NOW
        self._ids = count(1)
        self.restart()

    def restart(self) -> None:
        """Begin anew over the same store, as after kill -9."""
        self.core = Core(self.store, self.limits)

    def head(self, method: str, target: str, length: int | None = 0, **fields: str) -> Head:
        """Return the head of a signed request."""
        return signed(method, target, length, self.now, **fields)

    def begin(self, head: Head) -> Step:
        """Begin a request."""
        return self.core.begin(head, self.now, f"{next(self._ids):032x}")

    def ask(self, method: str, target: str, content: bytes = b"", **fields: str) -> Reply:
        """Make a whole request, the content byte by byte."""
        return self.carried(self.begin(self.head(method, target, len(content), **fields)), content)

    def carried(self, step: Step, content: bytes) -> Reply:
        """Carry a request to its end."""
        if isinstance(step, Receiving):
            for at in range(len(content)):
                reply = step.data(content[at : at + 1], self.now)
                if reply is not None:
                    return reply
            step = step.end(self.now)
        return finish(step) if isinstance(step, Copying) else step

    def content(self, reply: Reply) -> bytes:
        """Return the bytes that *reply* would send."""
        if reply.stored is None:
            return reply.content
        return bytes(self.store.blobs[reply.stored][reply.start : reply.start + reply.size])


@dataclass(frozen=True)
class Well:
    """Nothing befalls the request."""


@dataclass(frozen=True)
class Cut:
    """``arrived`` of the content (modulo its length) arrived, ``ahead`` more left the client."""

    arrived: int = 0
    ahead: int = 0


@dataclass(frozen=True)
class Lost:
    """The request is served and its answer lost; ``late``: served only after the next one was."""

    late: bool = False


@dataclass(frozen=True)
class Refused:
    """Somebody answers ``status`` with an error of ``code``, though the server may have ``served``."""

    status: int = 503
    code: str = ""
    served: bool = False


@dataclass(frozen=True)
class Restart:
    """The server is killed, after the request was ``served`` or before."""

    served: bool = False


@dataclass(frozen=True)
class Forget:
    """The server loses the upload before the request comes."""


Fate = Well | Cut | Lost | Refused | Restart | Forget


@dataclass
class World:
    """The core, what befalls each request, and what the client was told."""

    whole: bytes
    fates: Sequence[Fate]
    asker: S3Asker = field(default_factory=S3Asker)
    sends: list[Send] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    known: list[tuple[int, int]] = field(default_factory=list)  # acknowledged since the last restart
    late: Callable[[], Reply] | None = None

    def serve(self, send: Send) -> Event:
        """Return what the client sees of *send*."""
        body = send.content or self.whole[send.start : send.stop]
        fate = self.fates[len(self.sends)] if len(self.sends) < len(self.fates) else Well()
        self.sends.append(send)
        late, self.late = self.late, None
        event = _FATES[type(fate)](self, send, body, fate)
        if late is not None:
            late()
        return event

    def answer(self, send: Send, body: bytes) -> Reply:
        return self.asker.carried(self._begun(send, body), body)

    def _begun(self, send: Send, body: bytes) -> Step:
        parts = urlsplit(send.target)
        return self.asker.begin(self.asker.head(send.method, f"{parts.path}?{parts.query}", len(body)))

    def well(self, send: Send, body: bytes, _fate: Well) -> Event:
        reply = self.answer(send, body)
        told = (*reply.headers, ("Content-Length", str(reply.size or len(reply.content))))
        headers = tuple((name.lower(), value) for name, value in told)
        content = b"" if send.method == "HEAD" else self.asker.content(reply)
        return Response(reply.status, headers, send.stop - send.start, content)

    def cut(self, send: Send, body: bytes, fate: Cut) -> Event:
        arrived = fate.arrived % (len(body) or 1)
        step = self._begun(send, body) if body else None
        if isinstance(step, Receiving):
            step.data(body[:arrived], self.asker.now)
            step.cut(self.asker.now)
        sent = 0 if send.content else arrived + fate.ahead % (len(body) - arrived + 1)
        return Interrupted(Cause.RESET, sent)

    def lost(self, send: Send, body: bytes, fate: Lost) -> Event:
        if fate.late:
            step = self._begun(send, body)
            core = self.asker.core
            self.late = lambda: (
                self.asker.carried(step, body) if self.asker.core is core else Reply(500)
            )  # a killed server finishes nothing
        else:
            self.answer(send, body)
        return Interrupted(Cause.CLOSED, send.stop - send.start)

    def refused(self, send: Send, body: bytes, fate: Refused) -> Event:
        if fate.code == "RequestTimeout" and not body:  # S3 waits for content only
            return self.well(send, body, Well())
        if fate.served:
            self.answer(send, body)
        content = f"<Error><Code>{fate.code}</Code></Error>".encode() if fate.code else b"<html>"
        return Response(fate.status, (), send.stop - send.start, b"" if send.method == "HEAD" else content)

    def restart(self, send: Send, body: bytes, fate: Restart) -> Event:
        step = self._begun(send, body)
        if fate.served:
            self.asker.carried(step, body)
        elif isinstance(step, Receiving):
            step.data(body[: len(body) // 2], self.asker.now)
        self.asker.restart()
        return Interrupted(Cause.CLOSED, send.stop - send.start)

    def forget(self, send: Send, body: bytes, _fate: Forget) -> Event:
        if "uploadId=" in send.target:
            path, _, query = urlsplit(send.target)[2:5]
            name = query.partition("uploadId=")[2]
            self.asker.ask("DELETE", f"{path}?uploadId={name}")
        return self.well(send, body, Well())

    # The client's side

    def run(self, machine: Machine, requests: int, turn: int = 0) -> Done | Failed | None:
        """Run *machine* to its end, or through that many requests; parts take turns, *turn* requests each."""
        for _ in range(2 * requests + 1):
            step = machine.next()
            if isinstance(step, Done | Failed):
                return step
            if isinstance(step, Fork):
                ends = self._together(step, requests, turn or 1)
                self.take(machine, Joined(tuple(ends)))
            else:
                self._step(machine, step)
        return None

    def _together(self, fork: Fork, requests: int, turn: int) -> list[Done | Failed]:
        """Run the parts of *fork* as if side by side: so many steps of one, then of the next."""
        ends: dict[int, Done | Failed] = {}
        waiting = list(range(len(fork.parts)))
        for _ in range(2 * requests + len(fork.parts)):
            for number in waiting[: fork.at_once]:
                for _ in range(turn):
                    step = fork.parts[number].next()
                    if isinstance(step, Done | Failed):
                        ends[number] = step
                        break
                    self._step(fork.parts[number], step)
            waiting = [number for number in waiting if number not in ends]
            if not waiting:
                return [ends[number] for number in range(len(fork.parts))]
        raise AssertionError("the parts do not end")

    def _step(self, machine: Machine, step: Send | Wait | Fork) -> None:
        if isinstance(step, Send):
            for start, stop in self.known:
                assert not (start < step.stop and step.start < stop), f"{step} sends what is acknowledged"
            self.take(machine, self.serve(step))

    def take(self, machine: Machine, event: Event) -> None:
        for note in machine.receive(event):
            self.notes.append(note)
            if isinstance(note, Acknowledged):
                self.known.append((note.start, note.offset))
            if isinstance(note, Restarted):
                self.known.clear()


_FATES = {
    Well: World.well,
    Cut: World.cut,
    Lost: World.lost,
    Refused: World.refused,
    Restart: World.restart,
    Forget: World.forget,
}


def machine_of(size: int, part: int, parallel: int = 1, policy: Policy | None = None) -> S3:
    """Return a machine that cuts *size* bytes into parts of *part* bytes, smaller than S3 would take."""
    options = {"part": part, "parallel": parallel}
    return S3(Job(BUCKET, size, "a b.bin", policy or Policy(), options=options))
