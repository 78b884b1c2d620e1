"""tus 1.0.0 with its extensions; uploads in parallel parts are in ``tus_parallel``.

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
- A piece whose checksum the server found wrong (460) was discarded: it is sent again, some times.
- Without a policy's piece a checksum is of all that is left, so a cut request costs all it carried.
- With ``expiration`` an upload that is over by its server's own word is begun anew without a question.
- With ``terminate`` an upload that fails or is begun anew is taken away first (CANCEL).
- A ``Location`` on another host is followed, with the job's own headers (so its authorization);
  whether there is a way to it is for the driver to say.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.protocols.core import Answer, Job, Kind, Notes, State
from simulator.protocols.fields import field, resolved, shown
from simulator.protocols.machine import Acknowledged, Breach, Send
from simulator.protocols.resuming import SMALLEST_PIECE
from simulator.protocols.tus_endings import TERMINATION, Ending, Lifetime
from simulator.protocols.tus_fields import (
    HEAD,
    PATCH,
    POST,
    TUS_RESUMABLE,
    VERSION,
    WITH_UPLOAD,
    caching_breach,
    length_breach,
    no_length_breach,
    over,
    stated_offset,
    status_breach,
    too_large,
    version_breach,
)
from simulator.records import Purpose

MISMATCHES = 10  # checksums found wrong in a row, without progress; then it is not the line's doing


class Tus(Ending):
    """One upload over tus, with the job's options (the variants of the protocol's row)."""

    def __init__(self, job: Job, *, partial: bool = False) -> None:
        super().__init__(job, partial=partial)
        self._with_upload = bool(job.options.get("creation-with-upload"))
        self._piece = job.policy.piece
        self._length_told = not self._wording.deferred
        self._lifetime = Lifetime()
        self._mismatches = 0  # 460 in a row, without progress
        most = job.options.get("max-size")
        if most is not None and job.size > most:
            self._fail(over(most, job.size))

    # Requests

    def _request(self) -> Send:
        return REQUESTS[self._state](self)

    def _creation(self) -> Send:
        return self._wording.creation(self._piece_end() if self._with_upload else 0)

    def _append(self) -> Send:
        stop = self._piece_end()
        tells = not self._length_told and self._wording.tells_length(stop)
        return self._wording.append(self._location, self._offset, stop, length=tells)

    def _query(self) -> Send:
        return self._wording.query(self._location)

    def _piece_end(self) -> int:
        left = self._job.size - self._offset
        return self._offset + (left if self._piece is None else min(left, self._piece))

    # Answers

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        self._reached = max(self._reached, asked.start + answer.sent)
        handle, follows = TRANSITIONS[self._state][answer.kind]
        if self._lapsed(answer):
            handle, follows = Tus._forgotten, State.CREATE
        notes = handle(self, asked, answer)
        return notes, State.CANCEL if self._doomed else follows

    def _lapsed(self, answer: Answer) -> bool:
        """Return whether the upload is over by its server's own word (Expiration, Upload-Expires)."""
        going_on = self._state in (State.APPEND, State.QUERY) and answer.kind in ASKED_FOR_LATER
        return bool(self._job.options.get("expiration")) and going_on and self._lifetime.over(answer)

    def _created(self, asked: Send, answer: Answer) -> Notes:
        place = field(answer.headers, "location")
        if not place:
            return self._broken(Breach(POST, f"{answer.words} without Location"))
        location = resolved(asked.target, place)
        if location is None:
            return self._broken(Breach(POST, f"Location is {shown(place)}, not an http URL"))
        self._location = location
        notes = self._survived(
            version_breach(answer), status_breach(answer, 201, POST), self._lifetime.read(answer)
        )
        if asked.stop > asked.start:
            return notes + self._told(asked, answer, WITH_UPLOAD)
        self._end_if_whole()
        return notes

    def _appended(self, asked: Send, answer: Answer) -> Notes:
        notes = self._survived(
            version_breach(answer), status_breach(answer, 204, PATCH), self._lifetime.read(answer)
        )
        self._length_told |= any(name == "Upload-Length" for name, _ in asked.headers)
        return notes + self._told(asked, answer, PATCH)

    def _told(self, asked: Send, answer: Answer, rule: str) -> Notes:
        """Take the offset that answers content; a server may keep a part and say so."""
        offset = self._believed(answer, rule, asked.start + answer.sent)
        if isinstance(offset, Breach):
            return self._broken(offset)
        if offset == asked.start < asked.stop:
            self._back_off(asked, answer)  # nothing went wrong, yet nothing was kept: not again at once
        return self._advance(Acknowledged(offset, "final"))

    def _queried(self, _asked: Send, answer: Answer) -> Notes:
        unsaid = no_length_breach(answer, told=self._length_told)
        notes = self._survived(version_breach(answer), unsaid, caching_breach(answer))
        breach = length_breach(answer.headers, self._job.size)
        self._length_told |= field(answer.headers, "upload-length") is not None
        offset = breach or self._believed(answer, HEAD, self._reached)
        if isinstance(offset, Breach):
            return notes + self._broken(offset)
        return notes + self._advance(Acknowledged(offset, "query"))

    def _believed(self, answer: Answer, rule: str, reached: int) -> int | Breach:
        return stated_offset(answer.headers, rule, known=self._offset, reached=reached, size=self._job.size)

    def _advance(self, said: Acknowledged) -> Notes:
        if said.offset > self._offset:
            self._mismatches = 0
        notes = super()._advance(said)
        self._end_if_whole()
        return notes

    def _end_if_whole(self) -> None:
        if self._offset == self._job.size and self._length_told:
            self._finish(self._location)

    # Refusals

    def _mismatched(self, asked: Send, answer: Answer) -> Notes:
        """The piece was discarded and the offset stands (Checksum); a creation with content never was."""
        self._mismatches += 1
        if self._mismatches > MISMATCHES:
            count, length = self._mismatches, asked.stop - asked.start
            return self._fail(f"the checksum of {length} bytes was found wrong {count} times: {answer.words}")
        self._back_off(asked, answer)
        return self._anew(asked, answer) if asked.purpose is Purpose.CREATE else ()

    def _create_again(self, asked: Send, answer: Answer) -> Notes:
        """Whether the creation was made is not known, nor its URL: content sent with it is lost."""
        self._back_off(asked, answer)
        return self._anew(asked, answer)

    def _create_later(self, asked: Send, answer: Answer) -> Notes:
        self._blocked(asked, answer)
        return self._anew(asked, answer)

    def _anew(self, asked: Send, answer: Answer) -> Notes:
        return () if self._why else super()._anew(asked, answer)

    def _let_go(self) -> None:
        self._doom()
        self._length_told, self._lifetime = not self._wording.deferred, Lifetime()

    def _other_version(self, asked: Send, answer: Answer) -> Notes:
        """Say which versions the server speaks; a 412 must name them (Headers: Tus-Resumable)."""
        spoken = field(answer.headers, "tus-version")
        known = f"the server speaks tus {spoken or 'of no version it names'}, this client {VERSION}"
        self._fail(f"{asked.method} was answered {answer.words}: {known}")
        return () if spoken else (Breach(TUS_RESUMABLE, "412 without Tus-Version"),)

    def _too_large_creation(self, asked: Send, answer: Answer) -> Notes:
        """A creation with content may be too large as a request only: try it empty. Else the upload is."""
        if why := too_large(answer.headers, self._job.size):
            return self._fail(f"{asked.method} was answered {answer.words}: {why}")
        if asked.stop == asked.start or field(answer.headers, "tus-max-size") is not None:
            return self._refuse(asked, answer)
        self._with_upload = False
        return self._anew(asked, answer)

    def _too_large_piece(self, asked: Send, answer: Answer) -> Notes:
        length = asked.stop - asked.start
        if length <= SMALLEST_PIECE:
            return self._fail(f"PATCH with {length} bytes was answered {answer.words}")
        self._piece = max(SMALLEST_PIECE, length // 2)
        return ()


REQUESTS: dict[State, Callable[[Tus], Send]] = {
    State.CREATE: Tus._creation,
    State.APPEND: Tus._append,
    State.QUERY: Tus._query,
    State.CANCEL: Tus._termination,
}

# Answers after which the upload would be gone on with, though they do not say that it is there.
ASKED_FOR_LATER = frozenset({Kind.CONFLICT, Kind.LOCKED, Kind.BUSY, Kind.TRANSIENT, Kind.CHECKSUM})

Handler = Callable[[Tus, Send, Answer], Notes]
# The state that follows. DONE and FAILED outrank it when the handler ended the upload, and CANCEL when
# there is one to take away.
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
        Kind.CHECKSUM: (Tus._mismatched, State.CREATE),
        Kind.REFUSED: (Tus._refuse, State.FAILED),
    },
    State.APPEND: {
        Kind.SUCCESS: (Tus._appended, State.APPEND),
        Kind.INTERRUPTED: (Tus._back_off, State.QUERY),
        Kind.TRANSIENT: (Tus._back_off, State.QUERY),
        Kind.BUSY: (Tus._blocked, State.QUERY),
        Kind.LOCKED: (Tus._blocked, State.QUERY),
        Kind.CONFLICT: (Tus._conflict, State.QUERY),
        Kind.CHECKSUM: (Tus._mismatched, State.QUERY),
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
    State.CANCEL: {**TERMINATION},
}
