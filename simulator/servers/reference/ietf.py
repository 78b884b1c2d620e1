"""draft-ietf-httpbis-resumable-upload in the interop versions of ``ietf_dialects``.

POST, PUT, PATCH /resumable/     an upload; with Upload-Complete one that can be resumed
HEAD, PATCH, DELETE, GET /resumable/ID
OPTIONS

Section titles in quotes are those of the drafts. Where they leave a choice:
- a creation without Upload-Complete, or without an interop version, is an ordinary upload: stored when
  it is whole, and what is cut leaves nothing; one that says it is a part gets 400 then;
- a request to an upload that names no version is read in the version of its creation;
- bytes of a cut request are kept, unless it carried ``Content-Digest``: then none can be verified;
- a representation that does not have its ``Repr-Digest`` is removed, and so is its upload.
"""

from __future__ import annotations

from functools import partial

from simulator.servers.reference import ietf_asked, ietf_fields
from simulator.servers.reference.append import Checksum, Running, Unfinished
from simulator.servers.reference.digesting import Digesting
from simulator.servers.reference.ietf_asked import Asked
from simulator.servers.reference.ietf_dialects import COMPLETED, DIALECTS, NEWEST, Dialect
from simulator.servers.reference.ietf_fields import Digest, Problem
from simulator.servers.reference.ietf_telling import Telling
from simulator.servers.reference.messages import Call, Head, Headers, Refusal, Reply
from simulator.servers.reference.receiving import Outcome, Receiving, Step, refused
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.storage import StoreError
from simulator.servers.reference.uploads import Uploads

PATH = "/resumable/"
NO_STORE = ("Cache-Control", "no-store")


class Ietf:
    """What the server does with a request to ``PATH`` or below it."""

    name = "ietf"
    path = PATH
    headers: Headers = ()

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self.endpoint = {
            "POST": self._create,
            "PUT": self._create,
            "PATCH": self._create,
            "OPTIONS": self._discover,
        }
        self.upload = {
            "HEAD": self._query,
            "PATCH": self._append,
            "DELETE": self._cancel,
            "GET": self._get,
            "OPTIONS": self._discover,
        }

    def admit(self, head: Head, method: str) -> None:
        """Let every request in."""

    def _discover(self, call: Call) -> Step:
        """Tell the limits ("Limits")."""
        dialect = ietf_fields.dialect(call.head) or NEWEST
        allowed = self.upload if call.name else self.endpoint
        headers: Headers = (("Allow", ", ".join(allowed)),)
        if dialect.patches:
            headers += (("Accept-Patch", ietf_fields.PARTIAL_UPLOAD),)
        return Reply(204, headers + self._limits(dialect, self._uploads.limits.expires))

    # "Upload Creation"

    def _create(self, call: Call) -> Step:
        head = call.head
        dialect = ietf_asked.named(head)
        complete = None if dialect is None else ietf_fields.complete(head, dialect)
        if dialect is None or complete is None:
            return self._ordinary(call)
        if dialect.strict and "upload-offset" in head.fields:
            raise Refusal(400, "Upload-Offset is not for a creation")
        length = ietf_asked.length_by(head, dialect, 0, complete, None)
        self._check_room(head, dialect, 0, length)
        asked = ietf_asked.asked_by(head, dialect, complete, None)
        memo = ietf_asked.memo_of(asked)
        upload = Upload(call.fresh, self.name, length, metadata=memo, pending=True)
        checksum = ietf_asked.checksum(head)
        self._uploads.add(upload, call.now)
        location = ("Location", PATH + upload.id)
        announced = (location, *self._limits(dialect, self._uploads.limits.expires))
        return self._receive(call, upload, asked, checksum, announced)

    def _ordinary(self, call: Call) -> Step:
        """Receive a whole representation, as from a client that knows nothing of resumption."""
        head = call.head
        is_part = (
            ietf_fields.boolean(head, "Upload-Complete") is False
            or ietf_fields.boolean(head, "Upload-Incomplete") is True
        )
        if is_part:
            known = ", ".join(map(str, DIALECTS))
            raise Refusal(400, f"to upload in parts, {ietf_fields.VERSION} must be one of {known}")
        if head.length is not None and head.length > self._uploads.limits.room:
            raise UploadError(Trouble.TOO_LARGE)
        upload = Upload(call.fresh, self.name, staged=True)
        checksum = ietf_asked.checksum(head) or ietf_asked.checksum(head, "Repr-Digest")
        append = self._uploads.append(upload, Unfinished.DROP, checksum)
        return Receiving(append, partial(self._publish, upload), self.headers, refuse=_refused)

    def _publish(self, upload: Upload) -> Reply:
        self._uploads.publish(upload, upload.id)
        return Reply(201, (("Location", PATH + upload.id),))

    # "Upload Append"

    def _append(self, call: Call) -> Step:
        """Receive bytes at the offset. Only a well-formed request ends an older one's hold."""
        head = call.head
        dialect = self._dialect(call)
        if dialect.media and head.media_type != ietf_fields.PARTIAL_UPLOAD:
            accepted = ("Accept-Patch", ietf_fields.PARTIAL_UPLOAD)
            raise Refusal(415, f"Content-Type must be {ietf_fields.PARTIAL_UPLOAD}", (accepted,))
        offset = ietf_fields.integer(head, "Upload-Offset")
        if offset is None:
            raise Refusal(400, "Upload-Offset must be a non-negative Integer")
        complete = ietf_fields.complete(head, dialect)
        if complete is None:
            if dialect.must_flag:
                raise Refusal(400, "Upload-Complete must be ?0 or ?1")
            complete = dialect.incomplete
        checksum = ietf_asked.checksum(head)
        upload = self._uploads.take(self.name, call.name, call.now)
        asked = ietf_asked.asked_by(head, dialect, complete, upload)
        if offset != upload.offset:
            raise ietf_fields.mismatch(dialect, upload.offset, offset)
        if not upload.pending:
            return self._again(head, upload, asked)
        length = ietf_asked.length_by(head, dialect, offset, complete, upload.length)
        self._check_room(head, dialect, offset, length)
        if length is not None and upload.length is None:
            self._uploads.fix_length(upload, length)
        return self._receive(call, upload, asked, checksum, ())

    def _again(self, head: Head, upload: Upload, asked: Asked) -> Step:
        """Answer an append to a complete upload: its final answer may have been lost."""
        dialect = asked.dialect
        if head.length != 0:
            raise ietf_fields.inconsistent(dialect)
        if dialect.replays and asked.complete:
            return self._final(upload, asked, None)
        raise Problem(dialect, 400, COMPLETED, "upload is already completed")

    # content

    def _receive(
        self, call: Call, upload: Upload, asked: Asked, checksum: Checksum | None, announced: Headers
    ) -> Receiving:
        unfinished = Unfinished.KEEP if checksum is None else Unfinished.TRIM
        append = self._uploads.append(upload, unfinished, checksum, self._uploads.limits.max_append)
        return Receiving(
            append,
            partial(self._received, upload, asked),
            self.headers,
            telling=Telling(append, asked.dialect, announced, call.now),
            refuse=partial(self._unstorable, upload, asked.dialect),
        )

    def _received(self, upload: Upload, asked: Asked) -> Outcome:
        """Answer a request whose content was processed, after checking the whole if it ends the upload."""
        if not asked.complete:
            return self._partial(upload, asked)
        if upload.length not in (None, upload.offset):
            raise ietf_fields.inconsistent(asked.dialect, _offset(asked.dialect, upload))
        name = asked.want if asked.digest is None else asked.digest[0]
        if name is None:
            return self._final(upload, asked, None)
        running = ietf_fields.ALGORITHMS[name]()
        expected = None if asked.digest is None else Checksum(running, asked.digest[1])
        digested = partial(self._digested, upload, asked, name, running, self._uploads.trusted(expected))
        return Digesting(self._uploads, upload, running, digested)

    def _digested(
        self, upload: Upload, asked: Asked, name: str, running: Running, expected: Checksum | None
    ) -> Reply:
        """Complete the upload, or give it up because it is not what was promised ("Integrity Digests")."""
        if not self._uploads.has(upload):
            raise UploadError(Trouble.MISSING)
        if expected is not None and not expected.matches():
            self._uploads.drop(upload)
            over = (ietf_fields.flag(asked.dialect, True),)
            raise Refusal(400, "the representation does not have its Repr-Digest", over)
        return self._final(upload, asked, (name, running.digest()))

    def _final(self, upload: Upload, asked: Asked, found: Digest | None) -> Reply:
        """Return the answer of the resource that the creation was sent to: 201, as for a plain upload."""
        if upload.pending:
            self._uploads.complete(upload)
        headers: Headers = (("Location", PATH + upload.id), ietf_fields.flag(asked.dialect, True))
        if asked.want is not None and found is not None:
            headers += (ietf_fields.digest_field("Repr-Digest", found),)
        return Reply(201, headers + _offset(asked.dialect, upload))

    def _partial(self, upload: Upload, asked: Asked) -> Reply:
        """Return the answer to content that more follows."""
        dialect = asked.dialect
        headers = (ietf_fields.flag(dialect, False), *_offset(dialect, upload))
        if not asked.created:
            return Reply(dialect.partial, headers)
        limits = self._limits(dialect, self._uploads.limits.expires)
        return Reply(201, (("Location", PATH + upload.id), *headers, *limits))

    def _unstorable(
        self, upload: Upload, dialect: Dialect, error: UploadError | StoreError, headers: Headers
    ) -> Reply:
        """Return the answer to content that cannot be stored, some of which may have been."""
        if not isinstance(error, UploadError) or error.trouble is not Trouble.TOO_LARGE:
            return _refused(error, headers)
        if upload.offset != upload.length:
            return refused(self._too_large(dialect), headers)
        if dialect.excess_ends and self._uploads.has(upload):
            self._uploads.drop(upload)
        return ietf_fields.inconsistent(dialect, _offset(dialect, upload)).reply.plus(headers)

    # "Offset Retrieval" and "Upload Cancellation"

    def _query(self, call: Call) -> Step:
        dialect = self._dialect(call)
        _refuse_append_fields(call.head, dialect)
        upload = self._uploads.take(self.name, call.name, call.now)
        told: Headers = (
            ietf_fields.offset(upload.offset),
            ietf_fields.flag(dialect, upload.complete),
            NO_STORE,
        )
        if dialect.lengths and upload.length is not None:
            told += (("Upload-Length", str(upload.length)),)
        lifetime = None if upload.expires is None else upload.expires - call.now
        return Reply(204, told + self._limits(dialect, lifetime))

    def _get(self, call: Call) -> Step:
        """Send what a complete upload holds: no draft gives the content a meaning, so this is ours."""
        upload = self._uploads.find(self.name, call.name, call.now)
        if upload.complete:
            return Reply(200, (NO_STORE,), stored=upload.blob, size=upload.offset)
        if self._dialect(call).get:
            return self._query(call)
        raise Refusal(404, "the upload is not complete")

    def _cancel(self, call: Call) -> Step:
        _refuse_append_fields(call.head, self._dialect(call))
        self._uploads.drop(self._uploads.take(self.name, call.name, call.now))
        return Reply(204)

    # what all of them need

    def _dialect(self, call: Call) -> Dialect:
        """Return the dialect of a request to an upload that is there."""
        upload = self._uploads.find(self.name, call.name, call.now)
        return ietf_fields.dialect(call.head) or DIALECTS.get(ietf_asked.recall(upload).interop) or NEWEST

    def _limits(self, dialect: Dialect, lifetime: float | None) -> Headers:
        return ietf_fields.limits(dialect, self._uploads.limits, lifetime)

    def _check_room(self, head: Head, dialect: Dialect, offset: int, length: int | None) -> None:
        """Refuse too much before any of it is read ("Limits", "Length")."""
        size = head.length or 0
        if length is not None and offset + size > length:
            raise ietf_fields.inconsistent(dialect)
        limits = self._uploads.limits
        room = min(limits.room, ietf_fields.MOST)
        most = room if limits.max_append is None else limits.max_append
        if size > most or max(length or 0, offset + size) > room:
            raise self._too_large(dialect)

    def _too_large(self, dialect: Dialect) -> Refusal:
        told = (ietf_fields.flag(dialect, False), *self._limits(dialect, self._uploads.limits.expires))
        return Refusal(413, Trouble.TOO_LARGE.value, told)


def _offset(dialect: Dialect, upload: Upload) -> Headers:
    return (ietf_fields.offset(upload.offset),) if dialect.offsets else ()


def _refuse_append_fields(head: Head, dialect: Dialect) -> None:
    """Refuse a query or cancellation that looks like an append ("Offset Retrieval")."""
    name = ietf_fields.flag(dialect, True)[0]
    names = ("Upload-Offset", name, *(("Upload-Length",) if dialect.lengths else ()))
    if dialect.strict and any(name.lower() in head.fields for name in names):
        raise Refusal(400, f"{' and '.join(names)} are not for a {head.method}")


def _refused(error: UploadError | StoreError, headers: Headers) -> Reply:
    if isinstance(error, UploadError) and error.trouble is Trouble.MISMATCH:
        return Reply(400, headers, "the content does not have its digest")
    return refused(error, headers)
