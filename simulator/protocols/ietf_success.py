"""What a success means to a resumable upload: all of it taken, a part of it, or the offset found.

A 2xx can be the target's answer to the whole representation or the upload's to a part of it, and the
interop versions differ in how a client tells them apart (Upload-Complete, Upload-Offset, the request).
"""

from __future__ import annotations

from simulator.protocols.core import Answer, Notes
from simulator.protocols.fields import field, resolved, shown
from simulator.protocols.ietf_fields import absent, problem_of, says_complete
from simulator.protocols.ietf_rules import (
    OFFSET,
    length_breach,
    part_breaches,
    query_breaches,
    whole_breaches,
)
from simulator.protocols.ietf_upload import ResumableUpload
from simulator.protocols.machine import Acknowledged, Breach, Send
from simulator.records import Purpose

SUCCESSFUL = "RFC 9110, Successful 2xx"


class AnsweredUpload(ResumableUpload):
    """An upload that takes in successes."""

    def _created(self, asked: Send, answer: Answer) -> Notes:
        """Take in the success of a creation: of the whole, or with where to append to."""
        place = field(answer.headers, "location")
        location = None if place is None else resolved(asked.target, place)
        if self._is_done_by(asked, answer):
            self._location = self._location or location or ""
            return self._rest_taken(asked, answer)
        if not self._location and location is None:
            said = "without Location" if place is None else f"with Location {shown(place)}, not an http URL"
            rule = SUCCESSFUL if self._completes(asked) else self._section(asked)
            return self._broken(Breach(rule, f"{answer.words} {said}, after {answer.sent} bytes"))
        if self._location and location not in (None, self._location) and self._dialect.one_location:
            return self._broken(self._breach(asked, f"Location {shown(place or '')} is not that of the 104"))
        self._location = self._location or location or ""
        return self._part_taken(asked, answer)

    def _appended(self, asked: Send, answer: Answer) -> Notes:
        return (self._rest_taken if self._is_done_by(asked, answer) else self._part_taken)(asked, answer)

    def _is_done_by(self, asked: Send, answer: Answer) -> bool:
        """Return whether a success says that the upload is complete, wholly sent as it is."""
        said = says_complete(answer.headers, self._dialect)
        must_say = self._dialect.append_must_say and asked.purpose is Purpose.APPEND
        sent = self._completes(asked) and self._all_sent(asked, answer)
        return sent and (said is True or (said is None and not must_say))

    def _rest_taken(self, asked: Send, answer: Answer) -> Notes:
        offset = self._stated(asked, answer)
        size = self._job.size
        if not isinstance(offset, Breach) and offset not in (None, size):
            offset = self._breach(asked, f"complete, with Upload-Offset {offset} of {size}")
        if isinstance(offset, Breach):
            return self._broken(offset)
        tells = asked.purpose is Purpose.APPEND
        breaches = whole_breaches(answer, self._dialect, self._section(asked)) if tells else ()
        notes = self._survived(*breaches) + self._advance(Acknowledged(size, "final"))
        self._finish(self._location or None)
        return notes

    def _part_taken(self, asked: Send, answer: Answer) -> Notes:
        """Take in a success that leaves the upload incomplete."""
        offset = self._kept(asked, answer)
        if isinstance(offset, Breach):
            return self._broken(offset)
        notes = self._survived(*self._told_of_part(asked, answer))
        self._doubt = offset is None or self._completes(asked)
        carried = asked.stop > asked.start or self._completes(asked)
        if carried and offset in (None, asked.start):
            self._back_off(asked, answer)  # nothing went wrong, yet nothing was kept: not again at once
        return notes if offset is None else notes + self._advance(Acknowledged(offset, "final"))

    def _told_of_part(self, asked: Send, answer: Answer) -> tuple[Breach, ...]:
        if not self._completes(asked):
            return part_breaches(asked, answer, self._dialect, self._section(asked))
        if not self._all_sent(asked, answer):
            return ()
        return whole_breaches(answer, self._dialect, self._section(asked))

    def _kept(self, asked: Send, answer: Answer) -> int | Breach | None:
        """Return how far the upload is after a part was taken; None when the answer does not tell."""
        offset = self._stated(asked, answer)
        whole = self._all_sent(asked, answer)
        if self._dialect.offset_in_answers and whole and isinstance(offset, int) and offset != asked.stop:
            return self._breach(asked, f"success, with Upload-Offset {offset} after {asked.stop} were sent")
        if offset is None and whole and not self._completes(asked):
            empty = asked.stop == asked.start
            return asked.stop if empty or not self._dialect.offset_in_answers else None
        return offset

    def _queried(self, asked: Send, answer: Answer) -> Notes:
        notes = self._survived(*query_breaches(answer, self._dialect))
        reached = self._job.size if self._dialect.ahead else self._reached
        lie = length_breach(answer.headers, self._dialect, self._job.size)
        offset = lie or self._stated(asked, answer, reached=reached)
        if offset is None:
            offset = self._breach(asked, absent(answer.headers, OFFSET))
        if isinstance(offset, Breach):
            return notes + self._broken(offset)
        self._reached = max(self._reached, offset)
        notes += self._advance(Acknowledged(offset, "query"))
        if says_complete(answer.headers, self._dialect):
            notes += self._found_complete(asked, answer)
        return notes

    def _found_complete(self, asked: Send, answer: Answer) -> Notes:
        if self._offset == self._job.size:
            self._finish(self._location)
            return ()
        if self._dialect.early_end:
            return self._ended_by_the_target(asked, answer)
        return self._broken(self._breach(asked, f"complete at offset {self._offset} of {self._job.size}"))

    def _ended_by_the_target(self, asked: Send, answer: Answer) -> Notes:
        """Stop: the target's own answer ended the upload, and resuming would not change it."""
        words = problem_of(answer.headers, answer.body).words
        why = f"the target ended the upload: {asked.method} was answered {answer.words}"
        why += f", {words}" if words else ""
        return self._fail(f"{why}, at {self._offset} of {self._job.size} bytes")
