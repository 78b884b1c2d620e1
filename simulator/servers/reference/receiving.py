"""Requests that need more than their head: content on its way into an upload, or a long work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from simulator.servers.reference.append import Sink
from simulator.servers.reference.messages import Headers, Interim, Later, Refusal, Reply
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.storage import Bytes, Reader, StoreError
from simulator.servers.reference.uploads import Uploads

COPY_BYTES = 1 << 20  # one step of a copy: about a millisecond, so that other connections go on

STATUS = {
    Trouble.MISSING: 404,
    Trouble.EXPIRED: 410,
    Trouble.TOO_LARGE: 413,
    Trouble.MISMATCH: 460,  # tus 1.0, "Checksum"
    Trouble.LOCKED: 423,
    Trouble.TAKEN: 409,
}


def refused(error: Refusal | UploadError | StoreError, headers: Headers) -> Reply:
    """Return the answer that *error* gets, with the protocol's own *headers*."""
    if isinstance(error, Refusal):
        return error.reply.plus(headers)
    if isinstance(error, UploadError):
        return Reply(STATUS[error.trouble], headers, str(error))
    return Reply(507 if error.full else 500, headers, str(error))


class Stepwise:
    """A work in steps short enough for an event loop."""

    def step(self) -> Reply | Later | None:
        """Do a little; the answer after the last step."""
        raise NotImplementedError

    def cut(self, now: float = 0.0) -> None:
        """Give the work up: nobody awaits its answer."""


Outcome = Reply | Later | Stepwise  # of a request whose content is over


class Telling(Protocol):
    """What a request's interim answers are, and when each is due."""

    def next(self, now: float) -> Interim | None:
        """Return the next one if it is due."""
        ...


class Receiving:
    """One request whose content goes into an upload, or is for the server to read.

    ``done`` makes the answer once all of it is there, or the work that comes before the answer; it may
    raise ``Refusal``;
    ``telling`` makes the interim answers, and ``refuse`` the answer to what cannot be stored.
    """

    def __init__(
        self,
        append: Sink,
        done: Callable[[], Outcome],
        headers: Headers,
        *,
        telling: Telling | None = None,
        refuse: Callable[[UploadError | StoreError, Headers], Reply] = refused,
    ) -> None:
        self.append = append
        self.telling = telling
        self._done = done
        self._headers = headers
        self._refuse = refuse

    def interim(self, now: float) -> Interim | None:
        """Return the next interim answer that is due: to be asked at the beginning and after data."""
        return None if self.telling is None else self.telling.next(now)

    def data(self, piece: Bytes, now: float) -> Reply | None:
        """Take in the next bytes of the content; the answer when no more are wanted."""
        try:
            self.append.write(piece)
        except (UploadError, StoreError) as exc:
            self.append.cut(now)
            return self._refuse(exc, self._headers)
        return None

    def end(self, now: float) -> Outcome:
        """Take in that the content is whole; return the answer, or the work that comes before it."""
        try:
            self.append.finish(now)
            outcome = self._done()
        except (UploadError, StoreError) as exc:
            return self._refuse(exc, self._headers)
        except Refusal as exc:
            return refused(exc, self._headers)
        return outcome.plus(self._headers) if isinstance(outcome, Reply) else outcome

    def cut(self, now: float) -> None:
        """Take in that the rest of the content will not come."""
        self.append.cut(now)


class Copying(Stepwise):
    """One request that makes an upload of others' bytes. A staged upload is for ``done`` to publish."""

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

    def cut(self, now: float = 0.0) -> None:  # noqa: ARG002  # one signature for all works
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


Step = Reply | Later | Receiving | Stepwise
