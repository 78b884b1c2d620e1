"""A server for plain and tus uploads that fits in a head, and every way in which a request may end.

    play(machine, server, payload, fates)     one fate befalls each request; when they run out, all is well

The server is honest: it breaks no promise it made in an answer. The network and the hops before it
are not. ``play`` holds the machine to its promises at every step and returns what was said.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Protocol

from simulator.protocols.machine import (
    Acknowledged,
    Checksum,
    Done,
    Event,
    Failed,
    Fork,
    Headers,
    Informational,
    Interrupted,
    Joined,
    Machine,
    Note,
    Response,
    Restarted,
    Send,
    Wait,
)
from simulator.records import Cause

ENDPOINT = "http://127.0.0.1:1080/files/"
WORDINGS = [
    ("plain", ""),
    ("plain", "put"),
    ("plain", "tus"),
    ("tus", ""),
    ("tus", "creation-with-upload"),
    ("tus", "checksum=sha1"),
    ("tus", "deferred=first"),
    ("tus", "deferred=last+creation-with-upload"),
    ("tus", "override+terminate+expiration"),
]
PARALLEL = [
    ("tus", "parallel=2"),
    ("tus", "parallel=3+creation-with-upload+terminate"),
    ("tus", "parallel=3+checksum=sha1+deferred=last+override"),
]
VERSION = ("tus-resumable", "1.0.0")

# What may be answered for a while and no longer: by the method asked, with what is said beside it.
FOR_A_WHILE: dict[str, tuple[tuple[int, Headers], ...]] = {
    "plain": ((503, ()), (408, ()), (429, (("retry-after", "2"),)), (500, ()), (504, ())),
    "POST": ((503, ()), (504, ()), (429, (("retry-after", "2"),)), (500, ()), (408, ())),
    "PATCH": ((409, ()), (423, ()), (502, ()), (460, ()), (429, (("retry-after", "2"),)), (408, ())),
    "HEAD": ((502, ()), (423, ()), (409, ()), (503, (("retry-after", "2"),)), (408, ())),
    "DELETE": ((502, ()), (423, ()), (409, ()), (405, ()), (408, ())),
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

    length: int | None  # None while it is deferred
    data: bytearray = field(default_factory=bytearray)
    promised: int = 0  # the highest offset in an answer
    partial: bool = False
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

    def stated(self, send: Send, event: Response | Informational) -> int: ...


class ModelServer:
    """Keeps uploads by their URL; asserts that requests are as the specification wants them."""

    def __init__(self) -> None:
        self.uploads: dict[str, Stored] = {}
        self._made = 0

    def serve(self, send: Send, body: bytes, fate: Fate) -> list[Event]:
        """Return what the client sees of *send*, one or two events, after *fate* befell it."""
        checked(send, body)
        upload = self.uploads.get(send.target) if method_of(send) in ("PATCH", "HEAD") else None
        late = upload.late if upload else None
        events = _FATES[type(fate)](self, send, body, fate)
        if upload:
            upload.arrive(late)
        return events

    def stated(self, _send: Send, event: Response) -> int:
        """Return how many bytes an answer acknowledges."""
        return int(dict(event.headers).get("upload-offset", 0))

    def copies(self, whole: bytes) -> int:
        """Return how often *whole* is stored; parts of an upload are none."""
        kept = (stored for stored in self.uploads.values() if not stored.partial)
        return sum(bytes(stored.data) == whole for stored in kept)

    # A request that is served whole

    def well(self, send: Send, body: bytes, _fate: Fate) -> list[Event]:
        return [Informational(100, ()), self.answer(send, body, sent=len(body))]

    def answer(self, send: Send, body: bytes, *, sent: int) -> Response:
        """Serve a request of which the server takes *body*."""
        return _METHODS[method_of(send)](self, send, body, sent)

    def describe(self, send: Send, _body: bytes, sent: int) -> Response:
        upload = self.uploads.get(send.target)
        if upload is None:
            return Response(404, (VERSION,), sent)
        known = upload.length is not None
        length = ("upload-length", str(upload.length)) if known else ("upload-defer-length", "1")
        offset = ("upload-offset", upload.promise())
        return Response(200, (VERSION, offset, length, ("cache-control", "no-store")), sent)

    def append(self, send: Send, body: bytes, sent: int) -> Response:
        upload = self.uploads.get(send.target)
        if upload is None:
            return Response(404, (VERSION,), sent)
        if len(upload.data) != offset_of(send):
            return Response(409, (VERSION,), sent)
        self._set_length(upload, send)
        upload.take(body)
        upload.late = None  # the old connection ends when a newer one appends
        return Response(204, (VERSION, ("upload-offset", upload.promise())), sent)

    def create(self, send: Send, body: bytes, sent: int) -> Response:
        headers = dict(send.headers)
        concat = headers.get("Upload-Concat", "")
        if concat.startswith("final;"):
            return self.join(concat.removeprefix("final;").split(" "), sent)
        length = None if "Upload-Defer-Length" in headers else int(headers.get("Upload-Length", send.stop))
        upload = Stored(length, partial=concat == "partial")
        upload.take(body)
        offset = (("upload-offset", upload.promise()),) if send.stop > send.start else ()
        return Response(201, (VERSION, ("location", self._keep_as_new(upload)), *offset), sent)

    def join(self, parts: list[str], sent: int) -> Response:
        """Make one upload of *parts*, which must all be there, be partial and be whole."""
        found = [self.uploads.get(part) for part in parts]
        if not all(found):
            return Response(404, (VERSION,), sent)
        final = Stored(0)
        for part in found:
            assert part and part.partial and len(part.data) == part.length, (
                "a part that is none, or not whole"
            )
            final.take(bytes(part.data))
        final.length = len(final.data)
        return Response(201, (VERSION, ("location", self._keep_as_new(final))), sent)

    def terminate(self, send: Send, _body: bytes, sent: int) -> Response:
        return Response(204 if self.uploads.pop(send.target, None) else 404, (VERSION,), sent)

    def _keep_as_new(self, upload: Stored) -> str:
        self._made += 1
        path = f"/files/{self._made}"
        self.uploads[f"http://127.0.0.1:1080{path}"] = upload
        return path

    def _set_length(self, upload: Stored, send: Send) -> None:
        said = dict(send.headers).get("Upload-Length")
        if said is not None:
            assert upload.length in (None, int(said)), "a length that is set is never changed"
            upload.length = int(said)

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
        table = FOR_A_WHILE[method_of(send) if is_tus(send) else "plain"]
        status, headers = table[fate.which % len(table)]
        if status not in (409, 460):  # these two keep nothing
            self._keep(send, body[: fate.kept % (len(body) + 1)], b"")
        return [Response(status, headers, len(body))]

    def part(self, send: Send, body: bytes, fate: Part) -> list[Event]:
        if not is_tus(send) or send.checksum:  # a part of what is checked as a whole cannot be verified
            return self.well(send, body, fate)
        kept = fate.kept % (len(body) + 1)
        return [self.answer(send, body[:kept], sent=kept if fate.early else len(body))]

    def forget(self, send: Send, body: bytes, fate: Forget) -> list[Event]:
        final = dict(send.headers).get("Upload-Concat", "").partition("final;")[2]
        lost = final.split(" ")[0] if final else send.target
        if lost not in self.uploads or method_of(send) == "DELETE":
            return self.well(send, body, fate)
        del self.uploads[lost]
        return [Response(fate.status, (VERSION,), len(body))]

    def crash(self, send: Send, body: bytes, fate: Crash) -> list[Event]:
        self._keep(send, body[: fate.arrived % (len(body) + 1)], b"")
        upload = self.uploads.get(send.target)
        if upload:
            del upload.data[upload.promised + fate.more % (len(upload.data) - upload.promised + 1) :]
            upload.late = None
        return [Interrupted(Cause.CLOSED, len(body))]

    def _keep(self, send: Send, body: bytes, late: bytes) -> None:
        """Keep a part of what a request brought, without an answer; of what is checked, all or nothing."""
        if send.checksum and len(body) + len(late) < send.stop - send.start:
            return
        if send.checksum and late:
            body, late = b"", body + late
        upload, method = self.uploads.get(send.target), method_of(send)
        if method == "PATCH" and upload and len(upload.data) == offset_of(send):
            self._set_length(upload, send)
            upload.take(body)
            upload.late = (len(upload.data), late)
        elif method in ("POST", "PUT") and not send.checksum and (is_tus(send) or len(body) == send.stop):
            self.create(send, body, len(body))


_METHODS = {
    "HEAD": ModelServer.describe,
    "PATCH": ModelServer.append,
    "DELETE": ModelServer.terminate,
    "POST": ModelServer.create,
    "PUT": ModelServer.create,
}
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


def method_of(send: Send) -> str:
    """Return the method that is meant (tus 1.0.0, X-HTTP-Method-Override)."""
    return dict(send.headers).get("X-HTTP-Method-Override", send.method)


def offset_of(send: Send) -> int:
    """Return where an append begins in its own upload, which may be a part of the whole."""
    return int(dict(send.headers)["Upload-Offset"])


def checked(send: Send, body: bytes) -> None:
    """Assert that *send* carries what its specification wants."""
    headers, method = dict(send.headers), method_of(send)
    assert len(headers) == len(send.headers), "a field is sent twice"
    assert send.stop - send.start == len(body) and (send.has_body or not body)
    assert send.has_body == (send.method != "HEAD")
    if not is_tus(send):
        assert send.method in ("POST", "PUT") and send.start == 0
    elif method == "POST":
        _checked_creation(headers)
    elif method == "PATCH":
        assert int(headers["Upload-Offset"]) <= send.start
    if is_tus(send) and body:
        assert headers["Content-Type"] == "application/offset+octet-stream"
    assert send.checksum is None or (
        body and send.checksum == Checksum("Upload-Checksum", "sha1", "sha1 {base64}")
    )


def _checked_creation(headers: dict[str, str]) -> None:
    final = headers.get("Upload-Concat", "").startswith("final;")
    lengths = [headers[name] for name in ("Upload-Length", "Upload-Defer-Length") if name in headers]
    assert len(lengths) == (0 if final else 1) and all(length.isdecimal() for length in lengths)
    assert {pair.split()[0] for pair in headers["Upload-Metadata"].split(",")} == {"filename", "filetype"}


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


End = Done | Failed
Turns = Generator[None, None, End]


def play(
    machine: Machine,
    server: Serving,
    whole: bytes,
    fates: Sequence[Fate],
    requests: int = 1000,
    picks: Sequence[int] = (0,),
) -> Story:
    """Run *machine* to its end, or through that many *requests*, and hold it to its promises.

    *picks* say, over and over, which of the parts of a fork has the next turn.
    """
    story = Story()
    forking = machine.forking if isinstance(machine, InTurn) else machine
    turns = _Player(server, whole, iter(fates), cycle(picks or (0,)), story).strand(forking)
    for _ in range(2 * requests + 1):  # every request may be followed by one wait
        try:
            next(turns)
        except StopIteration as ended:
            story.end = ended.value
            break
    return story


@dataclass
class _Player:
    """Lets machines speak in turn, one step a turn."""

    server: Serving
    whole: bytes
    fates: Iterator[Fate]
    picks: Iterator[int]
    story: Story

    def strand(self, machine: Machine) -> Turns:
        known, begins = 0, None  # highest offset in an answer since the last restart; where the part begins
        while True:
            step = machine.next()
            if isinstance(step, Done | Failed):
                return step
            if isinstance(step, Wait):
                assert step.seconds >= 0
                self.story.waits.append(step)
            elif isinstance(step, Fork):
                ends = yield from self.side_by_side(step)
                self.story.notes += machine.receive(Joined(ends))
            else:
                begins = step.start if begins is None else begins
                known = self.exchange(machine, step, known, begins)
            yield

    def side_by_side(self, fork: Fork) -> Generator[None, None, tuple[End, ...]]:
        turns = {number: self.strand(part) for number, part in enumerate(fork.parts)}
        ends: dict[int, End] = {}
        while turns:
            going = list(turns)[: fork.at_once]
            number = going[next(self.picks) % len(going)]
            try:
                next(turns[number])
            except StopIteration as ended:
                ends[number] = ended.value
                del turns[number]
            yield
        return tuple(ends[number] for number in range(len(fork.parts)))

    def exchange(self, machine: Machine, step: Send, known: int, begins: int) -> int:
        """Let *step* be served; return what is known of the server's offset then."""
        _nothing_known_is_sent_again(step, known + begins)
        self.story.sends.append(step)
        _one_request_at_a_time(machine)
        for event in self.server.serve(step, self.whole[step.start : step.stop], next(self.fates, Well())):
            stated = self.server.stated(step, event) if isinstance(event, Response | Informational) else 0
            known = self.take(machine, event, max(known, stated), begins)
        return known

    def take(self, machine: Machine, event: Event, known: int, begins: int) -> int:
        before = machine.offset
        notes = machine.receive(event)
        restarted = any(isinstance(note, Restarted) for note in notes)
        self.story.notes += notes
        known = 0 if restarted else known
        assert machine.offset >= before or restarted, "the offset decreased"
        for note in notes:
            if isinstance(note, Acknowledged):
                assert note.start == begins and note.offset <= known + begins, "more than the server said"
        return known


def _nothing_known_is_sent_again(step: Send, known: int) -> None:
    if step.has_body and step.stop > step.start:
        assert step.start == known, f"sends from {step.start}, {known} is acknowledged"


def _one_request_at_a_time(machine: Machine) -> None:
    try:
        machine.next()
    except RuntimeError:
        return
    raise AssertionError("a second request while one is in flight")


class InTurn:
    """A machine that forks as one that does not: its parts come one after another."""

    def __init__(self, machine: Machine) -> None:
        self.forking = machine
        self._parts: list[Machine] = []
        self._ends: list[End] = []

    @property
    def offset(self) -> int:
        return self.forking.offset

    def next(self) -> Send | Wait | Done | Failed:
        while True:
            step = (self._parts[0] if self._parts else self.forking).next()
            if isinstance(step, Fork):
                self._parts, self._ends = list(step.parts), []
            elif self._parts and isinstance(step, Done | Failed):
                self._ends.append(step)
                del self._parts[0]
                if not self._parts:
                    self.forking.receive(Joined(tuple(self._ends)))
            else:
                return step

    def receive(self, event: Event) -> tuple[Note, ...]:
        return (self._parts[0] if self._parts else self.forking).receive(event)
