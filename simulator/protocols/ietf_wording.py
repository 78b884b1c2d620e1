"""What requests in resumable uploads for HTTP carry, in each interop version."""

from __future__ import annotations

from simulator.protocols.core import Job
from simulator.protocols.dialects import Dialect
from simulator.protocols.fields import FILETYPE, content_disposition
from simulator.protocols.ietf_fields import INTEROP, written
from simulator.protocols.machine import Checksum, Headers, Send
from simulator.records import Purpose

CONTENT_DIGEST = Checksum("Content-Digest", "sha-256", "sha-256=:{base64}:")  # RFC 9530, 2 Content-Digest


class Wording:
    """Words the requests of one upload. ``digest`` asks for ``Content-Digest`` on those with content."""

    def __init__(self, job: Job, dialect: Dialect) -> None:
        self._job = job
        self._dialect = dialect
        self._checksum = CONTENT_DIGEST if job.options.get("digest") else None

    def creation(self, target: str, stop: int) -> Send:
        """Return the request that makes an upload and carries its first *stop* bytes."""
        length = (("Upload-Length", written(self._job.size)),) if self._dialect.length else ()
        # -11 and later, Upload Creation: "the inline disposition type is RECOMMENDED"
        disposition = "inline" + content_disposition(self._job.filename).removeprefix("attachment")
        about = (("Content-Type", FILETYPE), ("Content-Disposition", disposition))
        headers = self._headers(self._completeness(stop), *length, *about)
        return self._with_content(Purpose.CREATE, "POST", target, headers, 0, stop)

    def append(self, target: str, start: int, stop: int) -> Send:
        """Return the request that carries the bytes from *start* up to *stop*; they may be none."""
        media = self._dialect.append_type
        content_type = (("Content-Type", media),) if media else ()
        offset = ("Upload-Offset", written(start))
        headers = self._headers(self._completeness(stop), offset, *content_type)
        return self._with_content(Purpose.APPEND, "PATCH", target, headers, start, stop)

    def query(self, target: str) -> Send:
        """Return the request for the offset; the drafts to -05 forbid any other field of theirs in it."""
        return Send(Purpose.QUERY, "HEAD", target, self._headers())

    def cancel(self, target: str) -> Send:
        """Return the request that ends the upload for good."""
        return Send(Purpose.CANCEL, "DELETE", target, self._headers())

    def _with_content(
        self, purpose: Purpose, method: str, target: str, headers: Headers, start: int, stop: int
    ) -> Send:
        checksum = self._checksum if stop > start else None
        return Send(purpose, method, target, headers, start, stop, has_body=True, checksum=checksum)

    def _completeness(self, stop: int) -> tuple[str, str]:
        complete = stop == self._job.size
        return self._dialect.completeness, written(complete is self._dialect.complete_when)

    def _headers(self, *own: tuple[str, str]) -> Headers:
        interop = self._dialect.interop
        version = ((INTEROP, written(interop)),) if interop is not None else ()
        return (*version, *own, *self._job.headers)
