"""tus 1.0.0 with the creation and creation-with-upload extensions.

Sections are cited by title from protocol.md in tus/tus-resumable-upload-protocol.

    CREATE --201--> APPEND --204, more to come--> APPEND --204, all there--> DONE
      ^               |  ^
      |   cut, 409,   |  | offset known
      |   423, 5xx... v  |
      +--404, 410-- QUERY --the offset is the size--> DONE

- What is acknowledged is never sent again; after any doubt a HEAD comes first.
- A creation whose answer got lost is made again, since nobody knows its URL: an upload nobody can
  reach (an orphan) may stay on the server. The protocol has no cure for it.
- A HEAD that shows the whole length ends the upload, even after an append that was answered 5xx:
  tus gives an application no other way to refuse than that status, and no client can tell.
- A ``Location`` on another host is followed, with the job's own headers (so its authorization);
  whether there is a way to it is for the driver to say.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.protocols.core import Answer, Job, Kind, Notes, State, UploadMachine
from simulator.protocols.fields import field, resolved
from simulator.protocols.machine import Acknowledged, Breach, Headers, Restarted, Send
from simulator.protocols.tus_fields import (
    CONTENT_TYPE,
    HEAD,
    PATCH,
    POST,
    TUS_RESUMABLE,
    VERSION,
    WITH_UPLOAD,
    caching_breach,
    creation_fields,
    length_breach,
    no_length_breach,
    shown,
    stated_offset,
    status_breach,
    version_breach,
)
from simulator.records import Purpose

RESTARTS = 10  # in a row that got no further than an earlier life; then the server forgets uploads
SMALLEST_PIECE = 64 * 1024  # bytes; a hop that takes less than this in one request takes no uploads


class Tus(UploadMachine):
    """One upload over tus. The option ``creation-with-upload`` puts the first piece into the creation."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._with_upload = bool(job.options.get("creation-with-upload"))
        self._piece = job.policy.piece
        self._location = ""
        self._reached = 0  # end of what was ever sent to this upload: the server cannot have more
        self._furthest = 0  # highest offset acknowledged, restarts or not
        self._restarts = 0  # in a row, without getting further
        self._conflicts = 0  # 409 in a row, without progress
        self._noted: frozenset[str] = frozenset()  # breaches that were survived are told once

    # Requests

    def _request(self) -> Send:
        return REQUESTS[self._state](self)

    def _creation(self) -> Send:
        stop = self._piece_end() if self._with_upload else 0
        content_type = (("Content-Type", CONTENT_TYPE),) if stop else ()
        headers = self._headers(*creation_fields(self._job.size, self._job.filename), *content_type)
        return Send(Purpose.CREATE, "POST", self._job.endpoint, headers, 0, stop, has_body=True)

    def _append(self) -> Send:
        headers = self._headers(("Upload-Offset", str(self._offset)), ("Content-Type", CONTENT_TYPE))
        stop = self._piece_end()
        return Send(Purpose.APPEND, "PATCH", self._location, headers, self._offset, stop, has_body=True)

    def _query(self) -> Send:
        return Send(Purpose.QUERY, "HEAD", self._location, self._headers())

    def _headers(self, *own: tuple[str, str]) -> Headers:
        return (("Tus-Resumable", VERSION), *own, *self._job.headers)

    def _piece_end(self) -> int:
        left = self._job.size - self._offset
        return self._offset + (left if self._piece is None else min(left, self._piece))

    # Answers

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        self._reached = max(self._reached, asked.start + answer.sent)
        handle, follows = TRANSITIONS[self._state][answer.kind]
        return handle(self, asked, answer), follows

    def _created(self, asked: Send, answer: Answer) -> Notes:
        place = field(answer.headers, "location")
        if not place:
            return self._broken(Breach(POST, f"{answer.words} without Location"))
        location = resolved(asked.target, place)
        if location is None:
            return self._broken(Breach(POST, f"Location is {shown(place)}, not an http URL"))
        self._location = location
        notes = self._survived(version_breach(answer), status_breach(answer, 201, POST))
        if asked.stop:
            return notes + self._told(asked, answer, WITH_UPLOAD)
        self._end_if_whole()
        return notes

    def _appended(self, asked: Send, answer: Answer) -> Notes:
        notes = self._survived(version_breach(answer), status_breach(answer, 204, PATCH))
        return notes + self._told(asked, answer, PATCH)

    def _told(self, asked: Send, answer: Answer, rule: str) -> Notes:
        """Take the offset that answers content; a server may keep a part and say so."""
        offset = self._believed(answer, rule, asked.start + answer.sent)
        if isinstance(offset, Breach):
            return self._broken(offset)
        if offset == asked.start:
            self._back_off(asked, answer)  # nothing went wrong, yet nothing was kept: not again at once
        return self._advance(Acknowledged(offset, "final"))

    def _queried(self, _asked: Send, answer: Answer) -> Notes:
        notes = self._survived(version_breach(answer), no_length_breach(answer), caching_breach(answer))
        breach = length_breach(answer.headers, self._job.size)
        offset = breach or self._believed(answer, HEAD, self._reached)
        if isinstance(offset, Breach):
            return notes + self._broken(offset)
        return notes + self._advance(Acknowledged(offset, "query"))

    def _believed(self, answer: Answer, rule: str, reached: int) -> int | Breach:
        return stated_offset(answer.headers, rule, known=self._offset, reached=reached, size=self._job.size)

    def _advance(self, said: Acknowledged) -> Notes:
        if said.offset > self._offset:
            self._backoff.progressed()
            self._conflicts = 0
        if said.offset > self._furthest:
            self._furthest, self._restarts = said.offset, 0
        self._offset = said.offset
        self._end_if_whole()
        return (said,)

    def _end_if_whole(self) -> None:
        if self._offset == self._job.size:
            self._finish(self._location)

    # Refusals

    def _conflict(self, asked: Send, answer: Answer) -> Notes:
        """Ask for the offset: at once after a first 409, with a pause when the answer did not help."""
        self._conflicts += 1
        return self._blocked(asked, answer) if self._conflicts > 1 else ()

    def _create_again(self, asked: Send, answer: Answer) -> Notes:
        """Whether the creation was made is not known, nor its URL: content sent with it is lost."""
        self._back_off(asked, answer)
        return self._anew(asked, answer)

    def _create_later(self, asked: Send, answer: Answer) -> Notes:
        self._blocked(asked, answer)
        return self._anew(asked, answer)

    def _forgotten(self, asked: Send, answer: Answer) -> Notes:
        """Start a new upload (Expiration, Upload-Expires: "the Client SHOULD start a new upload")."""
        self._restarts += 1
        if self._restarts > RESTARTS:
            return self._fail(f"the server forgets uploads: {asked.method} was answered {answer.words} again")
        self._back_off(asked, answer)
        return self._anew(asked, answer)

    def _anew(self, asked: Send, answer: Answer) -> Notes:
        """Leave what was sent behind; a creation that carried nothing yet begins nothing again."""
        if self._end is not None:
            return ()
        again = asked.purpose is not Purpose.CREATE or answer.sent > 0
        self._offset = self._reached = self._conflicts = 0
        return (Restarted(f"{asked.method}: {answer.words}"),) if again else ()

    def _other_version(self, asked: Send, answer: Answer) -> Notes:
        """Say which versions the server speaks; a 412 must name them (Headers: Tus-Resumable)."""
        spoken = field(answer.headers, "tus-version")
        known = f"the server speaks tus {spoken or 'of no version it names'}, this client {VERSION}"
        self._fail(f"{asked.method} was answered {answer.words}: {known}")
        return () if spoken else (Breach(TUS_RESUMABLE, "412 without Tus-Version"),)

    def _too_large_creation(self, asked: Send, answer: Answer) -> Notes:
        """A creation with content may be too large as a request only: try it empty. Else the upload is."""
        if not asked.stop or field(answer.headers, "tus-max-size") is not None:
            return self._refuse(asked, answer)
        self._with_upload = False
        return self._anew(asked, answer)

    def _too_large_piece(self, asked: Send, answer: Answer) -> Notes:
        length = asked.stop - asked.start
        if length <= SMALLEST_PIECE:
            return self._fail(f"PATCH with {length} bytes was answered {answer.words}")
        self._piece = max(SMALLEST_PIECE, length // 2)
        return ()

    def _survived(self, *breaches: Breach | None) -> Notes:
        """Return the breaches that do not end the upload, each rule's first one only."""
        fresh = tuple(breach for breach in breaches if breach and breach.rule not in self._noted)
        self._noted = self._noted.union(breach.rule for breach in fresh)
        return fresh


REQUESTS: dict[State, Callable[[Tus], Send]] = {
    State.CREATE: Tus._creation,
    State.APPEND: Tus._append,
    State.QUERY: Tus._query,
}

Handler = Callable[[Tus, Send, Answer], Notes]
# The state that follows; DONE and FAILED outrank it when the handler ended the upload.
TRANSITIONS: dict[State, dict[Kind, tuple[Handler, State]]] = {
    State.CREATE: {
        Kind.SUCCESS: (Tus._created, State.APPEND),
        Kind.INTERRUPTED: (Tus._create_again, State.CREATE),
        Kind.TRANSIENT: (Tus._create_again, State.CREATE),
        Kind.BUSY: (Tus._create_later, State.CREATE),
        Kind.LOCKED: (Tus._create_later, State.CREATE),
        Kind.TOO_LARGE: (Tus._too_large_creation, State.CREATE),
        Kind.VERSION: (Tus._other_version, State.FAILED),
        Kind.CONFLICT: (Tus._refuse, State.FAILED),
        Kind.GONE: (Tus._refuse, State.FAILED),
        Kind.CHECKSUM: (Tus._refuse, State.FAILED),
        Kind.REFUSED: (Tus._refuse, State.FAILED),
    },
    State.APPEND: {
        Kind.SUCCESS: (Tus._appended, State.APPEND),
        Kind.INTERRUPTED: (Tus._back_off, State.QUERY),
        Kind.TRANSIENT: (Tus._back_off, State.QUERY),
        Kind.BUSY: (Tus._blocked, State.QUERY),
        Kind.LOCKED: (Tus._blocked, State.QUERY),
        Kind.CONFLICT: (Tus._conflict, State.QUERY),
        Kind.CHECKSUM: (Tus._back_off, State.QUERY),  # the piece was discarded, the offset stands
        Kind.TOO_LARGE: (Tus._too_large_piece, State.QUERY),
        Kind.GONE: (Tus._forgotten, State.CREATE),
        Kind.VERSION: (Tus._other_version, State.FAILED),
        Kind.REFUSED: (Tus._refuse, State.FAILED),
    },
    State.QUERY: {
        Kind.SUCCESS: (Tus._queried, State.APPEND),
        Kind.INTERRUPTED: (Tus._back_off, State.QUERY),
        Kind.TRANSIENT: (Tus._back_off, State.QUERY),
        Kind.BUSY: (Tus._blocked, State.QUERY),
        Kind.LOCKED: (Tus._blocked, State.QUERY),
        Kind.CONFLICT: (Tus._blocked, State.QUERY),
        Kind.GONE: (Tus._forgotten, State.CREATE),
        Kind.VERSION: (Tus._other_version, State.FAILED),
        Kind.TOO_LARGE: (Tus._refuse, State.FAILED),
        Kind.CHECKSUM: (Tus._refuse, State.FAILED),
        Kind.REFUSED: (Tus._refuse, State.FAILED),
    },
}
