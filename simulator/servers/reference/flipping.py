"""A store that writes one byte of every blob wrong."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.servers.reference.storage import Blob, Bytes, Found, Info, Reader, Store


class _FlippingBlob:
    def __init__(self, blob: Blob, at: int) -> None:
        self._blob = blob
        self._at = at
        self.truncate = blob.truncate
        self.keep = blob.keep
        self.close = blob.close

    def write(self, at: int, piece: Bytes) -> None:
        """Write *piece* with one bit flipped if the byte is in it."""
        index = self._at - at
        if 0 <= index < len(piece):
            piece = bytearray(piece)
            piece[index] ^= 1
        self._blob.write(at, piece)


class Flipping:
    """*store*, with the lowest bit of byte *at* of every blob flipped."""

    def __init__(self, store: Store, at: int) -> None:
        self._store = store
        self._at = at

    def load(self) -> Iterator[Found]:
        """Yield every upload in the store."""
        return self._store.load()

    def save(self, name: str, info: Info) -> None:
        """Replace the info of *name*."""
        self._store.save(name, info)

    def create(self, name: str) -> Blob:
        """Return a new, empty blob."""
        return _FlippingBlob(self._store.create(name), self._at)

    def open(self, name: str) -> Blob:
        """Return the blob of *name*."""
        return _FlippingBlob(self._store.open(name), self._at)

    def reader(self, name: str) -> Reader:
        """Return the blob of *name* for reading, as it is."""
        return self._store.reader(name)

    def rename(self, old: str, new: str) -> None:
        """Give the blob *old* the name *new*."""
        self._store.rename(old, new)

    def discard(self, name: str) -> None:
        """Remove the blob of *name*."""
        self._store.discard(name)

    def remove(self, name: str) -> None:
        """Remove the info and the blob of *name*."""
        self._store.remove(name)
