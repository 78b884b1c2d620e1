"""A digest of all that an upload holds, computed in steps short enough for an event loop."""

from __future__ import annotations

from collections.abc import Callable

from simulator.servers.reference.append import Running
from simulator.servers.reference.messages import Refusal, Reply
from simulator.servers.reference.receiving import Stepwise, refused
from simulator.servers.reference.resource import Upload, UploadError
from simulator.servers.reference.storage import Reader, StoreError
from simulator.servers.reference.uploads import Uploads

STEP_BYTES = 1 << 20  # about a millisecond of hashing


class Digesting(Stepwise):
    """Feeds the bytes of *upload* to *running*; then ``done`` makes the answer."""

    def __init__(self, uploads: Uploads, upload: Upload, running: Running, done: Callable[[], Reply]) -> None:
        """Begin at the upload's first byte. Raises ``StoreError``."""
        self._upload = upload
        self._running = running
        self._done = done
        self._at = 0
        self._reader: Reader | None = uploads.store.reader(upload.blob)

    def step(self) -> Reply | None:
        """Hash a little; the answer after the last step."""
        try:
            return self._next()
        except (Refusal, UploadError, StoreError) as exc:
            self.cut()
            return refused(exc, ())

    def cut(self, now: float = 0.0) -> None:  # noqa: ARG002  # one signature for all works
        """Let go of the bytes."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _next(self) -> Reply | None:
        assert self._reader is not None
        if self._at < self._upload.offset:
            piece = self._reader.read(self._at, min(STEP_BYTES, self._upload.offset - self._at))
            if not piece:
                raise StoreError(f"upload {self._upload.id} is shorter than it was")
            self._running.update(piece)
            self._at += len(piece)
            return None
        self.cut()
        return self._done()
