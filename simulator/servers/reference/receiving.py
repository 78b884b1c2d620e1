"""Requests that need more than their head: content on its way into an upload, or a long copy."""

from __future__ import annotations

from collections.abc import Callable

from simulator.servers.reference.append import Sink
from simulator.servers.reference.messages import Headers, Refusal, Reply
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.storage import Bytes, Reader, StoreError
from simulator.servers.reference.uploads import Uploads

COPY_BYTES = 1 << 20  # one step of a copy: about a millisecond, so that other connections go on

STATUS = {
    Trouble.MISSING: 404,
    Trouble.EXPIRED: 410,
    Trouble.TOO_LARGE: 413,
    Trouble.MISMATCH: 460,  # tus 1.0, "Checksum"
    Trouble.TAKEN: 409,
}


def refused(error: Refusal | UploadError | StoreError, headers: Headers) -> Reply:
    """Return the answer that *error* gets, with the protocol's own *headers*."""
    if isinstance(error, Refusal):
        return error.reply.plus(headers)
    if isinstance(error, UploadError):
        return Reply(STATUS[error.trouble], headers, str(error))
    return Reply(507 if error.full else 500, headers, str(error))


class Receiving:
    """One request whose content goes into an upload, or is for the server to read.

    ``done`` makes the answer once all of it is there, or the copy that comes before the answer; it may
    raise ``Refusal``.
    """

    def __init__(self, append: Sink, done: Callable[[], Step], headers: Headers) -> None:
        self.append = append
        self._done = done
        self._headers = headers

    def data(self, piece: Bytes, now: float) -> Reply | None:
        """Take in the next bytes of the content; the answer when no more are wanted."""
        try:
            self.append.write(piece)
        except (UploadError, StoreError) as exc:
            self.append.cut(now)
            return refused(exc, self._headers)
        return None

    def end(self, now: float) -> Step:
        """Take in that the content is whole; return the answer, or the copy that comes before it."""
        try:
            self.append.finish(now)
            step = self._done()
            return step.plus(self._headers) if isinstance(step, Reply) else step
        except (Refusal, UploadError, StoreError) as exc:
            return refused(exc, self._headers)

    def cut(self, now: float) -> None:
        """Take in that the rest of the content will not come."""
        self.append.cut(now)


class Copying:
    """One request that makes an upload of others' bytes, in steps short enough for an event loop.

    A staged upload is for ``done`` to publish.
    """

    def __init__(
        self,
        uploads: Uploads,
        upload: Upload,
        parts: tuple[Upload, ...],
        done: Callable[[], Reply],
        headers: Headers,
    ) -> None:
        """Begin with an empty blob. Raises ``StoreError``."""
        self._uploads = uploads
        self._upload = upload
        self._parts = list(parts)
        self._done = done
        self._headers = headers
        self._reader: Reader | None = None
        self._at = 0  # within the first of the parts
        self._blob = uploads.store.create(upload.blob)

    def step(self) -> Reply | None:
        """Copy a little; the answer after the last step."""
        try:
            if self._parts:
                self._copy(self._parts[0])
                return None
            return self._finish()
        except StoreError as exc:
            self.cut()
            return refused(exc, self._headers)

    def cut(self, _now: float = 0.0) -> None:
        """Give the copy up: nobody knows its name."""
        self._close()
        try:
            self._uploads.store.discard(self._upload.blob)
        except StoreError as exc:
            self._uploads.tell(self._upload, exc)

    def _copy(self, part: Upload) -> None:
        if self._reader is None:
            self._reader = self._uploads.store.reader(part.blob)
        piece = self._reader.read(self._at, min(COPY_BYTES, part.offset - self._at))
        self._blob.write(self._upload.offset, piece)
        self._upload.offset += len(piece)
        self._at += len(piece)
        if self._at == part.offset:
            self._reader.close()
            self._reader = None
            self._at = 0
            del self._parts[0]
        elif not piece:
            raise StoreError(f"upload {part.id} is shorter than it was")

    def _finish(self) -> Reply:
        self._blob.keep()
        self._close()
        if not self._upload.staged:
            self._uploads.adopt(self._upload)
        return self._done().plus(self._headers)

    def _close(self) -> None:
        self._blob.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None


Step = Reply | Receiving | Copying
