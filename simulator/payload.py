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


class FilePayload:
    """A real file; every upload sends the same bytes."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY)
        self._size = os.fstat(self._fd).st_size
        self._sha256: str | None = None

    @property
    def size(self) -> int:
        """Return the length in bytes."""
        return self._size

    def slice(self, start: int, stop: int) -> bytes:
        """Return the bytes from *start* up to *stop*, at most one block."""
        return os.pread(self._fd, min(stop - start, BLOCK), start)

    def sha256(self) -> str:
        """Return the hash of the whole, in hex; computed once."""
        if self._sha256 is None:
            self._sha256 = _hash(self)
        return self._sha256


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
