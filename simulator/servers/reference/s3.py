"""S3 with path-style addresses, as much of it as multipart uploads by common clients need. One bucket.

    /s3/                                        GET: buckets
    /s3/simsim                                  HEAD, PUT, GET ?location
    /s3/simsim/KEY                              PUT, GET (Range), HEAD, DELETE
    /s3/simsim/KEY?uploads                      POST: CreateMultipartUpload
    /s3/simsim/KEY?partNumber=N&uploadId=ID     PUT: UploadPart
    /s3/simsim/KEY?uploadId=ID                  GET: ListParts; POST: complete; DELETE: abort

The same at /simsim, for clients that take no path before the bucket. Every request must be signed
(``sigv4``). Actions are named as in the Amazon S3 API Reference. Where it leaves a choice: a second
CompleteMultipartUpload finds no upload, and an object is seen only when the copy of its parts is whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import unquote

from simulator.servers.reference import s3_xml, sigv4
from simulator.servers.reference.append import Unfinished, Words
from simulator.servers.reference.messages import Call, Head, Headers, Refusal, Reply, http_date, query_of
from simulator.servers.reference.receiving import Copying, Outcome, Receiving, Step, refused
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.s3_content import DECODED_LENGTH, Digests, S3Receiving, wrapping
from simulator.servers.reference.s3_parts import MOST_PARTS, PART, About, Multiparts
from simulator.servers.reference.s3_xml import S3Refusal, told
from simulator.servers.reference.storage import StoreError
from simulator.servers.reference.uploads import Uploads

PATH = "/s3/"
BUCKET = "simsim"
LONGEST_KEY = 1024  # bytes
LONGEST_COMPLETION = 4 << 20  # bytes: 10,000 parts with every checksum that S3 knows
MOST_LISTED = 1000
_NUMBER = re.compile(r"[0-9]{1,5}")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class _Asked:
    """One request as S3 sees it: the bucket, the key, and the query by name."""

    def __init__(self, call: Call) -> None:
        self.call = call
        bucket, slash, key = unquote(call.name).partition("/")
        self.bucket, self.key = bucket, key if slash else ""
        pairs = (pair.partition("=") for pair in query_of(call.head.target).split("&"))
        self.query = {unquote(name): unquote(value) for name, _, value in pairs if name}

    @property
    def head(self) -> Head:
        """Return the request's head."""
        return self.call.head

    @property
    def place(self) -> str:
        """Return what is addressed."""
        return "object" if self.key else "bucket" if self.bucket else "service"

    def number(self, name: str, lowest: int, highest: int, absent: int | None = None) -> int:
        """Return the number *name* of the query. Raises ``S3Refusal``."""
        text = self.query.get(name)
        if text is None and absent is not None:
            return absent
        if text is None or not _NUMBER.fullmatch(text) or not lowest <= int(text) <= highest:
            message = f"{name} must be a number from {lowest} to {highest}"
            raise S3Refusal(400, "InvalidArgument", message)
        return int(text)


class S3:
    """What S3 does with a request to ``PATH`` or below it."""

    name = "s3"
    path = PATH
    bucket = BUCKET
    headers: Headers = ()

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._multiparts = Multiparts(uploads)
        methods = ("GET", "HEAD", "PUT", "POST", "DELETE")
        self.endpoint = dict.fromkeys(methods, self._serve)
        self.upload = self.endpoint

    def admit(self, head: Head, method: str) -> None:
        """Let every request in: ``_serve`` looks at its signature."""

    def _serve(self, call: Call) -> Step:
        try:
            sigv4.check(call.head, call.now)
            asked = _Asked(call)
            handle = _action(asked)
            if asked.bucket not in ("", BUCKET):
                raise S3Refusal(404, "NoSuchBucket", f"the only bucket here is '{BUCKET}'")
            step = handle(self, asked)
        except (Refusal, UploadError, StoreError) as exc:
            return told(refused(exc, ()))
        return told(step) if isinstance(step, Reply) else step

    # Service and bucket

    def _list_buckets(self, asked: _Asked) -> Step:  # noqa: ARG002  # one signature for the table
        bucket = s3_xml.element("Bucket", ("Name", BUCKET), ("CreationDate", _iso(0.0)))
        owner = s3_xml.element("Owner", ("ID", sigv4.ACCESS_KEY))
        return s3_xml.document("ListAllMyBucketsResult", owner, f"<Buckets>{bucket}</Buckets>")

    def _locate(self, asked: _Asked) -> Step:  # noqa: ARG002  # one signature for the table
        return s3_xml.document("LocationConstraint")  # empty: us-east-1

    def _bucket(self, asked: _Asked) -> Step:
        """Tell that the bucket is there: it is from the start, and PUT of one's own bucket is no error."""
        there = Reply(200, (("Location", f"/{BUCKET}"), ("x-amz-bucket-region", sigv4.REGION)))
        if not asked.head.length:
            return there
        return Receiving(Words(LONGEST_COMPLETION), lambda: there, ())

    # Objects

    def _put(self, asked: _Asked) -> Step:
        return self._receive(asked, "s3", partial(self._stored, asked))

    def _stored(self, asked: _Asked, upload: Upload, digests: Digests) -> Outcome:
        self._publish(asked, upload, asked.head.fields.get("content-type", ""), digests.etag)
        return Reply(200, (("ETag", f'"{digests.etag}"'),))

    def _publish(self, asked: _Asked, upload: Upload, media_type: str, etag: str) -> None:
        upload.metadata = About(asked.key, media_type, etag, asked.call.now).text
        self._uploads.publish(upload, _id(asked.key))

    def _get(self, asked: _Asked) -> Step:
        upload = self._uploads.find(self.name, _id(asked.key), asked.call.now)
        about = About.of(upload)
        headers: Headers = (
            ("ETag", f'"{about.etag}"'),
            ("Last-Modified", http_date(about.modified)),
            ("Accept-Ranges", "bytes"),
            ("Content-Type", about.type or "binary/octet-stream"),
        )
        start, stop = _range(asked.head, upload.offset)
        whole = (start, stop) == (0, upload.offset)
        if not whole:
            headers += (("Content-Range", f"bytes {start}-{stop - 1}/{upload.offset}"),)
        return Reply(200 if whole else 206, headers, stored=upload.blob, size=stop - start, start=start)

    def _delete(self, asked: _Asked) -> Step:
        try:
            self._uploads.drop(self._uploads.find(self.name, _id(asked.key), asked.call.now))
        except UploadError:
            pass  # "DeleteObject": what is not there is no error
        return Reply(204)

    # Multipart uploads

    def _create(self, asked: _Asked) -> Step:
        about = About(asked.key, asked.head.fields.get("content-type", ""))
        self._multiparts.create(asked.call.fresh, about, asked.call.now)
        return s3_xml.document(
            "InitiateMultipartUploadResult",
            ("Bucket", BUCKET),
            ("Key", asked.key),
            ("UploadId", asked.call.fresh),
        )

    def _upload_part(self, asked: _Asked) -> Step:
        number = asked.number("partNumber", 1, MOST_PARTS)
        self._find(asked)
        return self._receive(asked, PART, partial(self._stored_part, asked, number))

    def _stored_part(self, asked: _Asked, number: int, part: Upload, digests: Digests) -> Outcome:
        part.metadata = digests.etag
        self._find_for(asked, part)
        self._multiparts.keep(asked.query["uploadId"], number, part, asked.call.now)
        return Reply(200, (("ETag", f'"{digests.etag}"'),))

    def _list_parts(self, asked: _Asked) -> Step:
        name = self._find(asked).id
        most = asked.number("max-parts", 0, 99_999, MOST_LISTED)
        after = asked.number("part-number-marker", 0, 99_999, 0)
        left = [(number, part) for number, part in self._multiparts.of(name).items() if number > after]
        shown = left[: min(most, MOST_LISTED)]
        return s3_xml.document(
            "ListPartsResult",
            ("Bucket", BUCKET),
            ("Key", asked.key),
            ("UploadId", name),
            ("PartNumberMarker", after),
            ("NextPartNumberMarker", shown[-1][0] if shown else 0),
            ("MaxParts", most),
            ("IsTruncated", "true" if len(shown) < len(left) else "false"),
            *(
                s3_xml.element(
                    "Part", ("PartNumber", number), ("ETag", f'"{part.metadata}"'), ("Size", part.offset)
                )
                for number, part in shown
            ),
        )

    def _complete(self, asked: _Asked) -> Step:
        self._find(asked)
        words, digests = Words(LONGEST_COMPLETION), Digests(asked.head)
        wrapped = wrapping(asked.head, digests)
        done = partial(self._put_together, asked, words, digests)
        return S3Receiving(words, done, wrapped, asked.head.length if wrapped is None else None)

    def _put_together(self, asked: _Asked, words: Words, digests: Digests) -> Outcome:
        """Copy the parts that the content names into one object."""
        try:
            digests.update(words.content)
            if not digests.matches():
                raise UploadError(Trouble.MISMATCH)
            upload = self._find(asked)
            parts = self._named(upload.id, s3_xml.completion(bytes(words.content)))
            if sum(part.offset for part in parts) > self._uploads.limits.room:
                raise UploadError(Trouble.TOO_LARGE)
            whole = Upload(asked.call.fresh, self.name, staged=True)
            done = partial(self._completed, asked, upload, whole, parts)
            return _Joining(self._uploads, whole, parts, done, ())
        except (Refusal, UploadError, StoreError) as exc:
            return told(refused(exc, ()))

    def _named(self, name: str, named: list[tuple[int, str]]) -> tuple[Upload, ...]:
        """Return the parts that *named* names by number and ETag. Raises ``S3Refusal``."""
        there = self._multiparts.of(name)
        for number, etag in named:
            if number not in there or there[number].metadata != etag:
                raise S3Refusal(400, "InvalidPart", f"part {number} is not there, or has another ETag")
        parts = tuple(there[number] for number, _ in named)
        if any(part.offset < self._uploads.limits.smallest_part for part in parts[:-1]):
            raise S3Refusal(400, "EntityTooSmall", "a part but the last is smaller than S3 takes")
        return parts

    def _completed(self, asked: _Asked, upload: Upload, whole: Upload, parts: tuple[Upload, ...]) -> Reply:
        digests = b"".join(bytes.fromhex(part.metadata) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        self._find_for(asked, whole)
        self._publish(asked, whole, About.of(upload).type, etag)
        self._multiparts.end(upload)
        return s3_xml.document(
            "CompleteMultipartUploadResult",
            ("Location", f"{PATH}{asked.call.name}"),
            ("Bucket", BUCKET),
            ("Key", asked.key),
            ("ETag", f'"{etag}"'),
        )

    def _abort(self, asked: _Asked) -> Step:
        self._multiparts.end(self._find(asked))
        return Reply(204)

    # What they share

    def _find(self, asked: _Asked) -> Upload:
        return self._multiparts.find(asked.query["uploadId"], asked.key, asked.call.now)

    def _find_for(self, asked: _Asked, staged: Upload) -> None:
        """Drop *staged* when its multipart upload ended meanwhile. Raises ``S3Refusal``."""
        try:
            self._find(asked)
        except S3Refusal:
            self._uploads.drop(staged)
            raise

    def _receive(self, asked: _Asked, protocol: str, done: Callable[[Upload, Digests], Outcome]) -> Step:
        head = asked.head
        digests = Digests(head)
        wrapped = wrapping(head, digests)
        length = head.length if wrapped is None else head.number(DECODED_LENGTH)
        if length is not None and length > self._uploads.limits.room:
            raise UploadError(Trouble.TOO_LARGE)
        upload = Upload(asked.call.fresh, protocol, staged=True)
        append = self._uploads.append(upload, Unfinished.DROP, digests)
        return S3Receiving(append, partial(done, upload, digests), wrapped, length)


class _Joining(Copying):
    """The copy of parts into one object; errors are told in S3's XML."""

    def step(self) -> Reply | None:
        """Copy a little; the answer after the last step."""
        try:
            reply = super().step()
        except (Refusal, UploadError) as exc:  # another request ended the upload meanwhile
            reply = refused(exc, ())
        return None if reply is None else told(reply)


Handler = Callable[[S3, _Asked], Step]
# By method, what is addressed, and the name in the query that says what is meant.
ACTIONS: dict[tuple[str, str, str], Handler] = {
    ("GET", "service", ""): S3._list_buckets,
    ("HEAD", "bucket", ""): S3._bucket,
    ("PUT", "bucket", ""): S3._bucket,
    ("GET", "bucket", "location"): S3._locate,
    ("PUT", "object", ""): S3._put,
    ("GET", "object", ""): S3._get,
    ("HEAD", "object", ""): S3._get,
    ("DELETE", "object", ""): S3._delete,
    ("POST", "object", "uploads"): S3._create,
    ("PUT", "object", "uploadId"): S3._upload_part,
    ("GET", "object", "uploadId"): S3._list_parts,
    ("POST", "object", "uploadId"): S3._complete,
    ("DELETE", "object", "uploadId"): S3._abort,
}
# Names in a query that change nothing of what is meant here.
_HARMLESS = {"x-id", "partNumber", "max-parts", "part-number-marker"}


def _action(asked: _Asked) -> Handler:
    """Return what carries *asked* out. Raises ``S3Refusal`` for what this server does not do."""
    meant = "+".join(sorted(asked.query.keys() - _HARMLESS))
    found = ACTIONS.get((asked.head.method, asked.place, meant))
    if found is None or "x-amz-copy-source" in asked.head.fields:
        what = f"{asked.head.method} of a {asked.place}{f' with {meant}' if meant else ''}"
        raise S3Refusal(501, "NotImplemented", f"{what} is not for this server")
    if len(asked.key.encode(errors="replace")) > LONGEST_KEY:
        raise S3Refusal(400, "KeyTooLongError", f"a key has up to {LONGEST_KEY} bytes")
    return found


def _id(key: str) -> str:
    """Return the name under which the store has *key*, which may be no name of a file."""
    return f"s3-{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:40]}"


def _range(head: Head, size: int) -> tuple[int, int]:
    """Return the first byte asked for, and the one after the last (RFC 9110, "Range Requests")."""
    match = _RANGE.fullmatch(head.fields.get("range", ""))
    if match is None or match[0] == "bytes=-" or head.method == "HEAD":
        return 0, size
    first, last = match[1], match[2]
    start = int(first) if first else max(0, size - int(last))
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size or stop <= start:
        raise S3Refusal(416, "InvalidRange", f"the object has {size} bytes")
    return start, stop


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
