"""What a script makes of the requests that pass: decisions only, no sockets, no clock.

    Core.arrive(head) -> Passage          one for each request
        begin()          -> verbs         head
        take(data)       -> verbs         body, in slices of any size
        end()            -> verbs         the request was forwarded whole
        inform(head)     -> verbs         a 1xx answer
        answer(head)     -> verbs         the final answer's head
        take_answer(data)-> verbs         its body
        expire()         -> verbs         the instant ``deadline`` came

Verbs are to be done in order, and after a ``Reply`` or an ``End`` the passage is over. What a
passage says does not depend on how a body is sliced. Without steps all passes as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from simulator.links.gateway.actions import ACTIONS
from simulator.links.gateway.verbs import (
    BODILESS,
    LAST,
    AnswerHead,
    Delay,
    Fired,
    Forward,
    Head,
    Interim,
    Pass,
    PassAnswer,
    PassInterim,
    Verb,
)
from simulator.weather.hop_kinds import Place
from simulator.weather.hops import Step, When

UPLOAD_FIELD = (
    "Simsim-Upload"  # "user/arm/upload": simsim's own clients say whose request it is; never forwarded
)


@dataclass
class Tally:
    """What one step has seen and done in one scope."""

    seen: int = 0
    fired: int = 0
    since: float | None = None  # its first firing

    def spent(self, step: Step, now: float) -> bool:
        """Return whether the step may not fire any more."""
        if step.times is not None and self.fired >= step.times:
            return True
        return step.lasts is not None and self.since is not None and now - self.since > step.lasts

    def fire(self, now: float) -> None:
        """Count one firing."""
        self.fired += 1
        self.since = now if self.since is None else self.since


@dataclass
class Armed:
    """A step that has chosen a request, with the byte at which it strikes where that is in a body."""

    step: Step
    tally: Tally
    order: int
    offset: int = 0

    @property
    def key(self) -> tuple[int, bool, int]:
        """Return the order of marks in a body: those that wait for their byte come last at an offset."""
        return self.offset, self.waits, self.order

    @property
    def waits(self) -> bool:
        """Return whether it strikes only once the byte at its offset is there."""
        return self.step.do.row.needs_byte or self.step.when.over is not None


@dataclass
class Body:
    """One direction's body: how many bytes passed, and the marks that are still ahead."""

    passed: int = 0
    marks: list[Armed] = field(default_factory=list)

    def add(self, mark: Armed) -> None:
        """Put a mark in its place."""
        self.marks.append(mark)
        self.marks.sort(key=lambda item: item.key)

    def due(self, more: bool) -> Armed | None:
        """Take out the next mark if it is reached; *more* says that the byte after ``passed`` is there."""
        if self.marks and self.marks[0].offset <= self.passed and (more or not self.marks[0].waits):
            return self.marks.pop(0)
        return None

    def room(self, length: int) -> int:
        """Return how many of *length* bytes may pass before the next mark."""
        return length if not self.marks else min(length, max(0, self.marks[0].offset - self.passed))


class Core:
    """A script, and what it has counted over all requests of one hop."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._serials = count()

    def arrive(self, head: Head, *, connection: int, opened: float, now: float) -> Passage:
        """Return the way of one request; *connection* came into being at *opened*."""
        upload = head.get(UPLOAD_FIELD)
        scopes = {
            "upload": f"upload {upload}" if upload is not None else f"target {head.target}",
            "target": head.target,
            "connection": str(connection),
            "hop": "",
        }
        return Passage(self, head.without(UPLOAD_FIELD), next(self._serials), upload, scopes, (opened, now))

    def tally(self, step: Step, scopes: dict[str, str]) -> Tally:
        """Return the counts of *step* in its scope."""
        return self._tallies.setdefault((step.id, scopes[step.when.per]), Tally())


class Passage:
    """One request's way through the hop."""

    def __init__(
        self,
        core: Core,
        head: Head,
        serial: int,
        upload: str | None,
        scopes: dict[str, str],
        instants: tuple[float, float],
    ) -> None:
        self.head = head
        self.serial = serial
        self.upload = upload
        self.over = False
        self.whole = False  # the request was forwarded whole
        self.deadline: float | None = None
        self._core = core
        self._scopes = scopes
        self._interims = 0
        self._up, self._down = Body(), Body()
        self._at: dict[Place, list[Armed]] = {}
        self._arm(*instants)

    @property
    def body(self) -> int:
        """Return how many bytes of the request's body passed."""
        return self._up.passed

    def begin(self, now: float) -> list[Verb]:
        """The request's head is there."""
        head, verbs = self._strike_all(Place.HEAD, self.head, now)
        if self.over:
            return verbs
        verbs.append(Forward(head))
        return verbs + self._marks(self._up, b"", now)[1]

    def take(self, data: bytes, now: float) -> list[Verb]:
        """Bytes of the request's body are there."""
        return self._passing(self._up, data, now)

    def end(self, now: float) -> list[Verb]:
        """The request was forwarded whole."""
        self.whole = True
        return self._strike_all(Place.END, None, now)[1]

    def inform(self, head: AnswerHead, now: float) -> list[Verb]:
        """A 1xx answer is there."""
        if head.status == 100:
            return [PassInterim(head)]
        subject: Interim | None = Interim(head, self._interims)
        self._interims += 1
        verbs: list[Verb] = []
        for armed in self._at.get(Place.INTERIM, ()):
            subject, more = self._strike(armed, subject, now)
            verbs += more
            if subject is None:
                return [verb for verb in verbs if not isinstance(verb, Delay)]
        delay = sum(verb.seconds for verb in verbs if isinstance(verb, Delay))
        return [*(verb for verb in verbs if not isinstance(verb, Delay)), PassInterim(head, delay)]

    def answer(self, head: AnswerHead, now: float) -> list[Verb]:
        """The head of the final answer is there."""
        self._arm_by_answer(head)
        head, verbs = self._strike_all(Place.ANSWER, head, now)
        if self.over:
            return verbs
        verbs.append(PassAnswer(head))
        return verbs + self._marks(self._down, b"", now)[1]

    def take_answer(self, data: bytes, now: float) -> list[Verb]:
        """Bytes of the final answer's body are there."""
        return self._passing(self._down, data, now)

    def expire(self, now: float) -> list[Verb]:
        """The ``deadline`` came."""
        self.deadline = None
        return self._strike_all(Place.AGE, None, now)[1]

    def _arm(self, opened: float, now: float) -> None:
        for order, step in enumerate(self._core.steps):
            if not matches(step.when, self.head) or step.when.status is not None:
                continue
            armed = Armed(step, self._core.tally(step, self._scopes), order)
            place, offset = _placed(step, self.head)
            if place is Place.BODY and (
                offset is None or not _reached(offset, self.head.length, armed.waits)
            ):
                continue  # a step at a byte is for requests that can have this byte
            if not self._chosen(armed):
                continue
            armed.offset = offset or 0
            if place is Place.BODY:
                self._up.add(armed)
            elif place is Place.AGE:
                self._age(armed, opened, now)
            else:
                self._at.setdefault(place, []).append(armed)

    def _age(self, armed: Armed, opened: float, now: float) -> None:
        do = armed.step.do
        assert do.after is not None
        instant = (now if do.since == "request" else opened) + do.after
        if self.deadline is None or instant < self.deadline:
            self.deadline = instant
            self._at[Place.AGE] = [armed]

    def _arm_by_answer(self, head: AnswerHead) -> None:
        """Arm what could not be before the answer was known."""
        for order, step in enumerate(self._core.steps):
            if step.when.status is None or not matches(step.when, self.head):
                continue
            if _status_matches(step.when.status, head.status):
                armed = Armed(step, self._core.tally(step, self._scopes), order)
                if self._chosen(armed):
                    self._at.setdefault(step.at.place, []).append(armed)
        length = 0 if self.head.method == "HEAD" or head.status in BODILESS else head.length
        for armed in self._at.pop(Place.ANSWER_BODY, ()):
            offset = armed.step.at.byte(length)
            if offset is not None and length != 0:
                armed.offset = offset
                self._down.add(armed)
        self._at.get(Place.ANSWER, []).sort(key=lambda item: item.order)

    def _chosen(self, armed: Armed) -> bool:
        """Count the request and return whether it is one of those that the step chooses."""
        tally, when = armed.tally, armed.step.when
        tally.seen += 1
        if when.nth is not None:
            return tally.seen == when.nth
        if when.every is not None:
            return tally.seen % when.every == 0
        return when.first is None or tally.seen <= when.first

    def _passing(self, body: Body, data: bytes, now: float) -> list[Verb]:
        verbs: list[Verb] = []
        while data and not self.over:
            data, more = self._marks(body, data, now)
            verbs += more
            room = body.room(len(data))
            if self.over or not room:
                continue
            verbs.append(Pass(data[:room]))
            body.passed += room
            data = data[room:]
            if not data:
                verbs += self._marks(body, b"", now)[1]
        return verbs

    def _marks(self, body: Body, data: bytes, now: float) -> tuple[bytes, list[Verb]]:
        """Strike what is due; return *data*, its first byte changed if a step did that."""
        verbs: list[Verb] = []
        while not self.over and (mark := body.due(bool(data))) is not None:
            first, more = self._strike(mark, data[:1], now)
            verbs += more
            if first != data[:1]:
                data = first + data[1:]
        return data, verbs

    def _strike_all(self, place: Place, subject: Any, now: float) -> tuple[Any, list[Verb]]:
        verbs: list[Verb] = []
        for armed in self._at.get(place, ()):
            if self.over:
                break
            subject, more = self._strike(armed, subject, now)
            verbs += more
        return subject, verbs

    def _strike(self, armed: Armed, subject: Any, now: float) -> tuple[Any, list[Verb]]:
        step = armed.step
        if armed.tally.spent(step, now) or (step.do.kind == "drop-answer" and not self.whole):
            return subject, []
        changed, verbs = ACTIONS[step.do.kind](step.do, subject)
        if not verbs and changed == subject:
            return subject, []  # it had nothing to change: that is no firing
        armed.tally.fire(now)
        self.over = any(isinstance(verb, LAST) for verb in verbs)
        return changed, [Fired(step.id, step.do.label, self._up.passed), *verbs]


def matches(when: When, head: Head) -> bool:
    """Return whether a request's head is what *when* asks for; its count and its answer are not looked at."""
    if when.method and head.method not in when.method:
        return False
    if when.path is not None and not fnmatchcase(_path(head.target), when.path):
        return False
    if when.over is not None and head.length is not None and head.length <= when.over:
        return False
    return all(fnmatchcase(head.get(name) or "", glob) for name, glob in when.header.items())


def _path(target: str) -> str:
    """Return the path of a target in origin or absolute form (RFC 9112, "Request Target")."""
    try:
        return target.partition("?")[0] if target.startswith("/") else urlsplit(target).path
    except ValueError:
        return target


def _placed(step: Step, head: Head) -> tuple[Place, int | None]:
    """Return where a step strikes this request, and the byte where that is in its body."""
    when = step.when
    if when.over is None:
        return step.at.place, step.at.byte(head.length)
    if head.length is not None and step.at.place is Place.HEAD:
        return Place.HEAD, None  # the length that it announces is enough
    return Place.BODY, when.over


def _reached(offset: int, length: int | None, waits: bool) -> bool:
    """Return whether a body of *length* bytes, unless it is empty, can come to *offset*."""
    if length is None:
        return True
    return length > 0 and (offset < length or (offset == length and not waits))


def _status_matches(wanted: str, status: int) -> bool:
    return wanted == str(status) or (wanted.endswith("xx") and wanted[0] == str(status)[0])
