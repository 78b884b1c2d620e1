"""The content of S3's requests: what it must hash to, and the aws-chunked coding that clients wrap it in.

    size in hexadecimal CRLF, bytes CRLF, ... 0 CRLF, trailer fields CRLF, CRLF

("Signature calculations: Transferring Payload in Multiple Chunks", with unsigned chunks and trailers.)
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial

from simulator.servers.reference.append import Checksum, Running, Sink
from simulator.servers.reference.messages import Head, Reply, octets
from simulator.servers.reference.receiving import Outcome, Receiving, refused
from simulator.servers.reference.s3_xml import S3Refusal, told
from simulator.servers.reference.storage import Bytes

HASH = "x-amz-content-sha256"
CHUNKED = ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-UNSIGNED-PAYLOAD")
UNSIGNED = "UNSIGNED-PAYLOAD"
DECODED_LENGTH = "x-amz-decoded-content-length"
_LINE = 4096  # bytes of a line within the coding
_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class _Crc32:
    """zlib's CRC as hashlib's hashes are."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: Bytes, /) -> None:
        """Take in *data*."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the four bytes, the highest first."""
        return self._value.to_bytes(4, "big")


# Of the checksums that S3 knows, those that Python knows: the others are taken and not looked at.
_CHECKSUMS: dict[str, Callable[[], Running]] = {
    "x-amz-checksum-crc32": _Crc32,
    "x-amz-checksum-sha1": partial(hashlib.sha1, usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
}


class Digests(Checksum):
    """The MD5 of the content, which is its ETag, and what else the request says that it must hash to."""

    def __init__(self, head: Head) -> None:
        self._md5: Running = hashlib.md5(usedforsecurity=False)
        self._others: dict[str, Running] = {}
        self._wanted: list[tuple[Running, bytes | None]] = []
        self._expect(self._md5, head.fields.get("content-md5"))
        if _SHA256.fullmatch(head.fields.get(HASH, "")):
            self._wanted.append((self._begun(HASH, hashlib.sha256), bytes.fromhex(head.fields[HASH])))
        trailers = [name.strip().lower() for name in head.fields.get("x-amz-trailer", "").split(",")]
        for name, begin in _CHECKSUMS.items():
            if name in trailers or name in head.fields:
                self._expect(self._begun(name, begin), head.fields.get(name))

    @property
    def etag(self) -> str:
        """Return the MD5 of what came, in hexadecimal digits."""
        return self._md5.digest().hex()

    def update(self, piece: Bytes) -> None:
        """Take in the next bytes."""
        self._md5.update(piece)
        for running in self._others.values():
            running.update(piece)

    def trailer(self, name: str, value: str) -> None:
        """Take in a field that came after the content."""
        if name in self._others:
            self._expect(self._others[name], value)

    def matches(self) -> bool:
        """Return whether the bytes so far are the expected ones."""
        return all(running.digest() == expected for running, expected in self._wanted)

    def _begun(self, name: str, begin: Callable[[], Running]) -> Running:
        self._others[name] = begin()
        return self._others[name]

    def _expect(self, running: Running, value: str | None) -> None:
        if value is not None:
            self._wanted.append((running, octets(value)))


class Unwrapping:
    """Takes the aws-chunked coding off, as its bytes come in. Raises ``S3Refusal`` for what is none."""

    def __init__(self, digests: Digests) -> None:
        self.over = False
        self._digests = digests
        self._line = b""
        self._left = 0  # of the chunk
        self._take: Callable[[bytes], None] = self._size

    def feed(self, data: Bytes) -> Iterator[Bytes]:
        """Yield what *data* holds of the content."""
        while data:
            if self._left:
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                yield piece
            else:
                data = self._feed_line(data)

    def _feed_line(self, data: Bytes) -> Bytes:
        text = bytes(data[: _LINE + 2])
        end = text.find(b"\n")
        self._line += text if end < 0 else text[: end + 1]
        if len(self._line) > _LINE or self.over:
            raise _malformed("a line is too long" if not self.over else "more after its end")
        if end >= 0:
            line, self._line = self._line.rstrip(b"\r\n"), b""
            self._take(line)
        return data[len(text) if end < 0 else end + 1 :]

    def _size(self, line: bytes) -> None:
        if _SIZE.fullmatch(line) is None:
            raise _malformed(f"{line[:40]!r} is no size of a chunk")
        self._left = int(line, 16)
        self._take = self._after if self._left else self._trailer

    def _after(self, line: bytes) -> None:
        if line:
            raise _malformed("a chunk is longer than its size")
        self._take = self._size

    def _trailer(self, line: bytes) -> None:
        name, _, value = line.decode("latin-1").partition(":")
        if line:
            self._digests.trailer(name.strip().lower(), value.strip())
        else:
            self.over = True


class S3Receiving(Receiving):
    """One request whose content becomes an object or a part; errors are told in S3's XML."""

    def __init__(
        self, append: Sink, done: Callable[[], Outcome], wrapped: Unwrapping | None, length: int | None
    ) -> None:
        super().__init__(append, done, ())
        self._wrapped = wrapped
        self._length = length  # as the head said
        self._got = 0

    def data(self, piece: Bytes, now: float) -> Reply | None:
        """Take in the next bytes of the content; the answer when no more are wanted."""
        try:
            for inner in [piece] if self._wrapped is None else self._wrapped.feed(piece):
                self._got += len(inner)
                reply = super().data(inner, now)
                if reply is not None:
                    return told(reply)
        except S3Refusal as exc:
            return self._give_up(exc, now)
        return None

    def end(self, now: float) -> Outcome:
        """Take in that the content is whole; return the answer."""
        whole = self._length in (None, self._got) and (self._wrapped is None or self._wrapped.over)
        if not whole:
            return self._give_up(S3Refusal(400, "IncompleteBody", "the content ended too soon"), now)
        outcome = super().end(now)
        return told(outcome) if isinstance(outcome, Reply) else outcome

    def _give_up(self, error: S3Refusal, now: float) -> Reply:
        self.append.cut(now)
        return refused(error, ())


def wrapping(head: Head, digests: Digests) -> Unwrapping | None:
    """Return what takes the coding off the content, None for content as it is. Raises ``S3Refusal``."""
    said = head.fields.get(HASH, "")
    if said in CHUNKED:
        return Unwrapping(digests)
    if said.startswith("STREAMING-"):
        raise S3Refusal(501, "NotImplemented", f"{HASH}: {said} is not taken; {CHUNKED[0]} is")
    if said != UNSIGNED and _SHA256.fullmatch(said) is None:
        raise S3Refusal(400, "InvalidRequest", f"{HASH} must be a SHA-256, {UNSIGNED} or {CHUNKED[0]}")
    return None


def _malformed(why: str) -> S3Refusal:
    return S3Refusal(400, "InvalidChunkSizeError", f"the content is not aws-chunked: {why}")
