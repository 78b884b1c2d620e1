"""A server for resumable uploads in every interop version, and what may befall a request to it.

    play(machine, server, payload, fates)     one fate befalls each request; when they run out, all is well

The server is honest: it breaks no promise it made in an answer, and its rows of the versions are its
own, not those of the machine under test. The network and the hops before it are not honest: they lose
1xx answers, final answers and connections. ``play`` holds the machine to its promises at every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from simulator.protocols.machine import (
    Done,
    Event,
    Failed,
    Headers,
    Informational,
    Interrupted,
    Machine,
    Response,
    Restarted,
    Send,
    Wait,
)
from simulator.records import Cause
from tests.helpers.modelserver import Crash, Cut, Forget, Lost, Part, Refusal, Story, Well

ROOT = "http://127.0.0.1:1080"
ENDPOINT = f"{ROOT}/resumable/"
INTEROPS = (3, 4, 5, 6, 7, 8, 9)

FOR_A_WHILE: tuple[tuple[int, Headers], ...] = (
    (500, ()),
    (503, (("retry-after", "2"),)),
    (423, ()),
    (429, ()),
    (408, ()),
    (504, (("content-type", "text/html"),)),
)


@dataclass(frozen=True)
class Limit:
    """From now on the server wants appends between these two sizes; the request itself goes well."""

    most: int | None = None
    least: int = 0


@dataclass(frozen=True)
class TooLarge:
    """A hop takes no more than ``most`` bytes in a request, and the server's 413 says so."""

    most: int = 1


@dataclass(frozen=True)
class Redirect:
    """Another URL is to be asked, which leads to the same."""

    status: int = 307


Fate = Well | Lost | Cut | Refusal | Part | Forget | Crash | Limit | TooLarge | Redirect


@dataclass(frozen=True)
class Ordeal:
    """What befalls a request: its fate, and which interim answers pass the hops before it.

    ``told`` are the counts of bytes that 104s acknowledge, if the server had come so far; ``strange``
    adds a 104 of another version that claims everything.
    """

    fate: Fate = field(default_factory=Well)
    location: bool = True
    told: tuple[int, ...] = ()
    strange: bool = False


@dataclass
class Stored:
    """One upload at the server."""

    length: int | None
    data: bytearray = field(default_factory=bytearray)
    complete: bool = False
    promised: int = 0  # the highest offset in an answer
    late: tuple[int, bytes, bool] | None = None  # where it belongs, what it is, whether it completes


class IetfServer:
    """Keeps uploads by their URL; asserts that requests are as the draft wants them."""

    def __init__(self, interop: int) -> None:
        self.interop = interop
        self.uploads: dict[str, Stored] = {}
        self.limit = Limit()
        self.told_limit = Limit()  # what the client can know
        self.reached = True  # the client can know the URL of the newest upload
        self.forgot = False

    def serve(self, send: Send, body: bytes, fate: Ordeal | Fate) -> list[Event]:
        """Return what the client sees of *send* after *fate*; without an ordeal every 104 passes."""
        ordeal = fate if isinstance(fate, Ordeal) else Ordeal(fate)
        send = _at_its_place(send)
        self._check(send, body)
        upload = self.uploads.get(send.target)
        late = upload.late if upload else None
        events = _FATES[type(ordeal.fate)](self, send, body, ordeal)
        self._arrive(upload, late)
        passed = [event for event in events if self._passes(event, ordeal)]
        self.told_limit = (
            self.limit if any(_field(event, "upload-limit") for event in passed) else self.told_limit
        )
        if send.method == "POST":
            self.reached = any(_field(event, "location") for event in passed)
        return passed

    def stated(self, send: Send, event: Event) -> int:
        """Return the offset that the client has heard of, if it can resume there."""
        offset = _field(event, "upload-offset")
        if isinstance(event, Informational):
            mine = _field(event, "upload-draft-interop-version") == str(self.interop)
            return int(offset or 0) if mine and self.reached else 0
        success = isinstance(event, Response) and event.status // 100 == 2
        return int(offset) if offset else send.stop if success and send.has_body else 0

    def copies(self, whole: bytes) -> int:
        """Return how often *whole* is stored and complete."""
        return sum(stored.complete and bytes(stored.data) == whole for stored in self.uploads.values())

    # Serving

    def well(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        return self._taken(send, body, ordeal, sent=len(body))

    def _taken(self, send: Send, body: bytes, ordeal: Ordeal, sent: int) -> list[Event]:
        """Serve a request of which the server takes *body*, and that much was *sent*."""
        if send.method == "DELETE":
            raise AssertionError("an upload is given up though the server is honest")
        if send.method == "HEAD":
            return [self._described(send)]
        created, target = self._created(send)
        upload = self.uploads.get(target)
        if upload is None:
            return [Response(404, (), sent)]
        if len(upload.data) != send.start:
            return [self._mismatch(upload, sent)]
        whole = len(body) == send.stop - send.start
        self._take(upload, send, body, completes=whole)
        interim = self._interim(upload, send, len(body), ordeal)
        return [*created, *interim, self._answer(target, upload, send, sent)]

    def _described(self, send: Send) -> Response:
        upload = self.uploads.get(send.target)
        if upload is None:
            return Response(404, (), 0)
        length = (("upload-length", str(upload.length)),) if upload.length is not None else ()
        headers = (self._offset(upload), self._completeness(upload.complete), *length, *self._limits())
        return Response(204, (*headers, ("cache-control", "no-store")), 0)

    def _mismatch(self, upload: Stored, sent: int) -> Response:
        return Response(409, (self._offset(upload), self._completeness(False)), sent)

    def _created(self, send: Send) -> tuple[list[Event], str]:
        """Make the upload of a creation; return the 104 that tells of it, and its URL."""
        if send.method != "POST":
            return [], send.target
        path = f"/resumable/{len(self.uploads) + 1}"
        length = dict(send.headers).get("Upload-Length")
        complete = self._says_complete(send)
        self.uploads[ROOT + path] = Stored(int(length) if length else send.stop if complete else None)
        self.forgot = False
        return [self._104(("location", path), *self._limits())], ROOT + path

    def _take(self, upload: Stored, send: Send, body: bytes, *, completes: bool) -> None:
        upload.data += body
        upload.late = None  # an old connection ends when a newer request appends
        if completes and self._says_complete(send):
            upload.complete, upload.length = True, len(upload.data)

    def _interim(self, upload: Stored, send: Send, kept: int, ordeal: Ordeal) -> list[Event]:
        """Tell how far it is, as far as it is."""
        if self.interop < 5:
            return []
        told = sorted(send.start + count % (kept + 1) for count in ordeal.told)
        upload.promised = max([upload.promised, *told])
        return [self._104(("upload-offset", str(offset))) for offset in told]

    def _answer(self, target: str, upload: Stored, send: Send, sent: int) -> Response:
        creating = send.method == "POST"
        place = (("location", target.removeprefix(ROOT)),) if creating else ()
        says = self.interop == 9 or not creating or not upload.complete
        complete = (self._completeness(upload.complete),) if says else ()
        if self.interop < 7 and upload.complete:
            complete = ()
        partial = self.interop >= 7 and len(upload.data) < send.stop
        offset = (self._offset(upload),) if self.interop < 7 or partial else ()
        upload.promised = len(upload.data)
        status = 200 if upload.complete else 201 if creating or self.interop < 7 else 204
        return Response(status, (*place, *complete, *offset, *self._limits()), sent)

    # Fates

    def lost(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        seen = [event for event in self.well(send, body, ordeal) if isinstance(event, Informational)]
        return [*seen, Interrupted(Cause.CLOSED, len(body))]

    def cut(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        fate = ordeal.fate
        assert isinstance(fate, Cut)
        arrived = fate.arrived % (len(body) + 1)
        taken = arrived + fate.ahead % (len(body) - arrived + 1)
        kept = fate.kept % (arrived + 1)
        late = body[kept : kept + fate.late % (arrived - kept + 1)]
        seen = self._keep(send, body[:kept], ordeal, late)
        return [*seen, Interrupted(Cause.RESET, taken)]

    def _keep(self, send: Send, body: bytes, ordeal: Ordeal, late: bytes = b"") -> list[Event]:
        """Keep a part of what a request brought, without a final answer."""
        created, target = self._created(send)
        upload = self.uploads.get(target)
        if send.method not in ("POST", "PATCH") or upload is None or len(upload.data) != send.start:
            return created
        length = send.stop - send.start
        self._take(upload, send, body, completes=len(body) == length and length > 0)
        upload.late = (len(upload.data), late, len(body) + len(late) == length) if late else None
        return [*created, *self._interim(upload, send, len(body), ordeal)]

    def refusal(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        fate = ordeal.fate
        assert isinstance(fate, Refusal)
        status, headers = FOR_A_WHILE[fate.which % len(FOR_A_WHILE)]
        seen = self._keep(send, body[: fate.kept % (len(body) + 1)], ordeal)
        return [*seen, Response(status, headers, len(body))]

    def part(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        """Answer before all was sent, with how much was kept."""
        fate = ordeal.fate
        assert isinstance(fate, Part)
        kept = fate.kept % (len(body) + 1)
        return self._taken(send, body[:kept], ordeal, sent=kept)

    def forget(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        if self.uploads.pop(send.target, None) is None:
            return self.well(send, body, ordeal)
        self.forgot = True
        return [Response(404, (), len(body))]

    def crash(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        fate = ordeal.fate
        assert isinstance(fate, Crash)
        seen = self._keep(send, body[: fate.arrived % (len(body) + 1)], ordeal)
        upload = self.uploads.get(send.target)
        if upload and not upload.complete:
            del upload.data[upload.promised + fate.more % (len(upload.data) - upload.promised + 1) :]
            upload.late = None
        return [*seen, Interrupted(Cause.CLOSED, len(body))]

    def limited(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        assert isinstance(ordeal.fate, Limit)
        self.limit = ordeal.fate if self.interop >= 6 else self.limit
        return self.well(send, body, ordeal)

    def too_large(self, send: Send, body: bytes, ordeal: Ordeal) -> list[Event]:
        assert isinstance(ordeal.fate, TooLarge)
        if self.interop < 6 or len(body) <= ordeal.fate.most:
            return self.well(send, body, ordeal)
        self.limit = Limit(ordeal.fate.most)
        return [Response(413, self._limits(), 0)]

    def redirect(self, send: Send, _body: bytes, ordeal: Ordeal) -> list[Event]:
        assert isinstance(ordeal.fate, Redirect)
        return [Response(ordeal.fate.status, (("location", send.target + "?moved"),), 0)]

    # Words

    def _offset(self, upload: Stored) -> tuple[str, str]:
        upload.promised = len(upload.data)
        return "upload-offset", str(upload.promised)

    def _completeness(self, complete: bool) -> tuple[str, str]:
        if self.interop == 3:
            return "upload-incomplete", "?0" if complete else "?1"
        return "upload-complete", "?1" if complete else "?0"

    def _limits(self) -> Headers:
        if self.interop < 6:
            return ()
        most = f", max-append-size={self.limit.most}" if self.limit.most is not None else ""
        return (("upload-limit", f"min-size=0, min-append-size={self.limit.least}{most}"),)

    def _104(self, *headers: tuple[str, str]) -> Informational:
        return Informational(104, (("upload-draft-interop-version", str(self.interop)), *headers))

    def _says_complete(self, send: Send) -> bool:
        if self.interop == 3:
            return dict(send.headers)["Upload-Incomplete"] == "?0"
        return dict(send.headers)["Upload-Complete"] == "?1"

    # What is between

    def _passes(self, event: Event, ordeal: Ordeal) -> bool:
        return ordeal.location or not isinstance(event, Informational) or not _field(event, "location")

    def _arrive(self, upload: Stored | None, late: tuple[int, bytes, bool] | None) -> None:
        """Take what came late, unless something else happened to the upload meanwhile."""
        if upload is None or late is None or late is not upload.late:
            return
        upload.late = None
        if late[0] == len(upload.data) and not upload.complete:
            upload.data += late[1]

    def _check(self, send: Send, body: bytes) -> None:
        """Assert that *send* carries what its version wants."""
        headers = dict(send.headers)
        assert len(headers) == len(send.headers), "a field is sent twice"
        assert headers["Upload-Draft-Interop-Version"] == str(self.interop)
        assert send.stop - send.start == len(body) and send.has_body == (send.method in ("POST", "PATCH"))
        own = {name for name in headers if name.startswith("Upload-")} - {"Upload-Draft-Interop-Version"}
        word = "Upload-Incomplete" if self.interop == 3 else "Upload-Complete"
        length = {"Upload-Length"} if self.interop >= 6 else set()
        assert own == {"POST": {word} | length, "PATCH": {word, "Upload-Offset"}}.get(send.method, set())
        if send.method == "PATCH":
            assert headers["Upload-Offset"] == str(send.start)
            assert ("Content-Type" in headers) == (self.interop >= 6)
            assert headers.get("Content-Type", "application/partial-upload") == "application/partial-upload"
            assert body or self._says_complete(send), "an append carries something or completes"
        if send.method == "PATCH" or (send.method == "POST" and self.interop == 9 and body):
            limit = self.told_limit
            assert limit.most is None or len(body) <= limit.most, "more than max-append-size"
            assert self._says_complete(send) or len(body) >= limit.least, "less than min-append-size"


_FATES = {
    Well: IetfServer.well,
    Lost: IetfServer.lost,
    Cut: IetfServer.cut,
    Refusal: IetfServer.refusal,
    Part: IetfServer.part,
    Forget: IetfServer.forget,
    Crash: IetfServer.crash,
    Limit: IetfServer.limited,
    TooLarge: IetfServer.too_large,
    Redirect: IetfServer.redirect,
}


def _at_its_place(send: Send) -> Send:
    return replace(send, target=send.target.removesuffix("?moved"))


def _field(event: Event, name: str) -> str | None:
    return dict(event.headers).get(name) if isinstance(event, Informational | Response) else None


def play(
    machine: Machine, server: IetfServer, whole: bytes, ordeals: Sequence[Ordeal], requests: int = 1000
) -> Story:
    """Run *machine* to its end, or through that many *requests*, and hold it to its promises."""
    story, coming = Story(), iter(ordeals)
    for _ in range(2 * requests + 1):  # every request may be followed by one wait
        step = machine.next()
        if isinstance(step, Done | Failed):
            story.end = step
            return story
        if isinstance(step, Wait):
            story.waits.append(step)
            continue
        assert isinstance(step, Send)
        if step.has_body and step.stop:
            assert step.start == story.known, f"sends from {step.start}, {story.known} is acknowledged"
        story.sends.append(step)
        ordeal = next(coming, Ordeal())
        events = server.serve(step, whole[step.start : step.stop], ordeal)
        if ordeal.strange:
            claim = (("upload-draft-interop-version", "2"), ("upload-offset", str(len(whole))))
            events = [Informational(103, claim), Informational(104, claim), *events]
        for event in events:
            _take(machine, server, step, event, story)
    return story


def _take(machine: Machine, server: IetfServer, step: Send, event: Event, story: Story) -> None:
    before = machine.offset
    notes = machine.receive(event)
    story.notes += notes
    restarted = any(isinstance(note, Restarted) for note in notes)
    assert not restarted or server.forgot or not server.reached, "begins again an upload it can reach"
    story.known = 0 if restarted else max(story.known, server.stated(step, event))
    assert machine.offset >= before or restarted, "the offset decreased"
    assert machine.offset <= story.known, "the machine claims more than the server said"
