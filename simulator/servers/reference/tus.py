"""tus 1.0: the core protocol with creation, creation-with-upload, creation-defer-length,
termination, expiration, checksum and concatenation.

Section titles in quotes are those of protocol.md in tus/tus-resumable-upload-protocol. Where it
leaves a choice:
- a request without ``Tus-Resumable: 1.0.0`` gets 412, GET excepted, which tus does not define;
- bytes of a cut PATCH are kept, unless it carried ``Upload-Checksum``: then none can be verified and
  none is kept; a creation with a wrong checksum leaves no upload behind, since nobody knows its name;
- ``Upload-Length`` may come with any PATCH of a deferred upload, and a PATCH that would go beyond the
  length gets 413 before any byte of it is read;
- partial uploads stay after a concatenation; an unfinished one in it gets 400.
"""

from __future__ import annotations

from functools import partial

from simulator.servers.reference import tus_fields
from simulator.servers.reference.append import Unfinished
from simulator.servers.reference.messages import Call, Head, Headers, Refusal, Reply, http_date
from simulator.servers.reference.receiving import Copying, Receiving, Step
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.uploads import Uploads

PATH = "/files/"
VERSION = "1.0.0"
EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "termination",
    "expiration",
    "checksum",
    "concatenation",
)
CONTENT_TYPE = "application/offset+octet-stream"
NO_STORE = ("Cache-Control", "no-store")


class Tus:
    """What tus 1.0 does with a request to ``PATH`` or below it."""

    name = "tus"
    path = PATH
    headers: Headers = (("Tus-Resumable", VERSION),)

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self.endpoint = {"POST": self._create, "OPTIONS": self._discover}
        self.upload = {
            "HEAD": self._query,
            "PATCH": self._append,
            "DELETE": self._terminate,
            "GET": self._get,
            "OPTIONS": self._discover,
        }

    def admit(self, head: Head, method: str) -> None:
        """Refuse another version of the protocol ("Tus-Resumable"); OPTIONS and GET need none."""
        if method not in ("OPTIONS", "GET") and head.fields.get("tus-resumable") != VERSION:
            raise Refusal(412, f"Tus-Resumable must be {VERSION}", (("Tus-Version", VERSION),))

    def _discover(self, _call: Call) -> Step:
        headers: Headers = (
            ("Tus-Version", VERSION),
            ("Tus-Extension", ",".join(EXTENSIONS)),
            ("Tus-Checksum-Algorithm", ",".join(tus_fields.ALGORITHMS)),
        )
        if self._uploads.limits.max_size is not None:
            headers += (("Tus-Max-Size", str(self._uploads.limits.max_size)),)
        return Reply(204, headers)

    def _create(self, call: Call) -> Step:
        head = call.head
        concat = head.fields.get("upload-concat", "")
        if concat.startswith("final"):
            return self._concatenate(call, concat)
        if concat not in ("", "partial"):
            raise Refusal(400, "Upload-Concat must be 'partial' or 'final;' and URLs")
        length = tus_fields.length(head, self._uploads.limits.room)
        upload = Upload(call.fresh, self.name, length, metadata=tus_fields.metadata(head), concat=concat)
        if head.length == 0:
            self._uploads.add(upload, call.now)
            return self._created(upload, head)
        return self._create_with_content(call, upload)

    def _create_with_content(self, call: Call, upload: Upload) -> Step:
        """Receive the first bytes with the creation ("Creation With Upload")."""
        _check_type(call.head)
        checksum = tus_fields.checksum(call.head)
        self._check_room(call.head, 0, upload.length)
        self._uploads.add(upload, call.now)
        unfinished = Unfinished.KEEP if checksum is None else Unfinished.DROP
        append = self._uploads.append(upload, unfinished, checksum)
        return Receiving(append, partial(self._created, upload, call.head), self.headers)

    def _created(self, upload: Upload, head: Head) -> Reply:
        origin = head.origin if self._uploads.limits.whole_urls else ""
        location = ("Location", origin + PATH + upload.id)
        return Reply(201, (location, ("Upload-Offset", str(upload.offset)), *_expiry(upload)))

    def _concatenate(self, call: Call, concat: str) -> Step:
        """Make a final upload, a copy that is whole before the answer ("Concatenation")."""
        if call.head.length != 0 or "upload-length" in call.head.fields:
            raise Refusal(400, "a final upload is created without content and without Upload-Length")
        names = tus_fields.concat_names(concat, PATH)
        parts = tuple(self._uploads.find(self.name, name, call.now) for name in names)
        if not all(part.concat == "partial" and part.complete for part in parts):
            raise Refusal(400, "every upload of a final one must be partial and finished")
        length = sum(part.offset for part in parts)
        if length > self._uploads.limits.room:
            raise UploadError(Trouble.TOO_LARGE)
        metadata = tus_fields.metadata(call.head)
        upload = Upload(call.fresh, self.name, length, metadata=metadata, concat=concat)
        return Copying(self._uploads, upload, parts, partial(self._created, upload, call.head), self.headers)

    def _query(self, call: Call) -> Step:
        upload = self._uploads.take(self.name, call.name, call.now)
        length = (
            ("Upload-Defer-Length", "1") if upload.length is None else ("Upload-Length", str(upload.length))
        )
        told = (("Upload-Metadata", upload.metadata), ("Upload-Concat", upload.concat))
        headers: Headers = (("Upload-Offset", str(upload.offset)), length, NO_STORE, *_expiry(upload))
        return Reply(200, headers + tuple(field for field in told if field[1]))

    def _append(self, call: Call) -> Step:
        """Receive bytes at the offset ("PATCH"). Only a well-formed request ends an older one's hold."""
        head = call.head
        if self._uploads.find(self.name, call.name, call.now).concat.startswith("final"):
            raise Refusal(403, "a final upload cannot be appended to")
        _check_type(head)
        offset, length = head.number("upload-offset"), head.number("upload-length")
        if offset is None:
            raise Refusal(400, "Upload-Offset is missing")
        checksum = tus_fields.checksum(head)
        upload = self._uploads.take(self.name, call.name, call.now)
        if offset != upload.offset:
            raise Refusal(409, f"the offset is {upload.offset}", (("Upload-Offset", str(upload.offset)),))
        self._check_room(head, offset, upload.length if length is None else length)
        self._set_length(upload, length)
        unfinished = Unfinished.KEEP if checksum is None else Unfinished.TRIM
        append = self._uploads.append(upload, unfinished, checksum)
        return Receiving(append, partial(self._appended, upload), self.headers)

    def _appended(self, upload: Upload) -> Reply:
        return Reply(204, (("Upload-Offset", str(upload.offset)), *_expiry(upload)))

    def _terminate(self, call: Call) -> Step:
        self._uploads.drop(self._uploads.take(self.name, call.name, call.now))
        return Reply(204)

    def _get(self, call: Call) -> Step:
        upload = self._uploads.find(self.name, call.name, call.now)
        if not upload.complete:
            raise Refusal(404, "the upload is not complete")
        return Reply(200, (NO_STORE,), stored=upload.blob, size=upload.offset)

    def _set_length(self, upload: Upload, length: int | None) -> None:
        """Fix a deferred length; "once set the length MUST NOT be changed" ("POST")."""
        if length is None or length == upload.length:
            return
        if upload.length is not None or length < upload.offset:
            raise Refusal(400, "Upload-Length contradicts what is known of the upload")
        if length > self._uploads.limits.room:
            raise UploadError(Trouble.TOO_LARGE)
        self._uploads.fix_length(upload, length)

    def _check_room(self, head: Head, offset: int, length: int | None) -> None:
        limit = self._uploads.limits.room if length is None else length
        if head.length is not None and offset + head.length > limit:
            raise UploadError(Trouble.TOO_LARGE)


def _check_type(head: Head) -> None:
    if head.media_type != CONTENT_TYPE:
        raise Refusal(415, f"Content-Type must be {CONTENT_TYPE}")


def _expiry(upload: Upload) -> Headers:
    """ "Upload-Expires": told while the upload is going to expire."""
    return () if upload.expires is None else (("Upload-Expires", http_date(upload.expires)),)
