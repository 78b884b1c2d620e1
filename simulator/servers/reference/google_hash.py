"""MD5 of what is uploaded, which the final answer tells: taken as bytes pass by, and able to go back."""

from __future__ import annotations

import base64
import hashlib

from simulator.servers.reference.resource import Upload
from simulator.servers.reference.storage import Bytes, Store

_READ_BYTES = 1 << 20


class _Running:
    """The hash of the first ``at`` bytes; it can go back to the last multiple of *unit* before them."""

    def __init__(self, unit: int) -> None:
        self.at = 0
        self._unit = unit
        self._hash = hashlib.md5(usedforsecurity=False)
        self._kept = (0, self._hash.copy())

    def update(self, piece: Bytes) -> None:
        while piece:
            room = self._unit - self.at % self._unit
            fitting, piece = piece[:room], piece[room:]
            self._hash.update(fitting)
            self.at += len(fitting)
            if self.at % self._unit == 0:
                self._kept = (self.at, self._hash.copy())

    def back_to(self, at: int) -> bool:
        """Forget what lies behind byte *at*; tell whether that could be done."""
        if at < self.at and at == self._kept[0]:
            self.at, self._hash = at, self._kept[1].copy()
        return at == self.at

    def text(self) -> str:
        return base64.b64encode(self._hash.digest()).decode()


class Digests:
    """MD5 by upload. What was not seen passing, after a restart of the server, is read from the store."""

    def __init__(self, store: Store, unit: int) -> None:
        self._store = store
        self._unit = unit
        self._running: dict[str, _Running] = {}
        self._known: dict[str, str] = {}

    def feed(self, upload: Upload, at: int, piece: Bytes) -> None:
        """Take in that *piece* was stored at byte *at*."""
        running = self._running.setdefault(upload.id, _Running(self._unit))
        if running.at > at and not running.back_to(at):
            running = self._running[upload.id] = _Running(self._unit)
        if running.at == at:
            running.update(piece)

    def of(self, upload: Upload) -> str:
        """Return the hash of a complete upload in Base64. Raises ``StoreError``."""
        if upload.id not in self._known:
            running = self._running.pop(upload.id, None) or _Running(self._unit)
            self._catch_up(running, upload)
            self._known[upload.id] = running.text()
        return self._known[upload.id]

    def forget(self, upload: Upload) -> None:
        """Let go of what is known of *upload*."""
        self._running.pop(upload.id, None)
        self._known.pop(upload.id, None)

    def _catch_up(self, running: _Running, upload: Upload) -> None:
        if running.at == upload.offset:
            return
        reader = self._store.reader(upload.blob)
        try:
            while running.at < upload.offset:
                piece = reader.read(running.at, min(_READ_BYTES, upload.offset - running.at))
                if not piece:
                    break
                running.update(piece)
        finally:
            reader.close()
