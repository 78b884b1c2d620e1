"""One request's writing to an upload: it ends, is cut, or loses its hold, and then it is over."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.storage import Blob, Bytes, StoreError


class Unfinished(Enum):
    """What becomes of the bytes of an append that does not come to its end."""

    KEEP = "keep"
    TRIM = "trim"  # back to the offset before it: they could not be verified
    DROP = "drop"  # the whole upload goes: nobody knows its name


class Running(Protocol):
    """A hash in progress, as hashlib makes them."""

    def update(self, data: Bytes, /) -> None:
        """Take in *data*."""
        ...

    def digest(self) -> bytes:
        """Return the hash of what was taken in."""
        ...


class Checksum:
    """What the bytes of one append should hash to."""

    def __init__(self, running: Running, expected: bytes) -> None:
        self._running = running
        self._expected = expected

    def update(self, piece: Bytes) -> None:
        """Take in the next bytes."""
        self._running.update(piece)

    def matches(self) -> bool:
        """Return whether the bytes so far are the expected ones."""
        return self._running.digest() == self._expected


class Keeper(Protocol):
    """What an append needs of the uploads it belongs to."""

    def settle(self, upload: Upload, now: float) -> None:
        """Write down that every byte up to the offset counts."""
        ...

    def trim(self, upload: Upload, blob: Blob) -> None:
        """Cut the blob back to the offset."""
        ...

    def drop(self, upload: Upload) -> None:
        """Remove the upload."""
        ...

    def was_cut(self, upload: Upload, now: float) -> None:
        """Take note that an append ended before its end."""
        ...

    def tell(self, upload: Upload, error: StoreError) -> None:
        """Note a failure that no request can be told of."""
        ...


class Sink(Protocol):
    """Where the content of a request goes."""

    def write(self, piece: Bytes) -> None:
        """Take in *piece*. Raises ``UploadError`` and ``StoreError``."""
        ...

    def finish(self, now: float) -> None:
        """Take in that the content is whole. Raises ``UploadError`` and ``StoreError``."""
        ...

    def cut(self, now: float) -> None:
        """Take in that the rest will not come."""
        ...


class Words:
    """Content that is for the server itself to read: at most *limit* bytes, kept in memory."""

    def __init__(self, limit: int) -> None:
        self.content = bytearray()
        self._limit = limit

    def write(self, piece: Bytes) -> None:
        """Take in *piece*. Raises ``UploadError`` beyond the limit."""
        if len(self.content) + len(piece) > self._limit:
            raise UploadError(Trouble.TOO_LARGE)
        self.content += piece

    def finish(self, now: float) -> None:
        """Do nothing: whoever asked for the content reads it."""

    def cut(self, now: float) -> None:
        """Do nothing: nothing was stored."""


class Append:
    """The one request that may write to an upload; bytes that come after its end are discarded."""

    __slots__ = ("_blob", "_checksum", "_keeper", "_limit", "_start", "_unfinished", "upload")

    def __init__(
        self,
        keeper: Keeper,
        upload: Upload,
        blob: Blob,
        *,
        limit: int,
        unfinished: Unfinished,
        checksum: Checksum | None,
    ) -> None:
        self.upload = upload
        self._keeper = keeper
        self._blob: Blob | None = blob
        self._limit = limit
        self._unfinished = unfinished
        self._checksum = checksum
        self._start = upload.offset

    @property
    def over(self) -> bool:
        """Return whether nothing more can be written."""
        return self._blob is None

    def write(self, piece: Bytes) -> None:
        """Store *piece* at the offset. Raises ``UploadError`` for bytes too many, and ``StoreError``."""
        if self._blob is None:
            return
        room = self._limit - self.upload.offset
        fitting = piece if len(piece) <= room else piece[:room]
        try:
            self._blob.write(self.upload.offset, fitting)
        except StoreError as exc:
            self.upload.offset += exc.written
            raise
        self.upload.offset += len(fitting)
        if self._checksum is not None:
            self._checksum.update(fitting)
        if len(piece) > room:
            raise UploadError(Trouble.TOO_LARGE)

    def secure(self) -> bool:
        """Make what arrived so far safe to be promised; return whether the offset may be told now.

        It may not while the bytes await their verification, after which they could be taken back.
        """
        if self._blob is None or self._unfinished is not Unfinished.KEEP:
            return False
        try:
            self._blob.keep()
        except StoreError as exc:
            self._keeper.tell(self.upload, exc)
            return False
        return True

    def finish(self, now: float) -> None:
        """End the append, all of whose bytes arrived.

        Raises ``UploadError`` for a wrong checksum, and ``StoreError``; then none of them is kept.
        """
        if self._blob is None:
            return
        try:
            if self._checksum is not None and not self._checksum.matches():
                raise UploadError(Trouble.MISMATCH)
            self._blob.keep()
            self._keeper.settle(self.upload, now)
        except (UploadError, StoreError):
            self._undo(self._blob)
            raise
        self._let_go(self._blob)

    def cut(self, now: float) -> None:
        """End the append before its end: what arrived is kept, or given up as ``Unfinished`` says."""
        if self._blob is None:
            return
        self._keep_or_undo(self._blob, now)
        try:
            self._keeper.was_cut(self.upload, now)
        except StoreError as exc:
            self._keeper.tell(self.upload, exc)

    def _keep_or_undo(self, blob: Blob, now: float) -> None:
        if self._unfinished is not Unfinished.KEEP:
            self._undo(blob)
            return
        try:
            blob.keep()
            self._keeper.settle(self.upload, now)
        except StoreError as exc:
            self._keeper.tell(self.upload, exc)
            self._undo(blob)
        else:
            self._let_go(blob)

    def _undo(self, blob: Blob) -> None:
        """Take back every byte of this append; nobody was promised any."""
        try:
            if self._unfinished is Unfinished.DROP:
                self._keeper.drop(self.upload)
            else:
                self.upload.offset = self._start
                self._keeper.trim(self.upload, blob)
        except StoreError as exc:
            self._keeper.tell(self.upload, exc)
        self._let_go(blob)

    def _let_go(self, blob: Blob) -> None:
        self._blob = None
        self.upload.append = None
        blob.close()
