"""What a client of a proxy link says, and what it is told: byte by byte, without a socket."""

from __future__ import annotations

import struct

import pytest

from simulator.links.embedded import failures
from simulator.links.embedded.front import MOST_HEAD, Ask, Front, Refuse, Say, Step

CONNECT = b"CONNECT files.example:443 HTTP/1.1\r\nHost: files.example:443\r\n\r\n"
NO_AUTH = b"\x05\x02\x00\x02"
BY_NAME = b"\x05\x01\x00\x03\x0dfiles.example\x01\xbb"
BY_FOUR = b"\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x90"
BY_SIX = b"\x05\x01\x00\x04" + bytes(15) + b"\x01" + b"\x1f\x90"


def told(front: Front, data: bytes, size: int = 1 << 20) -> list[Step]:
    """Return the steps when *data* comes in pieces of *size*."""
    steps: list[Step] = []
    for at in range(0, len(data), size):
        steps += front.receive(data[at : at + size])
    return steps


def refusal(data: bytes) -> Refuse:
    (last,) = told(Front(), data)[-1:]
    assert isinstance(last, Refuse), last
    return last


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_connect_asks_for_its_target_however_it_is_sliced(size: int) -> None:
    front = Front()
    assert told(front, CONNECT, size) == [Ask(("files.example", 443))]
    assert front.granted(("127.0.0.1", 1)).startswith(b"HTTP/1.1 200 ")
    assert front.granted(("127.0.0.1", 1)).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("request_", "target"),
    [
        (BY_NAME, ("files.example", 443)),
        (BY_FOUR, ("127.0.0.1", 8080)),
        (BY_SIX, ("::1", 8080)),
        (b"\x05\x01\x00\x03\x03::1\x1f\x90", ("::1", 8080)),
    ],
)
def test_socks_asks_for_names_and_both_kinds_of_numbers(
    size: int, request_: bytes, target: tuple[str, int]
) -> None:
    front = Front()
    assert told(front, NO_AUTH, size) == [Say(b"\x05\x00")]
    assert told(front, request_, size) == [Ask(target)]


def test_a_client_that_sends_all_of_socks_at_once_is_answered_in_order() -> None:
    front = Front()
    assert front.receive(NO_AUTH + BY_FOUR + b"hello") == [Say(b"\x05\x00"), Ask(("127.0.0.1", 8080))]
    assert bytes(front.rest) == b"hello"


def test_socks_is_told_from_where_it_was_connected() -> None:
    front = Front()
    told(front, NO_AUTH + BY_FOUR)
    assert front.granted(("127.0.0.1", 258)) == b"\x05\x00\x00\x01\x7f\x00\x00\x01\x01\x02"
    assert front.granted(("::1", 258)) == b"\x05\x00\x00\x04" + bytes(15) + b"\x01\x01\x02"


def test_what_was_said_beyond_the_handshake_is_kept_for_the_server() -> None:
    front = Front()
    assert told(front, CONNECT + b"\x16\x03\x01", 11) == [Ask(("files.example", 443))]
    assert bytes(front.rest) == b"\x16\x03\x01"


def test_a_request_in_absolute_form_asks_for_its_host_and_is_kept_whole() -> None:
    request = b"GET http://user:pw@files.example/a HTTP/1.1\r\nHost: other\r\n\r\n"
    front = Front()
    assert told(front, request) == [Ask(("files.example", 80), forward=True)]
    assert bytes(front.rest) == request
    assert front.granted(("127.0.0.1", 1)) == b""


@pytest.mark.parametrize(
    ("target", "address"),
    [
        (b"HTTP://[::1]:81/x", ("::1", 81)),
        (b"http://a?b", ("a", 80)),
        (b"http://a:8080", ("a", 8080)),
    ],
)
def test_absolute_forms_of_all_shapes_are_understood(target: bytes, address: tuple[str, int]) -> None:
    assert told(Front(), b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target) == [Ask(address, forward=True)]


def head(line: bytes) -> bytes:
    return line + b"\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (head(b"GET / HTTP/1.1"), failures.NOT_FOR_US),
        (head(b"OPTIONS * HTTP/1.1"), failures.NOT_FOR_US),
        (head(b"GET https://a/ HTTP/1.1"), failures.NEEDS_CONNECT),
        (head(b"GET ftp://a/ HTTP/1.1"), failures.NEEDS_CONNECT),
        (head(b"CONNECT a HTTP/1.1"), failures.NO_TARGET),
        (head(b"CONNECT a:0 HTTP/1.1"), failures.NO_TARGET),
        (head(b"CONNECT a:99999 HTTP/1.1"), failures.NO_TARGET),
        (head(b"CONNECT http://a:80/ HTTP/1.1"), failures.NO_TARGET),
        (head(b"GET http:///x HTTP/1.1"), failures.NO_TARGET),
        (head(b"GET http://a:b:c/ HTTP/1.1"), failures.NO_TARGET),
        (head(b"PRI * HTTP/2.0"), failures.HTTP_VERSION),
        (b"GET http://a/ HTTP/1.1\r\n\r\n", failures.MALFORMED),  # RFC 9112, 3.2: no Host
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", failures.MALFORMED),  # TLS to the proxy itself
        (b"nonsense\r\n\r\n", failures.MALFORMED),
        (b"GET http://a/ HTTP/1.1\r\nX: " + b"x" * MOST_HEAD, failures.TOO_LONG),
        (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", failures.SOCKS4),
        (b"\x05\x01\x02", failures.AUTHENTICATION),
        (b"\x05\x00", failures.AUTHENTICATION),
        (NO_AUTH + b"\x05\x02" + BY_FOUR[2:], failures.COMMAND),
        (NO_AUTH + b"\x05\x03" + BY_FOUR[2:], failures.COMMAND),
        (NO_AUTH + b"\x05\x01\x00\x02\x7f\x00\x00\x01\x1f\x90", failures.ADDRESS_TYPE),
        (NO_AUTH + BY_FOUR[:-2] + b"\x00\x00", failures.NO_TARGET),
        (NO_AUTH + b"\x05\x01\x00\x03\x00\x00\x50", failures.NO_TARGET),
        (NO_AUTH + b"\x05\x01\x00\x03\x02\xff\xfe\x00\x50", failures.NO_TARGET),
        (NO_AUTH + b"\x06" + BY_FOUR[1:], failures.MALFORMED),
    ],
)
def test_what_cannot_be_served_is_refused_for_its_own_reason(said: bytes, failure: failures.Failure) -> None:
    assert refusal(said).failure is failure


ALL = [row for row in vars(failures).values() if isinstance(row, failures.Failure)]


@pytest.mark.parametrize("failure", ALL, ids=lambda row: row.words)
def test_each_failure_is_told_in_both_protocols(failure: failures.Failure) -> None:
    http, socks = Front(), Front()
    told(http, CONNECT)
    answer = http.refused(failure).data
    fields, _, content = answer.partition(b"\r\n\r\n")
    assert fields.startswith(b"HTTP/1.1 %d %b\r\n" % (failure.status, failure.reason.encode()))
    assert b"\r\nContent-Length: %d\r\n" % len(content) in fields
    assert b"error=" + failure.error.encode() in fields
    assert failure.words.encode() in content
    told(socks, NO_AUTH + BY_NAME)
    answer = socks.refused(failure).data
    assert struct.unpack("!BBBB", answer[:4]) == (5, failure.socks, 0, 1)
    assert len(answer) == 10


def test_the_reason_of_a_refused_head_request_comes_without_content() -> None:
    front = Front()
    told(front, head(b"HEAD http://a/ HTTP/1.1"))
    assert front.refused(failures.REFUSED).data.endswith(b"\r\n\r\n")


def test_socks4_is_told_in_its_own_words_that_it_is_rejected() -> None:
    assert refusal(b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00").data == b"\x00\x5b" + bytes(6)


def test_after_the_answer_nothing_more_is_done() -> None:
    front = Front()
    told(front, CONNECT)
    assert front.receive(CONNECT) == []
    assert bytes(front.rest) == CONNECT
