"""S3 multipart upload: create, parts, complete. Sections are cited from the Amazon S3 API Reference by title.

    CREATE --UploadId--> APPEND: parts (s3_parts) --all stored--> COMPLETE --200 and no error--> DONE
      ^                    |                                      |     ^
      |                    |                      lost, 5xx, 404  |     | HEAD: not there
      |                    |                                      v     |
      +-- 404 NoSuchUpload-+------- not there, and no upload --- QUERY -+--> HEAD: there: DONE

- One part after another, by the one machine; with ``parallel`` above 1 side by side, each by its own.
- A completion whose answer was lost may have been done, and its upload be gone for that reason: HEAD of
  the object tells, by its length and by the count of parts in its ETag. The key must be this upload's own.
- A 200 may hold an error, since S3 begins to answer before it has put the parts together
  ("CompleteMultipartUpload"): that attempt failed.
- What cannot be finished is aborted, because S3 keeps its parts, and bills them, for ever.
- A creation whose answer was lost is made again: an upload without parts may stay behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from simulator.protocols.core import Answer, Job, Kind, Notes, State, UploadMachine
from simulator.protocols.fields import field, whole_number
from simulator.protocols.machine import Breach, Event, Fork, Joined, Restarted, Send, Step
from simulator.protocols.resuming import RESTARTS
from simulator.protocols.s3_parts import GONE, SPECIFICATION, UPLOAD_PART, Multipart, Part, judged
from simulator.protocols.s3_xml import completion, error_code, parsed, upload_id
from simulator.records import Purpose
from simulator.units import parse_size

SMALLEST, LARGEST = 5 * 2**20, 5 * 2**30  # bytes of a part but the last ("Amazon S3 multipart upload limits")
MOST_PARTS = 10_000
MOST_AT_ONCE = 16
ABORTS = 3  # attempts to abort; then the upload is left behind
CREATE = f"{SPECIFICATION}, CreateMultipartUpload"
COMPLETE = f"{SPECIFICATION}, CompleteMultipartUpload"

_COUNT = re.compile(r'"?[0-9a-f]{32}-([0-9]{1,5})"?')  # how S3 ends the ETag of an object made of parts


def part_size(text: str) -> int:
    """Return the bytes of a part that *text* asks for. Raises ``ValueError``."""
    size = parse_size(text)
    if not SMALLEST <= size <= LARGEST:
        raise ValueError("S3 takes parts from 5 MiB to 5 GiB")
    return size


def cut(size: int, part: int) -> tuple[tuple[int, int], ...]:
    """Return where the parts of *size* bytes begin and end: *part* bytes each, or as few more as needed.

    There is always one: an upload without parts cannot be completed.
    """
    part = max(part, -(-size // MOST_PARTS), 1)
    return tuple((start, min(start + part, size)) for start in range(0, max(size, 1), part))


class S3(UploadMachine):
    """One upload to the bucket at the job's endpoint (path style), under the key ``filename``.

    Options: ``parallel`` (parts at once), ``part`` (bytes; else the policy's piece, as far as S3 takes it).
    """

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._key = f"{job.endpoint.rstrip('/')}/{quote(job.filename, safe='~')}"
        self._bounds = cut(job.size, job.options.get("part") or max(job.policy.piece or 0, SMALLEST))
        self._at_once = min(job.options.get("parallel", 1), len(self._bounds))
        self._upload = Multipart(self._key)
        self._parts: tuple[Part, ...] = ()
        self._at = 0  # the part under way, where they follow one another
        self._furthest = 0
        self._restarts = 0  # in a row, without getting further
        self._aborts = 0
        self._why = ""  # the upload failed: it is to be aborted

    @property
    def offset(self) -> int:
        """Return how many bytes the server acknowledged: of every part that it is known to have."""
        return sum(part.offset for part in self._parts)

    # Parts one after another: each says what to do until it ends

    def next(self) -> Step:
        """Return what to do now. Raises ``RuntimeError`` while an answer is still awaited."""
        part = self._under_way()
        return super().next() if part is None else part.next()

    def receive(self, event: Event) -> Notes:
        """Take in what came of the last ``Send``. Raises ``RuntimeError`` when nothing was sent."""
        part = self._under_way()
        if part is None:
            return super().receive(event)
        notes = part.receive(event)
        if part.over:
            self._at += 1
        if part.over and (self._upload.over or self._at == len(self._parts)):
            ended, follows = self._settled()
            self._state = self._state if self._end else follows
            notes += ended
        return notes

    def _under_way(self) -> Part | None:
        one_by_one = self._state is State.APPEND and self._at_once == 1
        return self._parts[self._at] if one_by_one else None

    def _joined(self, event: Joined) -> tuple[Notes, State]:  # noqa: ARG002  # the parts know how they ended
        return self._settled()

    def _settled(self) -> tuple[Notes, State]:
        """Return what follows the parts: they are complete, or the upload is gone or failed."""
        if self._upload.gone:
            return self._forgotten(self._upload.over), State.CREATE
        if self._upload.over:
            return self._fail(self._upload.over), State.CANCEL
        self._backoff.progressed()
        return (), State.COMPLETE

    # Requests

    def _request(self) -> Send | Fork:
        return REQUESTS[self._state](self)

    def _creation(self) -> Send:
        return Send(Purpose.CREATE, "POST", f"{self._key}?uploads=", self._job.headers, has_body=True)

    def _fork(self) -> Fork:
        return Fork(self._parts, self._at_once)

    def _completion(self) -> Send:
        content = completion((part.number, part.etag) for part in self._parts)
        headers = (("Content-Type", "application/xml"), *self._job.headers)
        return Send(Purpose.COMPLETE, "POST", self._upload.url(), headers, has_body=True, content=content)

    def _query(self) -> Send:
        return Send(Purpose.QUERY, "HEAD", self._key, self._job.headers)

    def _abortion(self) -> Send:
        return Send(Purpose.CANCEL, "DELETE", self._upload.url(), self._job.headers)

    # Answers

    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        answer = judged(answer, within=asked.purpose is Purpose.COMPLETE)
        handle, follows = TRANSITIONS[self._state][answer.kind]
        notes = handle(self, asked, answer)
        if self._why:
            return notes, State.CANCEL
        return notes, follows if self._upload.id else State.CREATE

    def _created(self, asked: Send, answer: Answer) -> Notes:  # noqa: ARG002  # one signature for the table
        found = upload_id(answer.body)
        if found is None:
            return self._broken(Breach(CREATE, f"{answer.words} with {answer.body[:200]!a}"))
        self._upload = upload = Multipart(self._key, found)
        bounds = enumerate(self._bounds, 1)
        self._parts = tuple(Part(self._job, upload, number, *ends) for number, ends in bounds)
        self._at = 0
        return ()

    def _completed(self, asked: Send, answer: Answer) -> Notes:
        if parsed(answer.body, "CompleteMultipartUploadResult") is not None:
            self._finish(self._key)
            return ()
        self._back_off(asked, answer)
        return (Breach(COMPLETE, f"{answer.words} with {answer.body[:200]!a}"),)

    def _gone_or_done(self, asked: Send, answer: Answer) -> Notes:
        """A completed upload is gone as well: the object itself must tell."""
        if answer.status not in (200, 404) or error_code(answer.body) not in GONE:
            return self._refuse(asked, answer)
        self._upload.gone = True
        return ()

    def _refuse_completion(self, asked: Send, answer: Answer) -> Notes:
        if error_code(answer.body) == "InvalidPart":
            return self._broken(Breach(UPLOAD_PART, f"{answer.words}: a part that was acknowledged is lost"))
        return self._refuse(asked, answer)

    def _there(self, asked: Send, answer: Answer) -> Notes:
        """An object of another make has this key: it is older, and yet to be replaced."""
        length = whole_number(field(answer.headers, "content-length") or "")
        counted = _COUNT.fullmatch(field(answer.headers, "etag") or "")
        if length == self._job.size and (counted is None or int(counted[1]) == len(self._parts)):
            self._finish(self._key)
            return ()
        return self._not_there(asked, answer) if self._upload.gone else self._back_off(asked, answer)

    def _not_there(self, asked: Send, answer: Answer) -> Notes:
        """Complete again; or, where the upload is gone too, begin again."""
        return self._forgotten(f"{asked.method}: {answer.words}") if self._upload.gone else ()

    # Beginning again, and giving up

    def _forgotten(self, why: str) -> Notes:
        if self.offset > self._furthest:
            self._furthest, self._restarts = self.offset, 0
        self._restarts += 1
        if self._restarts > RESTARTS:
            return self._fail(f"the server forgets uploads: {why}, again")
        self._pause = self._backoff.failed()
        if self._backoff.exhausted():
            return self._fail(f"no progress in {self._backoff.failures} attempts in a row; the last: {why}")
        self._parts, self._upload = (), Multipart(self._key)
        return (Restarted(why),)

    def _fail(self, why: str) -> Notes:
        """Fail for *why*, after aborting an upload that is there."""
        if self._why or not self._upload.id or self._upload.gone:
            return super()._fail(self._why or why)
        self._why, self._pause = why, None
        return ()

    def _aborted(self, asked: Send, answer: Answer) -> Notes:  # noqa: ARG002  # one signature for the table
        return super()._fail(self._why)

    def _abort_again(self, asked: Send, answer: Answer) -> Notes:
        self._aborts += 1
        return self._aborted(asked, answer) if self._aborts == ABORTS else self._back_off(asked, answer)


REQUESTS: dict[State, Callable[[S3], Send | Fork]] = {
    State.CREATE: S3._creation,
    State.APPEND: S3._fork,
    State.COMPLETE: S3._completion,
    State.QUERY: S3._query,
    State.CANCEL: S3._abortion,
}

Handler = Callable[[S3, Send, Answer], Notes]
Row = dict[Kind, tuple[Handler, State]]
_PASSING = (Kind.INTERRUPTED, Kind.TRANSIENT)
_BUSY = (Kind.BUSY, Kind.LOCKED, Kind.CONFLICT)


def _row(others: Handler, passing: State, own: Row) -> Row:
    """Return a row of the table: *own*, what passes (ask again in the state *passing*), and all *others*."""
    return {
        **dict.fromkeys(Kind, (others, State.FAILED)),
        **dict.fromkeys(_PASSING, (S3._back_off, passing)),
        **dict.fromkeys(_BUSY, (S3._blocked, passing)),
        **own,
    }


# Parts have a table of their own. What follows is outranked by CANCEL once the upload has failed, and by
# CREATE once it is gone.
TRANSITIONS: dict[State, Row] = {
    State.CREATE: _row(S3._refuse, State.CREATE, {Kind.SUCCESS: (S3._created, State.APPEND)}),
    State.COMPLETE: _row(
        S3._refuse_completion,
        State.QUERY,
        {Kind.SUCCESS: (S3._completed, State.QUERY), Kind.GONE: (S3._gone_or_done, State.QUERY)},
    ),
    State.QUERY: _row(
        S3._refuse,
        State.QUERY,
        {Kind.SUCCESS: (S3._there, State.COMPLETE), Kind.GONE: (S3._not_there, State.COMPLETE)},
    ),
    State.CANCEL: _row(
        S3._aborted,
        State.CANCEL,
        {kind: (S3._abort_again, State.CANCEL) for kind in (*_PASSING, *_BUSY)},
    ),
}
