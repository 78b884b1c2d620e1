"""How an upload over tus ends before it is whole: it expires at its server, or its client takes it away.

``Upload-Expires`` is held against the ``Date`` of later answers, since no clock is at hand here
("Expiration"). With the option ``terminate`` an upload that fails, or is begun anew, is deleted first
("Termination"); what cannot be deleted in some attempts is left where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from simulator.protocols.core import Answer, Job, Kind, Notes, State
from simulator.protocols.fields import field, http_date, retry_after, shown
from simulator.protocols.machine import Breach, Send
from simulator.protocols.resuming import Resuming
from simulator.protocols.tus_fields import DELETE, EXPIRES, status_breach, version_breach
from simulator.protocols.tus_wording import Wording

TERMINATIONS = 3  # attempts to take an upload away


class Lifetime:
    """Until when a server keeps an unfinished upload, as far as it said."""

    def __init__(self) -> None:
        self._expires: datetime | None = None

    def read(self, answer: Answer) -> Breach | None:
        """Take what a success says; return what is wrong with it, if anything."""
        text = field(answer.headers, "upload-expires")
        if text is None:
            unsaid = f"success is answered {answer.words} without it, though it was said before"
            return None if self._expires is None else Breach(EXPIRES, unsaid)
        self._expires = http_date(text)
        if self._expires is None:
            return Breach(EXPIRES, f"Upload-Expires is {shown(text)}, not an HTTP-date")
        return Breach(EXPIRES, "a success says that the upload expired") if self.over(answer) else None

    def over(self, answer: Answer) -> bool:
        """Return whether the instant of *answer*, by its own ``Date``, lies beyond the end."""
        now = http_date(field(answer.headers, "date") or "")
        return self._expires is not None and now is not None and now > self._expires


class Ending(Resuming):
    """The part of a tus machine that takes uploads away: ``_fail`` and ``_doom`` lead to a DELETE."""

    def __init__(self, job: Job, *, partial: bool = False) -> None:
        super().__init__(job)
        self._wording = Wording.of(job, partial=partial)
        self._terminates = bool(job.options.get("terminate"))
        self._location = ""
        self._doomed = ""  # the upload that is to be taken away
        self._terminations = 0  # attempts to do so
        self._why = ""  # why the upload failed, once it did, until what is left of it is taken away
        self._noted: frozenset[str] = frozenset()  # breaches that were survived are told once

    def _termination(self) -> Send:
        return self._wording.termination(self._doomed)

    def _doom(self) -> None:
        """Have the upload taken away that is given up, if the job wants that and there is one."""
        if self._terminates and self._location:
            self._doomed, self._location, self._terminations = self._location, "", 0

    def _fail(self, why: str) -> Notes:
        self._doom()
        if not self._doomed:
            return super()._fail(why)
        self._why = why
        return ()

    def _given_up(self, asked: Send, answer: Answer) -> Notes:
        return self._left(asked, answer)

    def _terminated(self, asked: Send, answer: Answer) -> Notes:
        notes: Notes = ()
        if answer.kind is Kind.SUCCESS:
            notes = self._survived(version_breach(answer), status_breach(answer, 204, DELETE))
        return notes + self._left(asked, answer)

    def _terminate_again(self, asked: Send, answer: Answer) -> Notes:
        self._terminations += 1
        if self._terminations >= TERMINATIONS:
            return self._given_up(asked, answer)
        self._pause = self._backoff.failed(retry_after(answer.headers))
        return ()

    def _left(self, _asked: Send, _answer: Answer) -> Notes:
        """Go on from the upload, which is gone or cannot be taken away."""
        self._doomed = ""
        return super()._fail(self._why) if self._why else ()

    def _survived(self, *breaches: Breach | None) -> Notes:
        """Return the breaches that do not end the upload, each rule's first one only."""
        fresh = tuple(breach for breach in breaches if breach and breach.rule not in self._noted)
        self._noted = self._noted.union(breach.rule for breach in fresh)
        return fresh


# The state CANCEL; while there is something to take away it lasts, and a failure outranks what follows.
TERMINATION: dict[Kind, tuple[Callable[[Ending, Send, Answer], Notes], State]] = {
    Kind.SUCCESS: (Ending._terminated, State.CREATE),
    Kind.GONE: (Ending._terminated, State.CREATE),
    Kind.INTERRUPTED: (Ending._terminate_again, State.CREATE),
    Kind.TRANSIENT: (Ending._terminate_again, State.CREATE),
    Kind.BUSY: (Ending._terminate_again, State.CREATE),
    Kind.LOCKED: (Ending._terminate_again, State.CREATE),
    Kind.CONFLICT: (Ending._terminate_again, State.CREATE),
    Kind.VERSION: (Ending._given_up, State.CREATE),
    Kind.TOO_LARGE: (Ending._given_up, State.CREATE),
    Kind.CHECKSUM: (Ending._given_up, State.CREATE),
    Kind.REFUSED: (Ending._given_up, State.CREATE),
}
