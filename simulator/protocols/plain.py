"""The baseline: one request carries the whole representation, and an interruption begins it again.

                  +--- interrupted, 408, 429, 5xx: wait ---+
                  v                                        |
    next() --> CREATE: the whole in one request -----------+--> 2xx: DONE
                                                           +--> anything else: FAILED

How the one request is worded depends on the server and stands in ``FRAMINGS``. An answer that gets
lost after the server stored everything makes a duplicate there: the price of not resuming.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from simulator.protocols.core import Answer, Job, Kind, Notes, State, UploadMachine
from simulator.protocols.fields import FILETYPE, content_disposition, field, resolved
from simulator.protocols.machine import Acknowledged, Breach, Headers, Restarted, Send
from simulator.protocols.tus_fields import (
    CONTENT_TYPE,
    VERSION,
    WITH_UPLOAD,
    creation_fields,
    stated_offset,
)
from simulator.records import Purpose


@dataclass(frozen=True)
class Framing:
    """One wording of the baseline. ``stored`` says how many bytes a 2xx answer acknowledges."""

    method: str
    target: Callable[[Job], str]
    headers: Callable[[Job], Headers]
    stored: Callable[[Send, Answer], int | Breach]


class Plain(UploadMachine):
    """One upload without resumption. The job's ``framing`` is a key of ``FRAMINGS``."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._framing = FRAMINGS[job.framing]

    def _request(self) -> Send:
        job, framing = self._job, self._framing
        headers = framing.headers(job) + job.headers
        target = framing.target(job)
        return Send(Purpose.CREATE, framing.method, target, headers, 0, job.size, has_body=True)

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        handle, follows = TRANSITIONS[self._state][answer.kind]
        return handle(self, asked, answer), follows

    def _answered(self, asked: Send, answer: Answer) -> Notes:
        stored = self._framing.stored(asked, answer)
        if isinstance(stored, Breach):
            return self._broken(stored)
        if stored < self._job.size:
            return self._again(asked, answer)
        self._offset = stored
        self._finish(_place(asked, answer))
        return (Acknowledged(stored, "final"),)

    def _again(self, asked: Send, answer: Answer) -> Notes:
        self._back_off(asked, answer)
        return self._from_nothing(answer)

    def _again_later(self, asked: Send, answer: Answer) -> Notes:
        self._blocked(asked, answer)
        return self._from_nothing(answer)

    def _from_nothing(self, answer: Answer) -> Notes:
        return () if self._end else (Restarted(answer.words),)


def _place(asked: Send, answer: Answer) -> str | None:
    """Return where the upload is: at ``Location``, else where a PUT put it (RFC 9110, 9.3.4 PUT)."""
    location = field(answer.headers, "location")
    if location is None:
        return asked.target if asked.method == "PUT" else None
    return resolved(asked.target, location)


def _endpoint(job: Job) -> str:
    return job.endpoint


def _named_resource(job: Job) -> str:
    """A PUT names the resource it makes: below an endpoint that is a folder, by the file's name."""
    return job.endpoint + quote(job.filename, safe="") if job.endpoint.endswith("/") else job.endpoint


def _bare(job: Job) -> Headers:
    return (("Content-Type", FILETYPE), ("Content-Disposition", content_disposition(job.filename)))


def _whole_creation(job: Job) -> Headers:
    """Return the fields of a tus creation-with-upload; an empty one has no content to give a type to."""
    fields = (("Tus-Resumable", VERSION), *creation_fields(job.size, job.filename))
    return (*fields, ("Content-Type", CONTENT_TYPE)) if job.size else fields


def _all_sent(asked: Send, answer: Answer) -> int | Breach:
    """A 2xx says that the request was received (RFC 9110, Successful 2xx): before its end it was not."""
    if answer.sent < asked.stop:
        return Breach("RFC 9110, Successful 2xx", f"{answer.words} after {answer.sent} of {asked.stop} bytes")
    return asked.stop


def _stated(asked: Send, answer: Answer) -> int | Breach:
    if not asked.stop:
        return 0  # an upload of length 0 is complete after its creation (tus 1.0.0, Creation)
    return stated_offset(answer.headers, WITH_UPLOAD, known=0, reached=answer.sent, size=asked.stop)


FRAMINGS: dict[str, Framing] = {
    "": Framing("POST", _endpoint, _bare, _all_sent),
    "put": Framing("PUT", _named_resource, _bare, _all_sent),
    # For servers that take no bare POST: one creation-with-upload (tus 1.0.0), never resumed.
    "tus": Framing("POST", _endpoint, _whole_creation, _stated),
}

Handler = Callable[[Plain, Send, Answer], Notes]
TRANSITIONS: dict[State, dict[Kind, tuple[Handler, State]]] = {
    State.CREATE: {
        Kind.INTERRUPTED: (Plain._again, State.CREATE),
        Kind.SUCCESS: (Plain._answered, State.CREATE),  # CREATE when only a part was kept
        Kind.BUSY: (Plain._again_later, State.CREATE),
        Kind.TRANSIENT: (Plain._again, State.CREATE),
        Kind.CONFLICT: (Plain._refuse, State.FAILED),
        Kind.LOCKED: (Plain._refuse, State.FAILED),
        Kind.GONE: (Plain._refuse, State.FAILED),
        Kind.VERSION: (Plain._refuse, State.FAILED),
        Kind.TOO_LARGE: (Plain._refuse, State.FAILED),
        Kind.CHECKSUM: (Plain._refuse, State.FAILED),
        Kind.REFUSED: (Plain._refuse, State.FAILED),
    },
}
