"""Where uploads are kept: the small interface between the pure core and a disk, or memory.

A store keeps *blobs* (bytes under a name) and, beside each upload's blob, a small *info* mapping.
The core writes blobs only at their end, so the size of a blob is an upload's offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

Bytes = bytes | bytearray | memoryview
Scalar = str | int | float | bool | None
Info = Mapping[str, Scalar]


class StoreError(Exception):
    """The store could not do what was asked.

    ``full`` tells "no room" from every other cause; ``written`` is how many bytes of a refused
    write are in the blob all the same.
    """

    def __init__(self, why: str, *, full: bool = False, written: int = 0) -> None:
        super().__init__(why)
        self.full = full
        self.written = written


@dataclass(frozen=True, slots=True)
class Found:
    """One upload that was in the store at start. ``size`` is None when its blob is missing."""

    id: str
    info: Info
    size: int | None


class Blob(Protocol):
    """Bytes under one name, open for writing. Every method but ``close`` may raise ``StoreError``."""

    def write(self, at: int, piece: Bytes) -> None:
        """Write all of *piece* at byte *at*."""
        ...

    def truncate(self, size: int) -> None:
        """Forget every byte from *size* on."""
        ...

    def keep(self) -> None:
        """Make what was written last as long as the store's policy promises."""
        ...

    def close(self) -> None:
        """Let go of the blob; it stays in the store."""
        ...


class Reader(Protocol):
    """Bytes under one name, open for reading; they outlive a removal of the name."""

    def read(self, at: int, count: int) -> bytes:
        """Return up to *count* bytes from *at*, fewer only at the end. Raises ``StoreError``."""
        ...

    def close(self) -> None:
        """Let go of the blob."""
        ...


class Store(Protocol):
    """Blobs and infos by name. Every method may raise ``StoreError``."""

    def load(self) -> Iterator[Found]:
        """Yield every upload in the store, after clearing away what a killed server left half done."""
        ...

    def save(self, name: str, info: Info) -> None:
        """Replace the info of *name*, at once or not at all."""
        ...

    def create(self, name: str) -> Blob:
        """Return a new, empty blob; one that exists is an error."""
        ...

    def open(self, name: str) -> Blob:
        """Return the blob of *name*."""
        ...

    def reader(self, name: str) -> Reader:
        """Return the blob of *name* for reading."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give the blob *old* the name *new*, in place of any that had it, at once."""
        ...

    def discard(self, name: str) -> None:
        """Remove the blob of *name*, if there is one; its info stays."""
        ...

    def remove(self, name: str) -> None:
        """Remove the info and then the blob of *name*, if they are there."""
        ...
