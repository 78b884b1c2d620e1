"""Requests for a proxy become requests for a server, whatever they are sliced into."""

from __future__ import annotations

import pytest

from simulator.links.embedded import failures
from simulator.links.embedded.forward import Forwarding

A = ("a", 80)


def passed(said: bytes, size: int = 1 << 20) -> tuple[bytes, Forwarding]:
    forwarding, out = Forwarding(A), b""
    for at in range(0, len(said), size):
        if not forwarding.elsewhere and forwarding.failure is None:
            out += forwarding.feed(said[at : at + size])
    return out, forwarding


def test_a_head_is_put_into_origin_form_for_the_host_of_its_target() -> None:
    said = b"GET http://a/x?y=1 HTTP/1.1\r\nHost: wrong\r\nX-Case: kept\r\n\r\n"
    assert passed(said)[0] == b"GET /x?y=1 HTTP/1.1\r\nHost: a\r\nX-Case: kept\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        (b"http://a", b"a", b"/"),
        (b"http://a?q", b"a", b"/?q"),
        (b"http://a:80/%20", b"a:80", b"/%20"),
        (b"http://user:pw@a/#part", b"a", b"/"),
        (b"http://a//x/../y", b"a", b"//x/../y"),
    ],
)
def test_targets_of_all_shapes(target: bytes, host: bytes, path: bytes) -> None:
    out, _ = passed(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)
    assert out == b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (path, host)


def test_what_is_between_client_and_proxy_stays_there() -> None:
    said = (
        b"GET http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Connection: keep-alive\r\n"
        b"Proxy-Authorization: Basic x\r\nConnection: Upgrade, X-Hop, close\r\nUpgrade: h2c\r\n"
        b"X-Hop: 1\r\nTE: trailers\r\nAuthorization: y\r\n\r\n"
    )
    out, _ = passed(said)
    assert out == b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: y\r\nConnection: close\r\n\r\n"


def test_an_old_client_stays_an_old_client() -> None:
    said = b"GET http://a/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    assert passed(said)[0] == b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"


FIRST = b"PATCH http://a/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nGET h"
CHUNKS = (
    b"POST http://a/2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
)
LAST = b"HEAD http://a/3 HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 5, 17, 1000])
def test_every_request_of_a_connection_is_changed_and_no_body_is(size: int) -> None:
    out, forwarding = passed(FIRST + CHUNKS + LAST, size)
    first = b"PATCH /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nGET h"
    assert out.startswith(first)
    assert out.endswith(b"0\r\nX-Sum: 1\r\n\r\nHEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n")
    middle = out[len(first) :].partition(b"\r\n\r\n")
    assert middle[0] == b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked"
    assert unchunked(middle[2]) == b"abcde"
    assert forwarding.requests == 3
    assert not forwarding.elsewhere


def unchunked(data: bytes) -> bytes:
    whole = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            return whole
        whole += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


def test_of_two_framings_the_chunks_win_and_the_length_is_left_out() -> None:
    said = CHUNKS.replace(b"Host: a\r\n", b"Host: a\r\nContent-Length: 99\r\n")
    assert b"Content-Length" not in passed(said)[0]


def test_a_request_for_another_server_is_handed_back_whole() -> None:
    other = b"POST http://b/ HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc"
    for size in (1, 9, 1000):
        out, forwarding = passed(LAST + other, size)
        assert out == b"HEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n"
        assert other.startswith(forwarding.elsewhere)
        assert forwarding.elsewhere.startswith(other[: other.index(b"\r\n\r\n")])


def test_another_port_is_another_server_and_so_is_a_tunnel() -> None:
    for head in (b"GET http://a:81/ HTTP/1.1", b"CONNECT a:80 HTTP/1.1"):
        assert passed(head + b"\r\nHost: a\r\n\r\n")[1].elsewhere


def test_what_was_right_passes_and_what_is_wrong_is_told() -> None:
    for bad in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
        out, forwarding = passed(LAST + bad)
        assert out == b"HEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n"
        assert forwarding.failure in (failures.MALFORMED, failures.NOT_FOR_US)


def test_a_broken_chunk_is_told_too() -> None:
    assert passed(CHUNKS.replace(b"3;ext", b"zz"))[1].failure is failures.MALFORMED
