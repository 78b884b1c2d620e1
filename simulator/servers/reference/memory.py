"""A store in memory: for tests and for virtual time. It outlives the core, as a disk outlives a process."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.servers.reference.storage import Bytes, Found, Info, StoreError


class MemoryBlob:
    """Bytes in memory, both to read and to write."""

    def __init__(self, data: bytearray) -> None:
        self._data = data

    def write(self, at: int, piece: Bytes) -> None:
        """Write *piece* at byte *at*."""
        self._data[at : at + len(piece)] = piece

    def truncate(self, size: int) -> None:
        """Forget every byte from *size* on."""
        del self._data[size:]

    def keep(self) -> None:
        """Do nothing: what is in memory is there."""

    def read(self, at: int, count: int) -> bytes:
        """Return up to *count* bytes from *at*."""
        return bytes(self._data[at : at + count])

    def close(self) -> None:
        """Do nothing."""


class MemoryStore:
    """Blobs and infos in two dictionaries."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytearray] = {}
        self.infos: dict[str, Info] = {}

    def load(self) -> Iterator[Found]:
        """Yield every upload."""
        for name in [name for name in self.blobs if name not in self.infos]:
            del self.blobs[name]
        for name, info in list(self.infos.items()):
            blob = self.blobs.get(name)
            yield Found(name, info, None if blob is None else len(blob))

    def save(self, name: str, info: Info) -> None:
        """Replace the info of *name*."""
        self.infos[name] = dict(info)

    def create(self, name: str) -> MemoryBlob:
        """Return a new, empty blob."""
        if name in self.blobs:
            raise StoreError(f"{name} exists")
        self.blobs[name] = bytearray()
        return self.open(name)

    def open(self, name: str) -> MemoryBlob:
        """Return the blob of *name*."""
        if name not in self.blobs:
            raise StoreError(f"{name} is not there")
        return MemoryBlob(self.blobs[name])

    def reader(self, name: str) -> MemoryBlob:
        """Return the blob of *name* for reading."""
        return self.open(name)

    def rename(self, old: str, new: str) -> None:
        """Give the blob *old* the name *new*."""
        self.blobs[new] = self.blobs.pop(old)

    def discard(self, name: str) -> None:
        """Remove the blob of *name*."""
        self.blobs.pop(name, None)

    def remove(self, name: str) -> None:
        """Remove the info and the blob of *name*."""
        self.infos.pop(name, None)
        self.discard(name)
