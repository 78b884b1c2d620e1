"""What a request carries and what it hashes to; digests are the standard library's or published ones."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import httpx
import pytest

from simulator.payload import SeededPayload
from simulator.protocols.machine import Checksum, Done, Send
from simulator.records import Purpose
from simulator.swarm.content import ALGORITHMS, Content
from tests.fast.swarm.test_driver import SEND, SIZE, Script, created, drive

PAYLOAD = SeededPayload("x", SIZE)
WHOLE = b"".join(PAYLOAD.slice(at, SIZE) for at in range(0, SIZE, 65536))


def never() -> None:
    raise AssertionError("there is nothing to rest from")


@pytest.mark.parametrize(("start", "stop"), [(0, SIZE), (70_001, 70_002), (65_536, 131_072)])
def test_a_checksum_is_of_the_slice_that_goes_and_of_nothing_else(start: int, stop: int) -> None:
    wanted = Checksum("Upload-Checksum", "sha1", "sha1 {base64}")
    step = replace(SEND, start=start, stop=stop, checksum=wanted)
    digest = hashlib.sha1(WHOLE[start:stop], usedforsecurity=False).digest()
    assert Content(PAYLOAD).checksum(step, never) == [
        ("Upload-Checksum", f"sha1 {base64.b64encode(digest).decode()}")
    ]


@pytest.mark.parametrize(
    ("algorithm", "hexadecimal"),
    [
        ("crc32", "cbf43926"),  # the check value of CRC-32/ISO-HDLC
        ("md5", "25f9e794323b453885f5181f1b624d0b"),
        ("sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("sha-256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_each_algorithm_gives_its_published_value(algorithm: str, hexadecimal: str) -> None:
    running = ALGORITHMS[algorithm]()
    running.update(b"1234")
    running.update(b"56789")
    assert running.digest().hex() == hexadecimal


def test_the_form_says_where_the_digest_stands() -> None:
    wanted = Checksum("Content-Digest", "sha-256", "sha-256=:{base64}:")
    step = Send(Purpose.CREATE, "POST", "/", (), has_body=True, content=b"123456789", checksum=wanted)
    assert Content(PAYLOAD).checksum(step, never) == [
        ("Content-Digest", "sha-256=:FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=:")
    ]


def test_a_long_hash_lets_others_have_a_turn() -> None:
    turns: list[int] = []
    wanted = Checksum("Upload-Checksum", "sha1", "sha1 {base64}")
    long = SeededPayload("x", 2**20)
    step = replace(SEND, start=0, stop=2**20, checksum=wanted)
    Content(long).checksum(step, lambda: turns.append(1))
    assert len(turns) == 4


def test_the_request_carries_the_field() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return created(request)

    step = replace(SEND, checksum=Checksum("Upload-Checksum", "sha256", "sha256 {base64}"))
    drive(Script([step, Done(None)]), answer)[0].run()
    digest = hashlib.sha256(seen[0].content).digest()
    assert seen[0].headers["upload-checksum"] == f"sha256 {base64.b64encode(digest).decode()}"
    assert len(seen[0].content) == SIZE


def test_the_hash_of_the_whole_is_right_whatever_order_its_parts_went_in() -> None:
    content = Content(PAYLOAD)
    for start, stop in ((100_000, SIZE), (0, 50_000), (40_000, 100_000)):
        assert b"".join(content.body(replace(SEND, start=start, stop=stop)) or ()) == WHOLE[start:stop]  # type: ignore[arg-type]
    assert content.sha256() == hashlib.sha256(WHOLE).hexdigest()
