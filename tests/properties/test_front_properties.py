"""The handshake of a proxy link, whatever a client sends and however it arrives."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.links.embedded.forward import Forwarding
from simulator.links.embedded.front import Ask, Front, Refuse, Say

HOSTS = st.sampled_from(["files.example", "127.0.0.1", "::1", "a"])
PORTS = st.integers(1, 65535)


def sliced(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


def socks(host: str, port: int) -> bytes:
    try:
        number = ipaddress.ip_address(host)
        kind, where = (1 if number.version == 4 else 4), number.packed
    except ValueError:
        kind, where = 3, bytes([len(host)]) + host.encode()
    return b"\x05\x01\x00\x05\x01\x00" + bytes([kind]) + where + port.to_bytes(2)


def connect(host: str, port: int) -> bytes:
    there = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n\r\n".encode()


@given(HOSTS, PORTS, st.sampled_from([socks, connect]), st.binary(max_size=50), st.lists(st.integers(0)))
def test_slicing_changes_nothing(host: str, port: int, say: object, rest: bytes, cuts: list[int]) -> None:
    front, steps = Front(), []
    for piece in sliced(say(host, port) + rest, cuts):  # type: ignore[operator]
        steps += front.receive(piece)
    assert [step for step in steps if not isinstance(step, Say)] == [Ask((host, port))]
    assert bytes(front.rest) == rest


BEGINNINGS = st.sampled_from(
    [b"", b"\x05", b"\x05\x01\x00", b"\x05\x01\x00\x05\x01\x00\x03", b"\x04", b"CONNECT ", b"GET http://"]
)


@given(BEGINNINGS, st.binary(max_size=300), st.lists(st.integers(0), max_size=5))
def test_whatever_comes_is_asked_refused_or_waited_for(begin: bytes, data: bytes, cuts: list[int]) -> None:
    front, steps = Front(), []
    for piece in sliced(begin + data, cuts):
        steps += front.receive(piece)
    ends = [step for step in steps if isinstance(step, Ask | Refuse)]
    assert len(ends) <= 1
    assert ends == steps[-1:] or not ends
    if ends and isinstance(ends[0], Refuse):
        assert ends[0].data


@given(
    st.lists(st.tuples(st.binary(max_size=40), st.booleans()), min_size=1, max_size=4),
    st.lists(st.integers(0), max_size=8),
)
def test_the_bodies_of_forwarded_requests_pass_as_they_are(
    bodies: list[tuple[bytes, bool]], cuts: list[int]
) -> None:
    said, seen = b"", b""
    for body, chunked in bodies:
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        framed = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n" if chunked else body
        said += b"POST http://a/x HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + framed
        seen += (
            b"POST /x HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + (b"<%b>" % body if chunked else body)
        )
    forwarding = Forwarding(("a", 80))
    out = b"".join(forwarding.feed(piece) for piece in sliced(said, cuts))
    assert forwarding.failure is None
    assert forwarding.requests == len(bodies)
    assert plain(out) == seen


def plain(out: bytes) -> bytes:
    """Return *out* with each chunked body as <body>, so that two ways of chunking compare."""
    whole = b""
    while out:
        head, _, out = out.partition(b"\r\n\r\n")
        whole += head + b"\r\n\r\n"
        if b"chunked" not in head:
            length = int(head.rpartition(b": ")[2])
            whole, out = whole + out[:length], out[length:]
            continue
        body = b""
        while True:
            size, _, out = out.partition(b"\r\n")
            n = int(size, 16)
            if not n:
                out = out[2:]
                break
            body, out = body + out[:n], out[n + 2 :]
        whole += b"<%b>" % body
    return whole
