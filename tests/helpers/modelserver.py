"""A server for plain and tus uploads that fits in a head, and every way in which a request may end.

    play(machine, server, payload, fates)     one fate befalls each request; when they run out, all is well

The server is honest: it breaks no promise it made in an answer. The network and the hops before it
are not. ``play`` holds the machine to its promises at every step and returns what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulator.protocols.machine import (
    Done,
    Event,
    Failed,
    Headers,
    Informational,
    Interrupted,
    Machine,
    Note,
    Response,
    Restarted,
    Send,
    Wait,
)
from simulator.records import Cause

ENDPOINT = "http://127.0.0.1:1080/files/"
WORDINGS = [("plain", ""), ("plain", "put"), ("plain", "tus"), ("tus", ""), ("tus", "creation-with-upload")]
VERSION = ("tus-resumable", "1.0.0")

# What may be answered for a while and no longer: by the method asked, with what is said beside it.
FOR_A_WHILE: dict[str, tuple[tuple[int, Headers], ...]] = {
    "plain": ((503, ()), (408, ()), (429, (("retry-after", "2"),)), (500, ()), (504, ())),
    "POST": ((503, ()), (504, ()), (429, (("retry-after", "2"),)), (500, ()), (408, ())),
    "PATCH": ((409, ()), (423, ()), (502, ()), (460, ()), (429, (("retry-after", "2"),)), (408, ())),
    "HEAD": ((502, ()), (423, ()), (409, ()), (503, (("retry-after", "2"),)), (408, ())),
}


@dataclass(frozen=True)
class Well:
    """Nothing befalls the request."""


@dataclass(frozen=True)
class Cut:
    """The connection breaks. All counts are taken modulo what is possible, so any three make sense.

    ``arrived`` bytes reached the server, the client's socket took ``ahead`` more, the server keeps
    ``kept`` of them at once and ``late`` more after the next request was answered.
    """

    arrived: int = 0
    ahead: int = 0
    kept: int = 0
    late: int = 0


@dataclass(frozen=True)
class Lost:
    """The request is served, and its answer lost."""


@dataclass(frozen=True)
class Refusal:
    """The server or a hop refuses for a while; ``kept`` bytes are stored all the same."""

    which: int = 0
    kept: int = 0


@dataclass(frozen=True)
class Part:
    """The server keeps ``kept`` bytes and says so, perhaps before the rest was sent."""

    kept: int = 0
    early: bool = False


@dataclass(frozen=True)
class Forget:
    """The server loses the upload."""

    status: int = 404


@dataclass(frozen=True)
class Crash:
    """The server dies and comes back with what it promised, and ``more`` of what it did not."""

    arrived: int = 0
    more: int = 0


Fate = Well | Cut | Lost | Refusal | Part | Forget | Crash


@dataclass
class Stored:
    """One upload at the server."""

    length: int
    data: bytearray = field(default_factory=bytearray)
    promised: int = 0  # the highest offset in an answer
    late: tuple[int, bytes] | None = None  # where it belongs and what it is: still on an old connection

    def arrive(self, late: tuple[int, bytes] | None) -> None:
        """Take what came late, unless something else happened to the upload meanwhile."""
        if late and late is self.late and late[0] == len(self.data):
            self.take(late[1])
        self.late = None if late is self.late else self.late

    def take(self, body: bytes) -> None:
        self.data += body

    def promise(self) -> str:
        self.promised = len(self.data)
        return str(self.promised)


class Serving(Protocol):
    """What ``play`` needs of a server."""

    def serve(self, send: Send, body: bytes, fate: Fate) -> list[Event]: ...

    def stated(self, send: Send, event: Response) -> int: ...


class ModelServer:
    """Keeps uploads by their URL; asserts that requests are as the specification wants them."""

    def __init__(self) -> None:
        self.uploads: dict[str, Stored] = {}
        self._made = 0

    def serve(self, send: Send, body: bytes, fate: Fate) -> list[Event]:
        """Return what the client sees of *send*, one or two events, after *fate* befell it."""
        checked(send, body)
        upload = self.uploads.get(send.target) if send.method in ("PATCH", "HEAD") else None
        late = upload.late if upload else None
        events = _FATES[type(fate)](self, send, body, fate)
        if upload:
            upload.arrive(late)
        return events

    def stated(self, _send: Send, event: Response) -> int:
        """Return how many bytes an answer acknowledges."""
        return int(dict(event.headers).get("upload-offset", 0))

    def copies(self, whole: bytes) -> int:
        """Return how often *whole* is stored."""
        return sum(bytes(stored.data) == whole for stored in self.uploads.values())

    # A request that is served whole

    def well(self, send: Send, body: bytes, _fate: Fate) -> list[Event]:
        return [Informational(100, ()), self.answer(send, body, sent=len(body))]

    def answer(self, send: Send, body: bytes, *, sent: int) -> Response:
        """Serve a request of which the server takes *body*."""
        if send.method == "HEAD":
            return self.describe(send, sent)
        if send.method == "PATCH":
            return self.append(send, body, sent)
        return self.create(send, body, sent)

    def describe(self, send: Send, sent: int) -> Response:
        upload = self.uploads.get(send.target)
        if upload is None:
            return Response(404, (VERSION,), sent)
        length = ("upload-length", str(upload.length))
        offset = ("upload-offset", upload.promise())
        return Response(200, (VERSION, offset, length, ("cache-control", "no-store")), sent)

    def append(self, send: Send, body: bytes, sent: int) -> Response:
        upload = self.uploads.get(send.target)
        if upload is None:
            return Response(404, (VERSION,), sent)
        if len(upload.data) != send.start:
            return Response(409, (VERSION,), sent)
        upload.take(body)
        upload.late = None  # the old connection ends when a newer one appends
        return Response(204, (VERSION, ("upload-offset", upload.promise())), sent)

    def create(self, send: Send, body: bytes, sent: int) -> Response:
        self._made += 1
        path = f"/files/{self._made}"
        headers = dict(send.headers)
        upload = Stored(int(headers.get("Upload-Length", send.stop)))
        upload.take(body)
        self.uploads[f"http://127.0.0.1:1080{path}"] = upload
        offset = (("upload-offset", upload.promise()),) if send.stop else ()
        return Response(201, (VERSION, ("location", path), *offset), sent)

    # Fates

    def cut(self, send: Send, body: bytes, fate: Cut) -> list[Event]:
        arrived = fate.arrived % (len(body) + 1)
        taken = arrived + fate.ahead % (len(body) - arrived + 1)
        kept = fate.kept % (arrived + 1)
        self._keep(send, body[:kept], body[kept : kept + fate.late % (arrived - kept + 1)])
        return [Interrupted(Cause.RESET, taken)]

    def lost(self, send: Send, body: bytes, _fate: Fate) -> list[Event]:
        self.answer(send, body, sent=len(body))
        return [Interrupted(Cause.CLOSED, len(body))]

    def refusal(self, send: Send, body: bytes, fate: Refusal) -> list[Event]:
        table = FOR_A_WHILE[send.method if is_tus(send) else "plain"]
        status, headers = table[fate.which % len(table)]
        if status not in (409, 460):  # these two keep nothing
            self._keep(send, body[: fate.kept % (len(body) + 1)], b"")
        return [Response(status, headers, len(body))]

    def part(self, send: Send, body: bytes, fate: Part) -> list[Event]:
        if not is_tus(send):
            return self.well(send, body, fate)
        kept = fate.kept % (len(body) + 1)
        return [self.answer(send, body[:kept], sent=kept if fate.early else len(body))]

    def forget(self, send: Send, body: bytes, fate: Forget) -> list[Event]:
        if send.target not in self.uploads:
            return self.well(send, body, fate)
        del self.uploads[send.target]
        return [Response(fate.status, (VERSION,), len(body))]

    def crash(self, send: Send, body: bytes, fate: Crash) -> list[Event]:
        self._keep(send, body[: fate.arrived % (len(body) + 1)], b"")
        upload = self.uploads.get(send.target)
        if upload:
            del upload.data[upload.promised + fate.more % (len(upload.data) - upload.promised + 1) :]
            upload.late = None
        return [Interrupted(Cause.CLOSED, len(body))]

    def _keep(self, send: Send, body: bytes, late: bytes) -> None:
        """Keep a part of what a request brought, without an answer."""
        upload = self.uploads.get(send.target)
        if send.method == "PATCH" and upload and len(upload.data) == send.start:
            upload.take(body)
            upload.late = (len(upload.data), late)
        elif send.method in ("POST", "PUT") and (is_tus(send) or len(body) == send.stop):
            self.create(send, body, len(body))


_FATES = {
    Well: ModelServer.well,
    Cut: ModelServer.cut,
    Lost: ModelServer.lost,
    Refusal: ModelServer.refusal,
    Part: ModelServer.part,
    Forget: ModelServer.forget,
    Crash: ModelServer.crash,
}


def worded(protocol: str, how: str) -> dict[str, str]:
    """Return one of ``WORDINGS`` as ``make_machine`` takes it: the server words plain, the arm varies tus."""
    return {"framing" if protocol == "plain" else "variant": how}


def is_tus(send: Send) -> bool:
    return dict(send.headers).get("Tus-Resumable") == "1.0.0"


def checked(send: Send, body: bytes) -> None:
    """Assert that *send* carries what its specification wants."""
    headers = dict(send.headers)
    assert len(headers) == len(send.headers), "a field is sent twice"
    assert send.stop - send.start == len(body) and (send.has_body or not body)
    assert send.has_body == (send.method != "HEAD")
    if not is_tus(send):
        assert send.method in ("POST", "PUT") and send.start == 0
    elif send.method == "POST":
        assert send.start == 0 and headers["Upload-Length"].isdecimal()
        assert {pair.split()[0] for pair in headers["Upload-Metadata"].split(",")} == {"filename", "filetype"}
    elif send.method == "PATCH":
        assert headers["Upload-Offset"] == str(send.start)
    if is_tus(send) and body:
        assert headers["Content-Type"] == "application/offset+octet-stream"


def payload(size: int) -> bytes:
    """Return *size* bytes that tell their place."""
    return bytes((place + place // 251 * 7) % 256 for place in range(size))


@dataclass
class Story:
    """What was said during one upload."""

    end: Done | Failed | None = None
    sends: list[Send] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    known: int = 0  # the highest offset in an answer that reached the client, since the last restart


def play(
    machine: Machine, server: Serving, whole: bytes, fates: Sequence[Fate], requests: int = 1000
) -> Story:
    """Run *machine* to its end, or through that many *requests*, and hold it to its promises."""
    story, coming = Story(), iter(fates)
    for _ in range(2 * requests + 1):  # every request may be followed by one wait
        step = machine.next()
        if isinstance(step, Done | Failed):
            story.end = step
            return story
        if isinstance(step, Wait):
            assert step.seconds >= 0
            story.waits.append(step)
            continue
        _nothing_known_is_sent_again(step, story)
        story.sends.append(step)
        _one_request_at_a_time(machine)
        for event in server.serve(step, whole[step.start : step.stop], next(coming, Well())):
            stated = server.stated(step, event) if isinstance(event, Response) else 0
            _take(machine, event, stated, story)
    return story


def _nothing_known_is_sent_again(step: Send, story: Story) -> None:
    if step.has_body and step.stop:
        assert step.start == story.known, f"sends from {step.start}, {story.known} is acknowledged"
        assert step.start < step.stop, "an append carries something"


def _one_request_at_a_time(machine: Machine) -> None:
    try:
        machine.next()
    except RuntimeError:
        return
    raise AssertionError("a second request while one is in flight")


def _take(machine: Machine, event: Event, stated: int, story: Story) -> None:
    before = machine.offset
    notes = machine.receive(event)
    restarted = any(isinstance(note, Restarted) for note in notes)
    story.notes += notes
    story.known = 0 if restarted else max(story.known, stated)
    assert machine.offset >= before or restarted, "the offset decreased"
    assert machine.offset <= story.known, "the machine claims more than the server said"
