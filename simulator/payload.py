"""What is uploaded: seeded bytes that tell their place, made without holding them in memory.

A payload is a row of 64 KiB blocks. Each block is a slice of one shared random table, begun at a
place that depends on the payload and the block's number, and its first 16 bytes are a stamp: the
payload's id and the block's number. So a lost, doubled, shifted or swapped run of bytes shows, and
a stored copy says by its first bytes whose it is. Slices cost one copy.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from simulator.errors import UsageError

BLOCK = 65536
STAMP = struct.Struct(">8sQ")
_SPREAD = 1 << 20  # places at which a block can begin in the table
_STEP = 648_065  # odd, near the golden section of _SPREAD: neighbours begin far apart


class Payload(Protocol):
    """A representation of ``size`` bytes, any slice of which can be had at once."""

    @property
    def size(self) -> int:
        """Return the length in bytes."""
        ...

    def slice(self, start: int, stop: int) -> bytes:
        """Return the bytes from *start* up to *stop*, at most up to the block's or file's end."""
        ...

    def sha256(self) -> str:
        """Return the hash of the whole, in hex."""
        ...

    def changed(self) -> bool:
        """Return whether ``slice`` may give other bytes now than it gave before."""
        ...


class SeededPayload:
    """The bytes that belong to one name (run seed, user, arm, upload)."""

    def __init__(self, name: str, size: int) -> None:
        digest = hashlib.sha256(name.encode()).digest()
        self.id = digest[:8]
        self._shift = int.from_bytes(digest[8:12], "big")
        self._size = size

    @property
    def size(self) -> int:
        """Return the length in bytes."""
        return self._size

    def slice(self, start: int, stop: int) -> bytes:
        """Return the bytes from *start* up to *stop* or the end of the block of *start*, if that is first."""
        block, inside = divmod(start, BLOCK)
        stop = min(stop, self._size, (block + 1) * BLOCK)
        place = (self._shift + block * _STEP) % _SPREAD
        table = _table()
        if inside >= STAMP.size:
            return bytes(table[place + inside : place + stop - block * BLOCK])
        head = STAMP.pack(self.id, block)[inside : stop - block * BLOCK]
        return head + bytes(table[place + inside + len(head) : place + stop - block * BLOCK])

    def sha256(self) -> str:
        """Return the hash of the whole, in hex."""
        return _hash(self)

    def changed(self) -> bool:
        """Return False: the bytes follow from the name."""
        return False


class FilePayload:
    """A real file, held open from now on: it may be renamed or deleted; every upload sends the same bytes.

    Raises ``UsageError`` when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise UsageError(
                f"the file to upload cannot be read: {error.strerror}",
                where=f"--size {path}",
                mend="name a file that you may read, and leave it in place until the run has ended",
            ) from error
        self._state = _state(self._fd)
        self._sha256: str | None = None

    @property
    def size(self) -> int:
        """Return the length in bytes, as it was when the file was opened."""
        return self._state[0]

    def slice(self, start: int, stop: int) -> bytes:
        """Return the bytes from *start* up to *stop*, at most one block; none where the file now ends."""
        return os.pread(self._fd, min(stop - start, BLOCK), start)

    def sha256(self) -> str:
        """Return the hash of the whole, in hex; computed once."""
        if self._sha256 is None:
            self._sha256 = _hash(self)
        return self._sha256

    def changed(self) -> bool:
        """Return whether the file was written to since it was opened."""
        return _state(self._fd) != self._state


def _state(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_size, found.st_mtime_ns


def payload_name(seed: int, user: int, arm: str, upload: int) -> str:
    """Return the name of the payload that one upload of a run carries."""
    return f"{seed}/{user}/{arm}/{upload}"


def payload_id(name: str) -> bytes:
    """Return the eight bytes with which the payload of *name* begins."""
    return hashlib.sha256(name.encode()).digest()[:8]


@lru_cache(maxsize=1)
def _table() -> memoryview:
    generator = np.random.Generator(np.random.PCG64(20130601))
    return memoryview(generator.bytes(_SPREAD + BLOCK))


def pieces(payload: Payload, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes of *payload* from *start* up to *stop*. Raises ``ValueError`` if there are fewer."""
    while start < stop:
        piece = payload.slice(start, stop)
        if not piece:
            raise ValueError(f"the file being uploaded became shorter than {stop} bytes")
        start += len(piece)
        yield piece


def _hash(payload: Payload) -> str:
    digest = hashlib.sha256()
    for piece in pieces(payload, 0, payload.size):
        digest.update(piece)
    return digest.hexdigest()
