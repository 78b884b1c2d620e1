"""One resumable upload as its client knows it: where it is, how far, under which limits.

The requests, the interim answers and what the handlers of final answers (``ietf``) are made of.
"""

from __future__ import annotations

from simulator.protocols.core import Answer, Job, Notes
from simulator.protocols.dialects import DIALECTS, NEWEST
from simulator.protocols.fields import field, resolved, shown
from simulator.protocols.ietf_fields import Limits, limits_of, same_version
from simulator.protocols.ietf_rules import stated_offset
from simulator.protocols.ietf_wording import Wording
from simulator.protocols.machine import Acknowledged, Breach, Informational, Send
from simulator.protocols.resuming import Resuming
from simulator.records import Purpose

BREACHES = 20  # that are survived and told; a server can make up any number


class ResumableUpload(Resuming):
    """What one upload is made of. Options: see ``Ietf``."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._dialect = DIALECTS[job.options.get("interop", NEWEST)]
        self._wording = Wording(job, self._dialect)
        self._careful = bool(job.options.get("careful"))
        self._piece = job.policy.piece
        self._limits = Limits()
        self._creations = job.endpoint  # a 308 moves it
        self._detour = ""  # where a 307 sent the next request
        self._location = ""
        self._limited = False  # this upload told its limits
        self._completing = False  # a request that completes this upload was sent whole
        self._redirects = 0  # in a row
        self._doubt = False  # the last answer left the offset open
        self._doomed = ""  # why the upload is given up, once it is
        self._noted: frozenset[Breach] = frozenset()  # survived, and told once

    # Requests

    def _creation(self) -> Send:
        stop = 0 if self._careful else self._piece_end(limited=self._dialect.limited_creation)
        return self._wording.creation(self._detour or self._creations, stop)

    def _append(self) -> Send:
        return self._wording.append(self._target(), self._offset, self._piece_end(limited=True))

    def _query(self) -> Send:
        return self._wording.query(self._target())

    def _cancellation(self) -> Send:
        return self._wording.cancel(self._location)

    def _target(self) -> str:
        return self._detour or self._location

    def _piece_end(self, *, limited: bool) -> int:
        """Return where the next piece ends: the policy's, within the server's limits."""
        left = self._job.size - self._offset
        length = left if self._piece is None else min(left, self._piece)
        if limited:
            length = min(left, max(length, self._limits.min_append or 0))
            most = self._limits.max_append
            length = length if most is None else min(length, most)
        return self._offset + length

    # Interim answers

    def _interim(self, asked: Send, event: Informational) -> Notes:
        """Take in a 104: where the upload is, its limits, how far it is (Status Code 104)."""
        uploading = asked.purpose in (Purpose.CREATE, Purpose.APPEND)
        if event.status != 104 or not uploading or not same_version(event.headers, self._dialect):
            return ()
        return self._announced(asked, event) + self._take_limits(event) + self._progressed(asked, event)

    def _announced(self, asked: Send, event: Informational) -> Notes:
        place = field(event.headers, "location")
        if place is None:
            return ()
        if asked.purpose is Purpose.APPEND:
            return self._survived(self._breach(asked, f"a 104 to an append has Location {shown(place)}"))
        location = resolved(asked.target, place)
        if location is None:
            return self._survived(self._breach(asked, f"Location is {shown(place)}, not an http URL"))
        if location != (self._location or location):
            return self._survived(self._breach(asked, f"Location was another and is now {shown(place)}"))
        self._location = location
        return ()

    def _progressed(self, asked: Send, event: Informational) -> Notes:
        """Take the offset of a 104: what it acknowledges is never sent again, if one can resume at all."""
        if not self._dialect.progress or not self._location:
            return ()
        offset = self._stated(asked, event, reached=asked.stop)
        if isinstance(offset, Breach):
            return self._survived(offset)
        if offset is None or offset <= self._offset:
            return ()
        return self._advance(Acknowledged(offset, "interim"))

    def _take_limits(self, said: Informational | Answer) -> Notes:
        limits = limits_of(said.headers, self._dialect)
        if limits is None:
            return ()
        changed = self._limited and limits.sizes() != self._limits.sizes()
        self._limits, self._limited = limits, bool(self._location)
        if not (changed and self._dialect.limits_fixed):
            return ()
        return self._survived(Breach(self._dialect.rule("Upload Limit"), "the limits of an upload changed"))

    # What handlers are made of

    def _completes(self, asked: Send) -> bool:
        return asked.purpose in (Purpose.CREATE, Purpose.APPEND) and asked.stop == self._job.size

    def _all_sent(self, asked: Send, answer: Answer) -> bool:
        return answer.sent >= asked.stop - asked.start

    def _stated(
        self, asked: Send, said: Informational | Answer, reached: int | None = None
    ) -> int | Breach | None:
        top = self._reached if reached is None else reached
        rule = self._section(asked)
        return stated_offset(said.headers, rule, known=self._offset, reached=top, size=self._job.size)

    def _section(self, asked: Send) -> str:
        titles = {Purpose.CREATE: self._dialect.creation, Purpose.APPEND: self._dialect.append}
        return self._dialect.rule(titles.get(asked.purpose, self._dialect.retrieval))

    def _breach(self, asked: Send, evidence: str) -> Breach:
        return Breach(self._section(asked), evidence)

    def _survived(self, *breaches: Breach) -> Notes:
        """Return the breaches that do not end the upload, each once."""
        room = BREACHES - len(self._noted)
        fresh = tuple(breach for breach in breaches if breach not in self._noted)[:room]
        self._noted = self._noted.union(fresh)
        return fresh

    def _broken(self, breach: Breach) -> Notes:
        self._give_up(f"the server broke a rule ({breach.rule}): {breach.evidence}")
        return (breach,)

    def _forbidden(self) -> str:
        return self._limits.forbids(self._job.size, self._job.size - self._offset)

    def _mind_limits(self) -> None:
        why = self._forbidden()
        if why and self._end is None and not self._doomed:
            self._give_up(why)

    def _give_up(self, why: str) -> None:
        """Cancel the upload, where it is known, and then fail."""
        if self._location:
            self._doomed = why
        else:
            self._fail(why)

    def _let_go(self) -> None:
        self._location, self._limited, self._completing = "", False, False
