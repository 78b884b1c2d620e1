"""Conversations over a wire without a socket: slicing, early answers, bounds, turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.records import Cause
from simulator.transport import Exchange, cause_of
from simulator.transport.connection import Connection
from simulator.transport.conversation import MAX_INFORMATIONAL, TURN_BYTES, Conversation
from simulator.transport.wire import READ, Wire
from tests.helpers.fakewire import FakeWire

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n"
PROGRESS = b"HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 7\r\n\r\n"


class Talk:
    """One request over a fake wire, and what became of the connection."""

    def __init__(self, wire: FakeWire, request: httpx.Request, **extra: Any) -> None:
        self.wire = wire
        self.kept = 0
        self.exchange = Exchange(**extra)
        self.connection = Connection(
            ("http", "x", 80), cast(Wire, wire), keep=self._keep, drop=lambda _: None
        )
        self.conversation = Conversation(self.connection, request, self.exchange, None)

    def run(self) -> tuple[int, bytes]:
        answer = self.conversation.run()
        return answer.status_code, b"".join(self.conversation.body())

    def _keep(self, _: Connection) -> None:
        self.kept += 1


def post(content: bytes | Iterator[bytes] = b"", **headers: str) -> httpx.Request:
    return httpx.Request("POST", "http://x/up", content=content, headers=headers)


def sliced(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("answer", [OK, CHUNKED, PROGRESS * 3 + OK])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
def test_an_answer_may_be_sliced_anyhow(answer: bytes, size: int) -> None:
    talk = Talk(FakeWire(sliced(answer, size)), post(b"abc"))
    assert talk.run() == (200, b"hello")
    assert talk.exchange.received == len(answer)
    assert talk.kept == 1


@settings(max_examples=60, deadline=None)
@given(takes=st.lists(st.integers(0, 40), min_size=1, max_size=30), size=st.integers(1, 256))
def test_a_request_goes_out_whole_however_little_the_socket_takes(takes: list[int], size: int) -> None:
    script = iter([*takes, *[50] * 1000])
    body = bytes(range(256))[:size]
    wire = FakeWire([OK], takes=lambda _: next(script), after=len(_whole(body)))
    talk = Talk(wire, post(body))
    assert talk.run() == (200, b"hello")
    assert bytes(wire.sent) == _whole(body)
    assert talk.exchange.sent == size
    assert talk.exchange.head == len(wire.sent) - size


def _whole(body: bytes) -> bytes:
    return b"POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def test_a_body_of_unknown_length_is_chunked() -> None:
    wire = FakeWire([OK], after=60)
    talk = Talk(wire, post(iter([b"hel", b"", b"lo"])))
    assert talk.run() == (200, b"hello")
    assert wire.sent.endswith(b"\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
    assert talk.exchange.sent == 5
    assert talk.exchange.head == len(wire.sent) - 5
    assert talk.kept == 1


def test_an_early_final_answer_stops_the_body_and_loses_the_connection() -> None:
    early = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n"
    wire = FakeWire([early, b"n", b"o"], after=100_000)
    talk = Talk(wire, post(iter([b"z" * 65536] * 100), **{"Content-Length": "6553600"}))
    assert talk.run() == (413, b"no")
    assert wire.waits[-1] == READ  # a writable socket would wake it for nothing
    assert 100_000 <= talk.exchange.sent <= 100_000 + 2 * TURN_BYTES
    assert talk.kept == 0
    assert wire.closed


def test_an_answer_after_the_last_byte_is_not_early() -> None:
    wire = FakeWire([OK], after=len(_whole(b"a" * 70_000)))
    talk = Talk(wire, post(b"a" * 70_000))
    assert talk.run() == (200, b"hello")
    assert talk.kept == 1
    assert not wire.closed


def test_informational_answers_are_handed_over_in_mid_body() -> None:
    seen: list[tuple[int, list[tuple[bytes, bytes]], int]] = []
    wire = FakeWire([PROGRESS, OK], after=150, takes=lambda _: 65536)
    talk = Talk(wire, post(b"a" * (3 * TURN_BYTES)))
    talk.exchange.on_informational = lambda status, headers: seen.append(
        (status, list(headers), talk.exchange.sent)
    )
    talk.run()
    status, headers, sent = seen[0]
    assert (status, headers) == (104, [(b"upload-offset", b"7")])
    assert 0 < sent < 3 * TURN_BYTES


def test_what_a_callback_raises_ends_the_exchange() -> None:
    def refuse(status: int, headers: object) -> None:
        raise LookupError("no")

    talk = Talk(FakeWire([PROGRESS, OK]), post(b"abc"), on_informational=refuse)
    with pytest.raises(LookupError):
        talk.run()
    assert talk.wire.closed
    assert talk.exchange.unsent == 17


def test_endless_informational_answers_are_refused() -> None:
    talk = Talk(FakeWire([PROGRESS * 500] * (MAX_INFORMATIONAL // 500 + 1)), post())
    with pytest.raises(httpx.RemoteProtocolError, match="informational") as caught:
        talk.run()
    assert cause_of(caught.value) is Cause.PROTOCOL


@pytest.mark.parametrize("size", [100, 10_000, 200_000])
def test_a_header_block_over_64_kib_is_refused_however_it_comes(size: int) -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X: %s\r\n" % (b"y" * 997) * 70 + b"\r\n"
    talk = Talk(FakeWire(sliced(block, size)), post())
    with pytest.raises(httpx.RemoteProtocolError):
        talk.run()
    assert talk.wire.closed


def test_a_header_block_under_64_kib_is_taken() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X: %s\r\n" % (b"y" * 997) * 60 + b"\r\n"
    assert Talk(FakeWire(sliced(block, 1000)), post()).run() == (200, b"")


def test_trailing_data_loses_the_connection_but_not_the_answer() -> None:
    talk = Talk(FakeWire([OK + b"HTTP/1.1 200 OK\r\n"]), post())
    assert talk.run() == (200, b"hello")
    assert talk.kept == 0
    assert talk.wire.closed


ENDS = [
    ("before the answer", [b""], Cause.CLOSED),
    ("in mid-head", [OK[:20], b""], Cause.CLOSED),
    ("in mid-body", [OK[:-2], b""], Cause.CLOSED),
    ("in mid-chunk", [CHUNKED[:-12], b""], Cause.CLOSED),
    ("after an informational answer", [PROGRESS, b""], Cause.CLOSED),
    ("after what is no HTTP", [b"220 smtp ready\r\n", b""], Cause.PROTOCOL),
    ("by what is no HTTP", [b"<html>\r\n\r\n"], Cause.PROTOCOL),
    (
        "by two lengths",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
        Cause.PROTOCOL,
    ),
    ("by a bad chunk", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"], Cause.PROTOCOL),
    ("by 101", [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"], Cause.PROTOCOL),
]


@pytest.mark.parametrize(("slices", "cause"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_an_answer_that_ends_badly_says_how(slices: list[bytes], cause: Cause) -> None:
    talk = Talk(FakeWire(slices), post(b"abc"))
    with pytest.raises(httpx.RemoteProtocolError) as caught:
        talk.run()
    assert cause_of(caught.value) is cause
    assert caught.value.__cause__ is not None
    assert talk.wire.closed


def test_an_answer_delimited_by_the_close_is_whole() -> None:
    talk = Talk(FakeWire([b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo", b""]), post())
    assert talk.run() == (200, b"hello")
    assert talk.kept == 0


def test_a_failed_send_does_not_hide_the_answer_that_came_before_it() -> None:
    failure = httpx.WriteError("reset")
    early = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
    wire = FakeWire([early, httpx.ReadError("reset")], after=60_000, send_failure=(60_000, failure))
    talk = Talk(wire, post(iter([b"z" * 10_000] * 20), **{"Content-Length": "200000"}))
    assert talk.run() == (413, b"no")
    assert talk.wire.closed
    assert talk.kept == 0


@pytest.mark.parametrize("end", [b"", httpx.ReadError("reset")])
def test_a_failed_send_without_an_answer_is_a_write_error(end: bytes | Exception) -> None:
    failure = httpx.WriteError("reset")
    failure.__cause__ = ConnectionResetError(104, "reset")
    talk = Talk(FakeWire([end], after=0, send_failure=(40, failure)), post(b"abc"))
    with pytest.raises(httpx.WriteError) as caught:
        talk.run()
    assert caught.value is failure
    assert cause_of(caught.value) is Cause.RESET
    assert talk.exchange.unsent == 17


@pytest.mark.parametrize("pieces", [[b"ab"], [b"abc", b"d"]])
def test_a_body_that_is_not_of_its_length_is_our_mistake(pieces: list[bytes]) -> None:
    talk = Talk(FakeWire([OK], after=10_000), post(iter(pieces), **{"Content-Length": "3"}))
    with pytest.raises(httpx.LocalProtocolError):
        talk.run()
    assert talk.exchange.sent <= 3
    assert talk.wire.closed


@pytest.mark.parametrize("headers", [{"Content-Length": str(64 * 65536)}, {}])
def test_a_sink_that_never_blocks_is_left_every_256_kib(headers: dict[str, str]) -> None:
    wire = FakeWire([OK], after=64 * 65536)
    talk = Talk(wire, post(iter([b"z" * 65536] * 64), **headers))
    talk.run()
    assert talk.exchange.sent == 64 * 65536
    assert wire.yields >= 15
    assert wire.longest_turn < TURN_BYTES + 2 * 65536


def test_a_source_that_never_blocks_is_left_every_256_kib() -> None:
    size = 64 * 65536
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    wire = FakeWire([head, *[b"z" * 65536] * 64])
    talk = Talk(wire, post())
    status, body = talk.run()
    assert (status, len(body)) == (200, size)
    assert wire.longest_turn < TURN_BYTES + 2 * 65536


def test_leaving_an_answer_without_a_body_keeps_the_connection() -> None:
    talk = Talk(FakeWire([b"HTTP/1.1 204 No Content\r\n\r\n"]), post())
    talk.conversation.run()
    talk.conversation.leave()
    assert talk.kept == 1
    talk.conversation.leave()
    assert talk.kept == 1


def test_leaving_an_answer_in_its_middle_closes_the_connection() -> None:
    talk = Talk(FakeWire([OK[:-2]]), post())
    talk.conversation.run()
    talk.conversation.leave()
    assert talk.kept == 0
    assert talk.wire.closed


def test_a_passed_deadline_ends_an_exchange_that_never_waits() -> None:
    wire = FakeWire([OK], after=1 << 40)
    talk = Talk(wire, post(iter(lambda: b"z" * 65536, b""), **{"Content-Length": str(1 << 40)}), deadline=1.0)
    with pytest.raises(httpx.TimeoutException) as caught:
        talk.run()
    assert cause_of(caught.value) is Cause.DEADLINE
