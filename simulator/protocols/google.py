"""Google's resumable uploads, as Cloud Storage's JSON API speaks them.

Sections are cited by title from "Perform resumable uploads" of the Cloud Storage documentation.

    CREATE --2xx, Location--> APPEND --308, more to come--> APPEND --200, 201--> DONE
      ^                         |  ^
      |    cut, 409, 423, 5xx.. |  | 308 with Range, or without: nothing is kept
      |                         v  |
      +------404, 410-------- QUERY --200, 201--> DONE

- A query is a PUT without content and with ``Content-Range: bytes */n``; so is the one append of an
  empty upload, and the request that asks for the end when every byte is kept and none was said.
- 308 is Resume Incomplete here. One with a ``Location`` is what HTTP calls Permanent Redirect, from
  some hop, and is not followed.
- Every piece but the last is a multiple of 256 KiB ("Multiple chunk upload"); a server keeps of a
  cut one what makes a multiple, so the rest of a unit is sent again: it was never acknowledged.
- What is acknowledged is never sent again; after any doubt a query comes first.
- A creation whose answer got lost is made again, since nobody knows its session: an empty one may
  stay behind, and expires.
- A 2xx is believed when all bytes had been sent and the object's ``size``, if told, is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from simulator.protocols.core import Answer, Job, Kind, Notes, State
from simulator.protocols.fields import FILETYPE, field, resolved, shown
from simulator.protocols.google_fields import (
    INITIATE,
    RESUME_INCOMPLETE,
    STATUS,
    UNIT,
    UPLOAD,
    announced,
    content_range,
    kept,
    media,
    rounded_up,
    start_target,
    whole_breach,
)
from simulator.protocols.machine import Acknowledged, Breach, Send
from simulator.protocols.resuming import Resuming
from simulator.records import Purpose

_SAID: dict[Purpose, tuple[str, Literal["final", "query"]]] = {  # whose rule an answer keeps
    Purpose.APPEND: (UPLOAD, "final"),
    Purpose.QUERY: (STATUS, "query"),
}


class Google(Resuming):
    """One upload in a session. The option ``no-x-upload`` leaves X-Upload-* out of the start."""

    forgets = "sessions"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._announced = () if job.options.get("no-x-upload") else announced(job.size)
        self._piece = rounded_up(job.policy.piece)
        self._session = ""

    # Requests

    def _request(self) -> Send:
        return REQUESTS[self._state](self)

    def _creation(self) -> Send:
        target = start_target(self._job.endpoint, self._job.filename)
        headers = (*self._announced, *self._job.headers)
        return Send(Purpose.CREATE, "POST", target, headers, has_body=True)

    def _append(self) -> Send:
        start, size = self._offset, self._job.size
        if start == size:
            return self._put(Purpose.APPEND)
        stop = size if self._piece is None else min(size, start + self._piece)
        return self._put(Purpose.APPEND, start, stop)

    def _query(self) -> Send:
        return self._put(Purpose.QUERY)

    def _put(self, purpose: Purpose, start: int = 0, stop: int = 0) -> Send:
        content_type = (("Content-Type", FILETYPE),) if stop else ()
        headers = (content_range(start, stop, self._job.size), *content_type, *self._job.headers)
        return Send(purpose, "PUT", self._session, headers, start, stop, has_body=True)

    # Answers

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        self._reached = max(self._reached, asked.start + answer.sent)
        incomplete = answer.status == RESUME_INCOMPLETE and field(answer.headers, "location") is None
        row = INCOMPLETE[self._state] if incomplete else TRANSITIONS[self._state][answer.kind]
        handle, follows = row
        return handle(self, asked, answer), follows

    def _created(self, asked: Send, answer: Answer) -> Notes:
        place = field(answer.headers, "location")
        if not place:
            return self._broken(Breach(INITIATE, f"{answer.words} without Location"))
        session = resolved(asked.target, place)
        if session is None:
            return self._broken(Breach(INITIATE, f"Location is {shown(place)}, not an http URL"))
        self._session = session
        return ()

    def _incomplete(self, asked: Send, answer: Answer) -> Notes:
        """Take the 308 that says how much is kept: of what was sent just now perhaps a part, or nothing."""
        rule, source = _SAID[asked.purpose]
        known, reached, size = self._offset, self._reached, self._job.size
        offset = kept(answer.headers, rule, known=known, reached=reached, size=size)
        if isinstance(offset, Breach):
            return self._broken(offset)
        if offset == size or (asked.stop and offset == asked.start):
            self._back_off(asked, answer)  # nothing went wrong, yet no step was made: not again at once
        return self._advance(Acknowledged(offset, source))

    def _stored(self, asked: Send, answer: Answer) -> Notes:
        """Take the 2xx that says the upload is complete, whichever request it answers."""
        rule, source = _SAID[asked.purpose]
        breach = whole_breach(answer, rule, reached=self._reached, size=self._job.size)
        if breach is not None:
            return self._broken(breach)
        notes = self._advance(Acknowledged(self._job.size, source))
        self._finish(media(answer, self._session, self._job.endpoint))
        return notes

    # Refusals

    def _too_large(self, asked: Send, answer: Answer) -> Notes:
        length = asked.stop - asked.start
        if length <= UNIT:
            return self._fail(f"PUT with {length} bytes was answered {answer.words}")
        self._piece = max(UNIT, length // 2 // UNIT * UNIT)
        return ()


REQUESTS: dict[State, Callable[[Google], Send]] = {
    State.CREATE: Google._creation,
    State.APPEND: Google._append,
    State.QUERY: Google._query,
}

Handler = Callable[[Google, Send, Answer], Notes]
# The state that follows; DONE and FAILED outrank it when the handler ended the upload.
INCOMPLETE: dict[State, tuple[Handler, State]] = {  # 308 without a Location
    State.CREATE: (Google._refuse, State.FAILED),
    State.APPEND: (Google._incomplete, State.APPEND),
    State.QUERY: (Google._incomplete, State.APPEND),
}
TRANSITIONS: dict[State, dict[Kind, tuple[Handler, State]]] = {
    State.CREATE: {
        Kind.SUCCESS: (Google._created, State.APPEND),
        Kind.INTERRUPTED: (Google._back_off, State.CREATE),
        Kind.TRANSIENT: (Google._back_off, State.CREATE),
        Kind.BUSY: (Google._blocked, State.CREATE),
        Kind.LOCKED: (Google._blocked, State.CREATE),
        Kind.CONFLICT: (Google._refuse, State.FAILED),
        Kind.GONE: (Google._refuse, State.FAILED),
        Kind.VERSION: (Google._refuse, State.FAILED),
        Kind.TOO_LARGE: (Google._refuse, State.FAILED),
        Kind.CHECKSUM: (Google._refuse, State.FAILED),
        Kind.REFUSED: (Google._refuse, State.FAILED),
    },
    State.APPEND: {
        Kind.SUCCESS: (Google._stored, State.DONE),
        Kind.INTERRUPTED: (Google._back_off, State.QUERY),
        Kind.TRANSIENT: (Google._back_off, State.QUERY),
        Kind.BUSY: (Google._blocked, State.QUERY),
        Kind.LOCKED: (Google._blocked, State.QUERY),
        Kind.CONFLICT: (Google._conflict, State.QUERY),
        Kind.TOO_LARGE: (Google._too_large, State.QUERY),
        Kind.GONE: (Google._forgotten, State.CREATE),
        Kind.VERSION: (Google._refuse, State.FAILED),
        Kind.CHECKSUM: (Google._refuse, State.FAILED),
        Kind.REFUSED: (Google._refuse, State.FAILED),
    },
    State.QUERY: {
        Kind.SUCCESS: (Google._stored, State.DONE),
        Kind.INTERRUPTED: (Google._back_off, State.QUERY),
        Kind.TRANSIENT: (Google._back_off, State.QUERY),
        Kind.BUSY: (Google._blocked, State.QUERY),
        Kind.LOCKED: (Google._blocked, State.QUERY),
        Kind.CONFLICT: (Google._blocked, State.QUERY),
        Kind.GONE: (Google._forgotten, State.CREATE),
        Kind.TOO_LARGE: (Google._refuse, State.FAILED),
        Kind.VERSION: (Google._refuse, State.FAILED),
        Kind.CHECKSUM: (Google._refuse, State.FAILED),
        Kind.REFUSED: (Google._refuse, State.FAILED),
    },
}
