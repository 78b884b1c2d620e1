"""One part of a multipart upload: sent as a whole until it is stored, or seen to be.

                +-- cut before its end, refused for now --+
                v                                         |
    next() -> APPEND: PUT ?partNumber=n&uploadId=u -------+--> 2xx with ETag: DONE
                ^                                         |
                |                                  all sent, no answer
                |                                         v
                +-- not listed -- QUERY: GET ?uploadId=u&part-number-marker=n-1 --> listed: DONE

- A part that was cut is sent again from its first byte: S3 keeps no part of a part.
- A part whose every byte went out may be stored although its answer was lost, so the server is asked.
  The listing begins at the part's own number and is one row long: there are no pages to follow.
- Whoever may not list parts (a key can be allowed to write only) sends again without asking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

from simulator.protocols.core import Answer, Job, Kind, Notes, State, UploadMachine
from simulator.protocols.fields import FILETYPE, field
from simulator.protocols.machine import Acknowledged, Breach, Send, Step
from simulator.protocols.s3_xml import TEXT, error_code, listed
from simulator.records import Purpose

SPECIFICATION = "Amazon S3 API Reference"
UPLOAD_PART = f"{SPECIFICATION}, UploadPart"
LIST_PARTS = f"{SPECIFICATION}, ListParts"
GONE = ("NoSuchUpload", "")  # of a 404: the upload is gone, as far as an answer without a code can tell

# Codes that ask for the request again whatever their status, as botocore.retries takes them.
AGAIN = {
    "RequestTimeout": Kind.TRANSIENT,  # 400: S3 waited in vain for the rest of the content
    "PriorRequestNotComplete": Kind.TRANSIENT,
    "IncompleteBody": Kind.TRANSIENT,
    "InternalError": Kind.TRANSIENT,
    "OperationAborted": Kind.CONFLICT,
    "ServiceUnavailable": Kind.BUSY,
    "SlowDown": Kind.BUSY,
}
_WITHIN = {"NoSuchUpload": Kind.GONE}  # what an error in a 200 means, which has no status of its own


def judged(answer: Answer, *, within: bool = False) -> Answer:
    """Return *answer* with the kind that its error code gives it, and the code among its words.

    *within* is whether a success may hold an error, as a completion's may.
    """
    success = answer.kind is Kind.SUCCESS
    code = "" if success and not within else error_code(answer.body)
    if not code:
        return answer
    kind = _WITHIN.get(code, Kind.REFUSED) if success else answer.kind
    return replace(answer, kind=AGAIN.get(code, kind), words=f"{answer.words} {code}")


@dataclass
class Multipart:
    """What the parts of one upload share. ``over`` is why it failed, which ends those not done yet."""

    object_url: str
    id: str = ""
    listing: bool = True  # whether this client may list parts
    gone: bool = False  # the server has no such upload
    over: str = ""

    def url(self, *more: str) -> str:
        """Return the upload's URL, with *more* of its query before its id."""
        query = "&".join((*more, f"uploadId={quote(self.id, safe='')}"))
        return f"{self.object_url}?{query}"


class Part(UploadMachine):
    """The part *number* of *upload*: the representation's bytes from *start* up to *stop*."""

    def __init__(self, job: Job, upload: Multipart, number: int, start: int, stop: int) -> None:
        super().__init__(job)
        self._state = State.APPEND
        self._upload = upload
        self._start, self._stop = start, stop
        self.number = number
        self.etag = ""  # once it is stored

    @property
    def over(self) -> bool:
        """Return whether the part is stored, or will not be."""
        return self._end is not None

    def next(self) -> Step:
        """Return what to do now; a part that is not under way ends with its upload."""
        if self._upload.over and self._asked is None and self._end is None:
            self._fail(self._upload.over)
        return super().next()

    def _fail(self, why: str) -> Notes:
        self._upload.over = self._upload.over or why
        return super()._fail(why)

    # Requests

    def _request(self) -> Send:
        return REQUESTS[self._state](self)

    def _append(self) -> Send:
        target = self._upload.url(f"partNumber={self.number}")
        headers = (("Content-Type", FILETYPE), *self._job.headers)
        return Send(Purpose.APPEND, "PUT", target, headers, self._start, self._stop, has_body=True)

    def _query(self) -> Send:
        target = self._upload.url("max-parts=1", f"part-number-marker={self.number - 1}")
        return Send(Purpose.QUERY, "GET", target, self._job.headers)

    # Answers

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        answer = judged(answer)
        handle, follows = TRANSITIONS[self._state][answer.kind]
        notes = handle(self, asked, answer)
        return notes, self._doubted(asked, answer) if follows is State.QUERY else follows

    def _doubted(self, asked: Send, answer: Answer) -> State:
        """Ask for what may be stored; what did not go out whole cannot be, nor be asked for without leave."""
        doubt = asked.purpose is Purpose.QUERY or answer.sent == asked.stop - asked.start
        return State.QUERY if doubt and self._upload.listing else State.APPEND

    def _stored(self, asked: Send, answer: Answer) -> Notes:
        if answer.sent < asked.stop - asked.start:
            evidence = f"{answer.words} after {answer.sent} of {asked.stop - asked.start} bytes"
            return self._broken(Breach(UPLOAD_PART, evidence))
        etag = field(answer.headers, "etag") or ""
        if not TEXT.fullmatch(etag):
            return self._broken(Breach(UPLOAD_PART, f"{answer.words} with the ETag {etag[:200]!a}"))
        return self._kept(etag, Acknowledged(self._stop, "final", self._start))

    def _listed(self, asked: Send, answer: Answer) -> Notes:
        """Look for the part in a listing; without it, or in a listing that is none, it is sent again."""
        rows = listed(answer.body)
        if rows is None:
            self._back_off(asked, answer)
            return (Breach(LIST_PARTS, f"{answer.words} with {answer.body[:200]!a}"),)
        found = next((row for row in rows if row.number == self.number), None)
        if found is None:
            return ()
        if found.size != self._stop - self._start:
            self._back_off(asked, answer)
            size = self._stop - self._start
            return (Breach(UPLOAD_PART, f"part {self.number} is listed with {found.size} bytes, not {size}"),)
        return self._kept(found.etag, Acknowledged(self._stop, "query", self._start))

    def _kept(self, etag: str, said: Acknowledged) -> Notes:
        self.etag = etag
        self._offset = self._stop - self._start
        self._finish(None)
        return (said,)

    # Refusals

    def _missing(self, asked: Send, answer: Answer) -> Notes:
        """Tell a 404 of the upload from one of the bucket, and both from a key that is refused."""
        self._upload.gone = answer.status == 404 and error_code(answer.body) in GONE
        return self._refuse(asked, answer)

    def _unlisted(self, asked: Send, answer: Answer) -> Notes:
        if answer.status == 404:
            return self._missing(asked, answer)
        self._upload.listing = False
        return self._back_off(asked, answer)


REQUESTS: dict[State, Callable[[Part], Send]] = {State.APPEND: Part._append, State.QUERY: Part._query}

Handler = Callable[[Part, Send, Answer], Notes]
# QUERY where a part may be stored all the same: `_doubted` says APPEND where it cannot.
TRANSITIONS: dict[State, dict[Kind, tuple[Handler, State]]] = {
    State.APPEND: {
        Kind.SUCCESS: (Part._stored, State.DONE),
        Kind.INTERRUPTED: (Part._back_off, State.QUERY),
        Kind.TRANSIENT: (Part._back_off, State.QUERY),
        Kind.BUSY: (Part._blocked, State.QUERY),
        Kind.LOCKED: (Part._blocked, State.QUERY),
        Kind.CONFLICT: (Part._blocked, State.QUERY),
        Kind.GONE: (Part._missing, State.FAILED),
        Kind.VERSION: (Part._refuse, State.FAILED),
        Kind.TOO_LARGE: (Part._refuse, State.FAILED),
        Kind.CHECKSUM: (Part._refuse, State.FAILED),
        Kind.REFUSED: (Part._refuse, State.FAILED),
    },
    State.QUERY: {
        Kind.SUCCESS: (Part._listed, State.APPEND),
        Kind.INTERRUPTED: (Part._back_off, State.QUERY),
        Kind.TRANSIENT: (Part._back_off, State.QUERY),
        Kind.BUSY: (Part._blocked, State.QUERY),
        Kind.LOCKED: (Part._blocked, State.QUERY),
        Kind.CONFLICT: (Part._blocked, State.QUERY),
        Kind.GONE: (Part._unlisted, State.APPEND),
        Kind.VERSION: (Part._unlisted, State.APPEND),
        Kind.TOO_LARGE: (Part._unlisted, State.APPEND),
        Kind.CHECKSUM: (Part._unlisted, State.APPEND),
        Kind.REFUSED: (Part._unlisted, State.APPEND),
    },
}
