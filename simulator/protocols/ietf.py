"""Resumable uploads for HTTP (draft-ietf-httpbis-resumable-upload), in every interop version.

What differs between the versions stands in ``dialects``; sections are cited by title.

    CREATE --2xx, all was sent--> DONE
      |  ^                         ^
      |  |                         | 2xx to the rest
      |  +--no Location known--+   |
      |                        |   |
      +--2xx, a part--> APPEND-+---+--cut, 423, 5xx--> QUERY
                          ^                              |
                          +------- offset known ---------+

- What is acknowledged is never sent again, by a 104 as well: after a cut the offset that a 104 told is
  a floor under whatever the server says next.
- Optimistic (the default) puts everything, or the first piece, into the creation; a cut before a 104
  told its Location begins the upload anew. Careful creates it empty and then appends.
- An upload is done when a 2xx answers the request that completed it, or a query shows it complete.
- ``Upload-Limit`` is obeyed as it stands now; without a clock ``max-age`` is only read.
- An upload that is given up (limits, an answer that cannot be believed) is cancelled, once.
- A 404 may mean that a completed upload was cleaned away after its answer got lost: no draft lets a
  client tell, so it begins anew, and the server has it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator.protocols.core import Answer, Kind, Notes, State
from simulator.protocols.fields import field, resolved, shown
from simulator.protocols.ietf_fields import (
    COMPLETED_UPLOAD,
    MISMATCHING_DIGEST,
    MISMATCHING_OFFSET,
    problem_of,
    says_complete,
)
from simulator.protocols.ietf_success import AnsweredUpload
from simulator.protocols.machine import Acknowledged, Breach, Send
from simulator.protocols.resuming import SMALLEST_PIECE
from simulator.records import Purpose

REDIRECTS = 5  # in a row

REDIRECTION = "RFC 9110, Redirection 3xx"


class Ietf(AnsweredUpload):
    """One upload. Options: ``interop`` (else the newest), ``careful`` or ``optimistic``, ``digest``."""

    def _request(self) -> Send:
        return REQUESTS[self._state](self)

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        self._reached = max(self._reached, asked.start + answer.sent)
        self._completing |= self._completes(asked) and self._all_sent(asked, answer)
        self._doubt = False
        usual = TRANSITIONS[self._state][answer.kind]
        handle, follows = self._overruling(asked, answer) or usual
        notes = self._take_limits(answer) + handle(self, asked, answer)
        self._mind_limits()
        if answer.status not in (307, 308):
            self._redirects = 0
            self._detour = self._detour if handle is Ietf._queried else ""
        return notes, self._following(follows)

    def _overruling(self, asked: Send, answer: Answer) -> tuple[Handler, State] | None:
        """Return what to do where something in the answer counts for more than its status."""
        uploading = asked.purpose in (Purpose.CREATE, Purpose.APPEND)
        if uploading and self._offset > self._reached:
            return Ietf._acknowledged_too_much, State.FAILED
        if uploading and self._is_the_targets(asked, answer):
            return Ietf._ended_by_the_target, State.FAILED
        if answer.status is None or answer.status < 400:
            return None
        told = problem_of(answer.headers, answer.body).type
        if told == COMPLETED_UPLOAD and asked.purpose in (Purpose.APPEND, Purpose.QUERY):
            return Ietf._completed_before, State.DONE
        if told == MISMATCHING_DIGEST and asked.checksum:
            return Ietf._again, State.QUERY  # the content was not appended (Content Digests)
        return None

    def _following(self, follows: State) -> State:
        if self._doomed:
            return State.CANCEL
        if self._doubt and follows is State.APPEND:
            follows = State.QUERY
        return State.CREATE if follows is State.QUERY and not self._location else follows

    # Everything else

    def _again(self, asked: Send, answer: Answer) -> Notes:
        self._back_off(asked, answer)
        return self._resumed(asked, answer)

    def _later(self, asked: Send, answer: Answer) -> Notes:
        self._blocked(asked, answer)
        return self._resumed(asked, answer)

    def _resumed(self, asked: Send, answer: Answer) -> Notes:
        """Go on with the upload, if its URL is known; else what was sent of it is lost."""
        return () if self._location else self._anew(asked, answer)

    def _conflict(self, asked: Send, answer: Answer) -> Notes:
        """Append where a 409 says, else ask; where it says nothing new, after a pause."""
        said = says_complete(answer.headers, self._dialect)
        known = problem_of(answer.headers, answer.body).type == MISMATCHING_OFFSET
        if self._dialect.conflict_says_so and said is not False and not known:
            return self._refused(asked, answer)
        offset = self._stated(asked, answer, reached=self._job.size if self._dialect.ahead else self._reached)
        if isinstance(offset, Breach):
            return self._broken(offset)
        self._conflicts += 1
        self._doubt = offset is None or offset == asked.start or offset > self._reached
        if self._conflicts > 1:
            self._blocked(asked, answer)
        return () if offset is None or self._doubt else self._advance(Acknowledged(offset, "final"))

    def _too_large(self, asked: Send, answer: Answer) -> Notes:
        """Send less at once, within the limits (Limits: "SHOULD retry the request with a smaller size")."""
        if self._forbidden():
            return ()  # the limits that came with it are why
        length, most = asked.stop - asked.start, self._limits.max_append
        smallest = max(SMALLEST_PIECE, self._limits.min_append or 0)
        if most is not None and most < length:
            self._piece = most
        elif length > smallest:
            self._piece = max(smallest, length // 2)
        else:
            return self._refused(asked, answer)
        return self._again(asked, answer)

    def _elsewhere(self, asked: Send, answer: Answer) -> Notes:
        """Follow a 307 once and a 308 for good; other redirects may change the method."""
        if answer.status not in (307, 308):
            return self._refused(asked, answer)
        self._redirects += 1
        if self._redirects > REDIRECTS:
            return self._fail(f"{asked.method} was redirected {self._redirects} times in a row")
        place = field(answer.headers, "location")
        target = None if place is None else resolved(asked.target, place)
        if target is None:
            said = "without Location" if place is None else f"Location is {shown(place)}"
            return self._broken(Breach(REDIRECTION, f"{answer.words}, {said}"))
        creating = asked.purpose is Purpose.CREATE
        if creating and self._location:
            return ()  # a 104 told where the upload is: ask there
        if answer.status == 307:
            self._detour = target
        elif creating:
            self._creations = target
        else:
            self._location, self._detour = target, ""
        return self._anew(asked, answer) if creating else ()

    def _refused(self, asked: Send, answer: Answer) -> Notes:
        words = problem_of(answer.headers, answer.body).words
        said = replace(answer, words=f"{answer.words}, {words}") if words else answer
        if answer.status in (301, 302) and asked.purpose is Purpose.QUERY:
            notes = self._survived(self._breach(asked, f"HEAD is answered {answer.words}"))
            return notes + self._refuse(asked, said)
        return self._refuse(asked, said)

    def _other_version(self, asked: Send, answer: Answer) -> Notes:
        return self._fail(
            f"{asked.method} was answered {answer.words}: the server does not speak {self._dialect.name}"
        )

    def _completed_before(self, asked: Send, _answer: Answer) -> Notes:
        """Take "completed-upload" as the end, if this client completed it: that answer got lost."""
        if not self._completing:
            return self._broken(self._breach(asked, "completed-upload, though this client completed nothing"))
        notes = self._advance(Acknowledged(self._job.size, "final"))
        self._finish(self._location)
        return notes

    def _acknowledged_too_much(self, asked: Send, _answer: Answer) -> Notes:
        told, self._offset = self._offset, self._reached
        return self._broken(self._breach(asked, f"a 104 acknowledged {told}, {self._reached} were sent"))

    def _cancelled(self, _asked: Send, _answer: Answer) -> Notes:
        return self._fail(self._doomed)

    def _is_the_targets(self, asked: Send, answer: Answer) -> bool:
        """Return whether an answer other than success for all comes from the target, and so is the last."""
        creating = asked.purpose is Purpose.CREATE
        tells = self._dialect.creation_says_who if creating else self._dialect.append_says_who
        success = answer.kind is Kind.SUCCESS and self._completes(asked) and self._all_sent(asked, answer)
        return tells and says_complete(answer.headers, self._dialect) is True and not success


REQUESTS: dict[State, Callable[[Ietf], Send]] = {
    State.CREATE: Ietf._creation,
    State.APPEND: Ietf._append,
    State.QUERY: Ietf._query,
    State.CANCEL: Ietf._cancellation,
}

Handler = Callable[[Ietf, Send, Answer], Notes]
# The state that follows. DONE and FAILED outrank it when the handler ended the upload, CANCEL when it is
# given up, QUERY in place of APPEND when the offset is in doubt; a QUERY without a URL to ask is a CREATE.
TRANSITIONS: dict[State, dict[Kind, tuple[Handler, State]]] = {
    State.CREATE: {
        Kind.SUCCESS: (Ietf._created, State.APPEND),
        Kind.INTERRUPTED: (Ietf._again, State.QUERY),
        Kind.TRANSIENT: (Ietf._again, State.QUERY),
        Kind.BUSY: (Ietf._later, State.QUERY),
        Kind.LOCKED: (Ietf._later, State.QUERY),
        Kind.TOO_LARGE: (Ietf._too_large, State.QUERY),
        Kind.VERSION: (Ietf._other_version, State.FAILED),
        Kind.CONFLICT: (Ietf._refused, State.FAILED),
        Kind.GONE: (Ietf._refused, State.FAILED),
        Kind.CHECKSUM: (Ietf._refused, State.FAILED),
        Kind.REFUSED: (Ietf._elsewhere, State.QUERY),
    },
    State.APPEND: {
        Kind.SUCCESS: (Ietf._appended, State.APPEND),
        Kind.INTERRUPTED: (Ietf._again, State.QUERY),
        Kind.TRANSIENT: (Ietf._again, State.QUERY),
        Kind.BUSY: (Ietf._later, State.QUERY),
        Kind.LOCKED: (Ietf._later, State.QUERY),
        Kind.CONFLICT: (Ietf._conflict, State.APPEND),
        Kind.TOO_LARGE: (Ietf._too_large, State.QUERY),
        Kind.GONE: (Ietf._forgotten, State.CREATE),
        Kind.VERSION: (Ietf._other_version, State.FAILED),
        Kind.CHECKSUM: (Ietf._refused, State.FAILED),
        Kind.REFUSED: (Ietf._elsewhere, State.APPEND),
    },
    State.QUERY: {
        Kind.SUCCESS: (Ietf._queried, State.APPEND),
        Kind.INTERRUPTED: (Ietf._again, State.QUERY),
        Kind.TRANSIENT: (Ietf._again, State.QUERY),
        Kind.BUSY: (Ietf._later, State.QUERY),
        Kind.LOCKED: (Ietf._later, State.QUERY),
        Kind.GONE: (Ietf._forgotten, State.CREATE),
        Kind.VERSION: (Ietf._other_version, State.FAILED),
        Kind.CONFLICT: (Ietf._refused, State.FAILED),
        Kind.TOO_LARGE: (Ietf._refused, State.FAILED),
        Kind.CHECKSUM: (Ietf._refused, State.FAILED),
        Kind.REFUSED: (Ietf._elsewhere, State.QUERY),
    },
    State.CANCEL: dict.fromkeys(Kind, (Ietf._cancelled, State.FAILED)),
}
