"""tus 1.0.0 in parallel parts: partial uploads side by side, which a last request makes one.

Sections are cited by title from protocol.md in tus/tus-resumable-upload-protocol ("Concatenation").

    APPEND: Fork of partial uploads --all done--> COMPLETE: POST Upload-Concat: final;URL URL --201--> DONE
       ^                                             |   ^
       +--- 403, 404, 410: a part is gone -----------+   +--- cut, 5xx: made again

- A final POST whose answer got lost may have been obeyed. It is made again, since nobody knows the
  first one's URL: a second copy on the server, of the same bytes, is all the harm.
- A server that no longer has a part refuses to join: each part then asks for its own upload, and only
  the one that is gone is sent again. So does a part that is forgotten under way.
- The first part that fails stops the others before their next request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from simulator.protocols.core import Answer, Job, Kind, Notes, State
from simulator.protocols.fields import field, resolved, shown, whole_number
from simulator.protocols.machine import Acknowledged, Done, Failed, Fork, Joined, Machine, Note, Send, Step
from simulator.protocols.machine import Breach as Broken
from simulator.protocols.resuming import RESTARTS
from simulator.protocols.tus import Tus
from simulator.protocols.tus_endings import TERMINATION, Ending
from simulator.protocols.tus_fields import (
    CONCATENATION,
    TUS_RESUMABLE,
    VERSION,
    over,
    status_breach,
    too_large,
    version_breach,
)

MOST_PARTS = 16


def make_tus(job: Job) -> Machine:
    """Return the machine of one upload: in parts when the job's ``parallel`` says so."""
    return TusParallel(job) if job.options.get("parallel", 1) > 1 else Tus(job)


@dataclass
class Crew:
    """What the parts of one upload know of each other. ``failed`` is why the first of them did."""

    failed: str = ""


class Part(Tus):
    """A partial upload of the bytes from *start* on; requests and notes count in the whole representation."""

    def __init__(self, job: Job, start: int, crew: Crew) -> None:
        super().__init__(job, partial=True)
        self._start = start
        self._crew = crew

    @property
    def location(self) -> str:
        """Return the URL of the partial upload, empty while there is none."""
        return self._location

    def ask_again(self) -> None:
        """Look whether the server still has a part that was done, and send what it has not."""
        self._state, self._end = State.QUERY, None

    def next(self) -> Step:
        """Return what to do now; nothing more, once another part failed."""
        if self._crew.failed and self._asked is None and self._end is None and not self._why:
            self._fail(f"another part failed: {self._crew.failed}")
            if self._doomed:
                self._state, self._pause = State.CANCEL, None
        return super().next()

    def _fail(self, why: str) -> Notes:
        self._crew.failed = self._crew.failed or why
        return super()._fail(why)

    def _request(self) -> Send:
        return _moved(super()._request(), self._start)

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        notes, follows = super()._take(_moved(asked, -self._start), answer)
        return tuple(_told(note, self._start) for note in notes), follows


class TusParallel(Ending):
    """One upload as several partial ones. The option ``parallel`` is how many, at most."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._crew = Crew()
        self._parts = tuple(Part(replace(job, size=size), start, self._crew) for start, size in _slices(job))
        self._state = State.APPEND
        self._left_over: list[str] = []  # parts of an upload that failed, still to be taken away
        self._rounds = 0  # times that the server would not join parts that were whole
        most = job.options.get("max-size")
        if most is not None and job.size > most:
            self._fail(over(most, job.size))

    @property
    def offset(self) -> int:
        """Return how many bytes the server acknowledged, of all parts together."""
        return sum(part.offset for part in self._parts)

    def _request(self) -> Send | Fork:
        if self._state is State.APPEND:
            return Fork(self._parts, len(self._parts))
        if self._state is State.CANCEL:
            return self._termination()
        return self._wording.joining(part.location for part in self._parts)

    def _joined(self, event: Joined) -> tuple[Notes, State]:
        for end in event.ends:
            if isinstance(end, Failed):
                self._fail(self._crew.failed or end.why)
                return (), State.CANCEL
        assert all(isinstance(end, Done) for end in event.ends)
        return (), State.COMPLETE

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        handle, follows = TRANSITIONS[self._state][answer.kind]
        notes = handle(self, asked, answer)
        return notes, State.CANCEL if self._doomed else follows

    def _made(self, asked: Send, answer: Answer) -> Notes:
        notes = self._survived(version_breach(answer), status_breach(answer, 201, CONCATENATION))
        place = field(answer.headers, "location") or ""
        location = resolved(asked.target, place) if place else None
        if location is None:
            return notes + self._broken(Broken(CONCATENATION, f"Location is {shown(place)}, not an http URL"))
        offset = field(answer.headers, "upload-offset")
        if offset is not None and whole_number(offset) != self._job.size:
            why = f"Upload-Offset of the final upload is {shown(offset)}, its parts have {self._job.size}"
            return notes + self._broken(Broken(CONCATENATION, why))
        self._finish(location)
        return notes

    def _part_gone(self, asked: Send, answer: Answer) -> Notes:
        """Find out which part: those that the server still has are not sent again."""
        self._rounds += 1
        if self._rounds > RESTARTS:
            return self._fail(
                f"the server does not join its parts: {asked.method} was answered {answer.words}"
            )
        self._back_off(asked, answer)
        for part in self._parts:
            part.ask_again()
        return ()

    def _too_large(self, asked: Send, answer: Answer) -> Notes:
        if why := too_large(answer.headers, self._job.size):
            return self._fail(f"{asked.method} was answered {answer.words}: {why}")
        return self._refuse(asked, answer)

    def _other_version(self, asked: Send, answer: Answer) -> Notes:
        spoken = field(answer.headers, "tus-version")
        known = f"the server speaks tus {spoken or 'of no version it names'}, this client {VERSION}"
        self._fail(f"{asked.method} was answered {answer.words}: {known}")
        return () if spoken else (Broken(TUS_RESUMABLE, "412 without Tus-Version"),)

    def _doom(self) -> None:
        """Have every part taken away that its own machine did not: those that were done."""
        if self._terminates and not self._doomed:
            self._left_over = self._left_over or [part.location for part in self._parts if part.location]
            self._doomed = self._left_over.pop() if self._left_over else ""

    def _left(self, asked: Send, answer: Answer) -> Notes:
        """Take the next part away; when none is left, the upload has failed."""
        self._terminations = 0
        self._doomed = self._left_over.pop() if self._left_over else ""
        return () if self._doomed else super()._left(asked, answer)


def _slices(job: Job) -> list[tuple[int, int]]:
    """Return start and length of each part: as equal as bytes allow, none empty but of an empty upload."""
    count = max(1, min(job.options["parallel"], job.size))
    bounds = [job.size * number // count for number in range(count + 1)]
    return [(start, stop - start) for start, stop in pairwise(bounds)]


def _moved(send: Send, by: int) -> Send:
    return replace(send, start=send.start + by, stop=send.stop + by)


def _told(note: Note, by: int) -> Note:
    if isinstance(note, Acknowledged):
        return replace(note, start=note.start + by, offset=note.offset + by)
    return note


Handler = Callable[[TusParallel, Send, Answer], Notes]
TRANSITIONS: dict[State, dict[Kind, tuple[Handler, State]]] = {
    State.COMPLETE: {
        Kind.SUCCESS: (TusParallel._made, State.DONE),
        Kind.INTERRUPTED: (TusParallel._back_off, State.COMPLETE),
        Kind.TRANSIENT: (TusParallel._back_off, State.COMPLETE),
        Kind.BUSY: (TusParallel._blocked, State.COMPLETE),
        Kind.LOCKED: (TusParallel._blocked, State.COMPLETE),
        Kind.CONFLICT: (TusParallel._blocked, State.COMPLETE),
        Kind.GONE: (TusParallel._part_gone, State.APPEND),
        Kind.VERSION: (TusParallel._other_version, State.FAILED),
        Kind.TOO_LARGE: (TusParallel._too_large, State.FAILED),
        Kind.CHECKSUM: (TusParallel._refuse, State.FAILED),
        Kind.REFUSED: (TusParallel._refuse, State.FAILED),
    },
    State.CANCEL: {**TERMINATION},
}
