"""Whatever a client or a server sends, the hop lives on, says nothing on stderr, and serves the next one."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest

from tests.helpers.hops import hopping, steps
from tests.helpers.rawserver import PATIENCE_S, Peer, RawServer, answer
from tests.helpers.served import Client

pytestmark = pytest.mark.loopback

WORDS = [
    b"GET / HTTP/1.1\r\n",
    b"POST /a HTTP/1.1\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 104 X\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.0 204 No Content\r\n",
    b"Host: x\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 7\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: " + b"9" * 30 + b"\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Connection: close, x\r\n",
    b"Upgrade: a\r\n",
    b"Expect: 100-continue\r\n",
    b"X: \xff\xfe\r\n",
    b"\r\n",
    b"\r\n",
    b"5\r\nhello\r\n",
    b"zz\r\n",
    b"0\r\n\r\n",
    b"hello",
    b"\x00",
    b"A: " + b"b" * 70_000 + b"\r\n",
]
SCRIPT = steps(
    'when = { every = 3, per = "hop" }\ndo = { kind = "status", code = 503, then = "keep" }',
    'when = { at = "3 B", every = 2, per = "hop" }\ndo = { kind = "reset" }',
    'do = { kind = "fields", set = { Host = "y" } }',
    'when = { at = "answer" }\ndo = { kind = "fields", set = { Expect = "z" } }',
)


def garbage(draw: random.Random) -> bytes:
    """Return some words of HTTP in any order."""
    return b"".join(draw.choice(WORDS) for _ in range(draw.randint(1, 9)))


def poke(address: tuple[str, int], data: bytes) -> None:
    """Send *data*, end our side, and read to the end, whatever it is."""
    with socket.create_connection(address, timeout=PATIENCE_S) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except ConnectionError:
            pass


@pytest.mark.parametrize("script", [(), SCRIPT], ids=["no steps", "steps"])
def test_a_client_may_send_anything(tmp_path: Path, script: tuple[object, ...]) -> None:
    draw = random.Random(7)

    def kind(peer: Peer) -> None:
        try:
            peer.read_head()
            peer.send(answer())
            peer.read_until_end()
        except (EOFError, ConnectionError):
            pass

    with (
        RawServer(*[kind] * 1000) as server,
        hopping(tmp_path, server.address, script) as hop,  # type: ignore[arg-type]
    ):
        for _ in range(150):
            poke(hop.address, garbage(draw))
        with Client(hop.port) as client:
            assert client.ask("OPTIONS", "/").status in (200, 503)


def test_a_server_may_answer_anything(tmp_path: Path) -> None:
    draw = random.Random(11)

    def wild(peer: Peer) -> None:
        try:
            peer.read_head()
            peer.send(garbage(draw))
        except (EOFError, ConnectionError):
            pass

    with RawServer(*[wild] * 150) as server, hopping(tmp_path, server.address) as hop:
        for n in range(150):
            method = (b"GET", b"HEAD", b"POST")[n % 3]
            poke(hop.address, method + b" / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
    with (
        RawServer(lambda peer: (peer.read_head(), peer.send(answer()), None)[2]) as server,
        hopping(tmp_path, server.address) as hop,
        Client(hop.port) as client,
    ):
        assert client.ask("GET", "/").status == 200
