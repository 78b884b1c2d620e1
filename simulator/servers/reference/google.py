"""Google's resumable uploads: sessions, which end as objects (``google_objects``).

POST   /upload/storage/v1/b/simsim/o?uploadType=resumable&name=NAME     200, Location: the session
PUT    ...&upload_id=ID, Content-Range: bytes 0-524287/900000           308, Range: bytes=0-524287
PUT    ...&upload_id=ID, Content-Range: bytes */900000                  the same, or 200 when complete
PUT    ...&upload_id=ID, Content-Range: bytes 524288-899999/900000      200, the object as JSON
DELETE ...&upload_id=ID                                                 499, the session is over

Section titles in quotes are those of "Perform resumable uploads" in the Cloud Storage documentation.
Where it leaves a choice:
- of content that does not complete an object, what makes a multiple of 256 KiB is kept, whether it was
  cut or not, and 308 tells how much that is;
- bytes that are there already are passed over; a PUT that begins beyond them gets 503, and it keeps
  nothing: a client asks after 503, and then knows;
- a complete session answers every PUT with its object, which costs a client that lost the answer nothing;
- MD5 is taken as bytes pass by, at more cost than all the rest; not if the start's ``fields`` leave it out;
- a new request ends the hold of an older one, so what it is told is final.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from simulator.servers.reference.append import Append, Words
from simulator.servers.reference.google_fields import described, kept, metadata, new_object, span, wanted
from simulator.servers.reference.google_hash import Digests
from simulator.servers.reference.google_objects import (
    BUCKET,
    NAME,
    NO_STORE,
    Media,
    Methods,
    Objects,
    Resources,
)
from simulator.servers.reference.messages import Call, Head, Headers, Refusal, Reply
from simulator.servers.reference.receiving import Receiving, Step
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.storage import Bytes
from simulator.servers.reference.uploads import Uploads

ENDPOINT = f"/upload/storage/v1/b/{BUCKET}/o"
UNIT = 256 * 1024  # bytes ("Multiple chunk upload")
_METADATA_BYTES = 64 * 1024


def places(uploads: Uploads) -> tuple[Sessions, Media, Resources]:
    """Return where the protocol is spoken."""
    digests = Digests(uploads.store, UNIT)
    objects = Objects(uploads, digests)
    return Sessions(uploads, objects, digests), Media(objects), Resources(objects)


class Sessions:
    """What is done with a request to the upload endpoint; a session is a parameter of the query."""

    name = NAME
    path = ENDPOINT + "/"
    headers: Headers = ()

    def __init__(self, uploads: Uploads, objects: Objects, digests: Digests) -> None:
        self._uploads = uploads
        self._objects = objects
        self._digests = digests
        self.endpoint: Methods = {
            "POST": self._start,
            "PUT": self._put,
            "DELETE": self._cancel,
            "OPTIONS": self._discover,
        }
        self.upload: Methods = {}

    def admit(self, head: Head, method: str) -> None:
        """Let every request in."""

    def _discover(self, _call: Call) -> Step:
        return Reply(204, (("Allow", ", ".join(self.endpoint)),))

    def _start(self, call: Call) -> Step:
        """Begin a session ("Initiate a resumable upload session"); the object may be described by JSON."""
        if call.head.query.get("uploadType") != "resumable":
            raise Refusal(400, "uploadType must be resumable")
        if call.head.length == 0:
            return self._started(call, {})
        content = Words(_METADATA_BYTES)
        return Receiving(content, lambda: self._started(call, metadata(bytes(content.content))), self.headers)

    def _started(self, call: Call, said: Mapping[str, Any]) -> Reply:
        size = call.head.number("x-upload-content-length")
        if size is not None and size > self._uploads.limits.room:
            raise UploadError(Trouble.TOO_LARGE)
        known = new_object(call.head, said, self._objects.new_generation(call.now))
        upload = Upload(call.fresh, NAME, size, metadata=known.to_text())
        self._uploads.add(upload, call.now)
        session = f"{call.head.origin}{ENDPOINT}?uploadType=resumable&upload_id={upload.id}"
        return Reply(200, (("Location", session), NO_STORE))

    def _put(self, call: Call) -> Step:
        said = span(call.head)
        upload = self._taken(call)
        self._set_length(upload, said.total)
        if upload.complete or said.start is None or said.stop <= upload.offset:
            return self._told(upload, call.head)
        if said.start > upload.offset:
            raise Refusal(503, f"the content begins at {said.start}, only {upload.offset} bytes are kept")
        if said.stop > (self._uploads.limits.room if upload.length is None else upload.length):
            raise UploadError(Trouble.TOO_LARGE)
        append = self._uploads.append(upload)
        put = partial(self._told, upload, call.head)
        hashed = self._digests if wanted("md5Hash", described(upload.metadata).fields) else None
        return _Putting(append, put, hashed, known=upload.offset - said.start)

    def _told(self, upload: Upload, head: Head) -> Reply:
        """Answer with the object, or with what is kept of it ("Check the status")."""
        if upload.complete:
            self._objects.enter(upload)
            return self._objects.resource(upload, head, described(upload.metadata).fields)
        _round_down(upload)
        return Reply(308, (*kept(upload.offset), NO_STORE))

    def _cancel(self, call: Call) -> Step:
        """End a session ("Cancel a resumable upload"): 499 is the documented success."""
        upload = self._taken(call)
        if upload.complete:
            raise Refusal(400, "the upload is complete; its object can be deleted")
        self._uploads.drop(upload)
        self._digests.forget(upload)
        return Reply(499, (), "the upload was cancelled")

    def _taken(self, call: Call) -> Upload:
        """Return the session that a request names, nobody's hold upon it."""
        upload = self._uploads.take(NAME, call.head.query.get("upload_id", ""), call.now)
        described(upload.metadata)
        if not upload.complete:
            _round_down(upload)
        return upload

    def _set_length(self, upload: Upload, total: int | None) -> None:
        """Fix a length that the start left open; one that is known cannot change."""
        if total is None or total == upload.length:
            return
        if upload.length is not None or total < upload.offset:
            raise Refusal(400, "Content-Range contradicts what is known of the upload's length")
        if total > self._uploads.limits.room:
            raise UploadError(Trouble.TOO_LARGE)
        self._uploads.tidy(upload)  # it may be complete by that alone, and then nothing will be appended
        self._uploads.fix_length(upload, total)


class _Putting(Receiving):
    """Content of which the first *known* bytes are there already; what is new goes into *digests* as well."""

    def __init__(
        self, append: Append, done: Callable[[], Reply], digests: Digests | None, *, known: int
    ) -> None:
        super().__init__(append, done, Sessions.headers)
        self._upload = append.upload
        self._digests = digests
        self._known = known

    def data(self, piece: Bytes, now: float) -> Reply | None:
        passed = min(self._known, len(piece))
        self._known -= passed
        piece = piece[passed:]
        before = self._upload.offset
        reply = super().data(piece, now)
        if self._digests is not None and self._upload.offset > before:
            self._digests.feed(self._upload, before, piece[: self._upload.offset - before])
        return reply


def _round_down(upload: Upload) -> None:
    """Forget what makes no whole unit, unless somebody writes: the next append clears it away."""
    extra = upload.offset % UNIT
    if extra and upload.append is None:
        upload.offset -= extra
        upload.untidy = True
