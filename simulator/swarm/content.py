"""The bytes of one upload on their way out: slices for requests, and what they hash to."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from simulator.payload import BLOCK, Payload, pieces
from simulator.protocols.machine import Checksum, Send

BREATH = 4 * BLOCK  # bytes hashed before others have a turn: 256 KiB, under a millisecond


class Running(Protocol):
    """A hash under way, as ``hashlib`` has them."""

    def update(self, data: bytes, /) -> None:
        """Take in *data*."""
        ...

    def digest(self) -> bytes:
        """Return the hash of all so far."""
        ...


class _Crc32:
    """CRC-32 (ISO 3309), its four bytes in network order."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


# By the names of tus (Tus-Checksum-Algorithm) and of RFC 9530 (Hash Algorithms for HTTP Digest Fields).
ALGORITHMS: dict[str, Callable[[], Running]] = {
    "md5": partial(hashlib.md5, usedforsecurity=False),
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha-256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha-512": hashlib.sha512,
    "crc32": _Crc32,
}


class Content:
    """The representation of one upload; its own hash is taken as the bytes pass, never all at once."""

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self._digest = hashlib.sha256()
        self._at = 0

    def body(self, step: Send) -> Iterator[bytes] | bytes | None:
        """Return what *step* carries: bytes of the representation, of its own, or none."""
        return self._passing(step.start, step.stop) if step.stop > step.start else step.content or None

    def length(self, step: Send) -> int:
        """Return how many bytes *step* carries."""
        return len(step.content) or step.stop - step.start

    def checksum(self, step: Send, rest: Callable[[], None]) -> list[tuple[str, str]]:
        """Return the field that *step* wants of its body's hash; *rest* is called now and then.

        Raises ``ValueError`` when the file became shorter than what is to be hashed.
        """
        wanted = step.checksum
        if wanted is None:
            return []
        running = ALGORITHMS[wanted.algorithm]()
        if step.content:
            running.update(step.content)
        hashed = 0
        for piece in pieces(self._payload, step.start, step.stop):
            running.update(piece)
            hashed += len(piece)
            if hashed >= BREATH:
                hashed = 0
                rest()
        return [_field(wanted, running.digest())]

    def sha256(self) -> str:
        """Return the hash of the whole, in hex."""
        return self._digest.hexdigest() if self._at == self._payload.size else self._payload.sha256()

    def _passing(self, start: int, stop: int) -> Iterator[bytes]:
        at = start
        for piece in pieces(self._payload, start, stop):
            if at <= self._at < at + len(piece):  # what is new of it
                self._digest.update(memoryview(piece)[self._at - at :])
                self._at = at + len(piece)
            at += len(piece)
            yield piece


def _field(wanted: Checksum, digest: bytes) -> tuple[str, str]:
    return wanted.field, wanted.form.format(base64=base64.b64encode(digest).decode())
