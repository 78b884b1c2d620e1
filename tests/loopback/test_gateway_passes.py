"""The hop without steps: what passes comes out as it went in, at its moment, and so do ends and failures."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from simulator.links import gateway_allowance
from simulator.records import Cause
from simulator.transport import Exchange, LinkTransport, RawHeaders, cause_of
from tests.helpers.hops import hopping
from tests.helpers.rawserver import PATIENCE_S, Peer, RawServer, answer
from tests.helpers.runs import until
from tests.helpers.served import Client, serving

pytestmark = pytest.mark.loopback

HALF = 300_000
PROGRESS = b"HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: %d\r\n\r\n"
HEAD = b"POST /up HTTP/1.1\r\nHost: x\r\n"


@contextmanager
def client_of(address: tuple[str, int]) -> Iterator[httpx.Client]:
    timeout = httpx.Timeout(PATIENCE_S, connect=5.0)
    transport = LinkTransport(dial=address)
    with httpx.Client(transport=transport, base_url="http://x", timeout=timeout, trust_env=False) as client:
        yield client


def dialled(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=PATIENCE_S)


def one_head(sock: socket.socket) -> bytes:
    """Return what comes up to an empty line; the server sends no more until it is asked."""
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        got += sock.recv(4096)
    return got


def received(sock: socket.socket) -> bytes:
    """Return all that comes until the end of the stream."""
    parts = []
    while data := sock.recv(65536):
        parts.append(data)
    return b"".join(parts)


def test_an_upload_is_stored_and_read_back_byte_for_byte(tmp_path: Path) -> None:
    data = os.urandom(2_500_001)
    with serving(tmp_path) as server, hopping(tmp_path, ("127.0.0.1", server.port)) as hop:
        with Client(hop.port) as client:
            place = client.ask("POST", "/files/", Upload_Length=str(len(data))).fields["location"]
            first = client.ask("PATCH", place, data[:1_000_000], Upload_Offset="0")
            assert first.fields["upload-offset"] == "1000000"
            assert client.ask("PATCH", place, data[1_000_000:], Upload_Offset="1000000").status == 204
            asked = client.ask("HEAD", place)
            assert asked.fields["upload-offset"] == str(len(data))
            assert client.ask("GET", place).content == data
        assert (server.directory / place.rsplit("/", 1)[1]).read_bytes() == data
        assert hop.firings == []


def test_heads_pass_with_their_names_and_order_and_the_hop_adds_none(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        for _ in range(2):
            seen.append(peer.read_head())
            peer.send(b"HTTP/1.1 200 Fine by me\r\nX-oDd: 1\r\nx-odd: 2\r\nUpload-Length: 7\r\n\r\n")

    with RawServer(script) as server, hopping(tmp_path, server.address) as hop, dialled(hop.address) as sock:
        for _ in range(2):  # one connection on either side carries both
            sock.sendall(
                b"HEAD /a?b=%20c HTTP/1.1\r\nHost: h:1\r\nX-Up: 1\r\nx-up: 2\r\nSimsim-Upload: 1/a/0\r\n\r\n"
            )
            assert (
                one_head(sock)
                == b"HTTP/1.1 200 Fine by me\r\nX-oDd: 1\r\nx-odd: 2\r\nUpload-Length: 7\r\n\r\n"
            )
    assert seen == [b"HEAD /a?b=%20c HTTP/1.1\r\nHost: h:1\r\nX-Up: 1\r\nx-up: 2\r\n\r\n"] * 2


def test_interim_answers_pass_at_their_moment_while_the_body_is_still_coming(tmp_path: Path) -> None:
    """The server goes on only once the client has seen each 104: late ones would end in its patience."""
    seen = [threading.Event(), threading.Event()]
    offsets: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + PROGRESS % 0)
        assert seen[0].wait(PATIENCE_S)
        peer.read_body(HALF)
        peer.send(PROGRESS % HALF)
        assert seen[1].wait(PATIENCE_S)
        peer.read_body(HALF)
        peer.send(answer("201 Created"))

    def informational(status: int, headers: RawHeaders) -> None:
        if status == 104:
            offsets.append(dict(headers)[b"upload-offset"])
            seen[len(offsets) - 1].set()

    exchange = Exchange(on_informational=informational)
    with (
        RawServer(script) as server,
        hopping(tmp_path, server.address) as hop,
        client_of(hop.address) as client,
    ):
        headers = {"Content-Length": str(2 * HALF)}
        told = client.put(
            "/up", content=iter([bytes(HALF)] * 2), headers=headers, extensions={"exchange": exchange}
        )
    assert told.status_code == 201
    assert offsets == [b"0", b"%d" % HALF]


def test_100_continue_comes_from_the_server_before_the_body_goes_out(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        assert b"Expect: 100-continue" in peer.read_head()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert peer.read_body(4) == b"body"
        peer.send(answer())

    with RawServer(script) as server, hopping(tmp_path, server.address) as hop, dialled(hop.address) as sock:
        sock.sendall(HEAD + b"Content-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert one_head(sock).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"body")
        assert received(sock).startswith(b"HTTP/1.1 200 OK\r\n")


def test_chunked_bodies_and_their_trailers_pass_both_ways(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.read_head()
        body = b""
        while not body.endswith(b"\r\n\r\n"):
            body += peer.read_body(1)
        seen.append(body)
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nDigest: d\r\n\r\n")

    with RawServer(script) as server, hopping(tmp_path, server.address) as hop, dialled(hop.address) as sock:
        sock.sendall(HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        for piece in (b"5\r\nhel", b"lo\r\n", b"0\r\nUpload-Checksum: sha1 x\r\n\r\n"):
            sock.sendall(piece)
            time.sleep(0.01)
        got = received(sock)
    assert got.endswith(b"3\r\nabc\r\n0\r\nDigest: d\r\n\r\n")
    assert seen[0].endswith(b"0\r\nUpload-Checksum: sha1 x\r\n\r\n")
    assert b"hel" in seen[0] and b"lo" in seen[0]


def test_an_answer_without_a_length_passes_to_its_end(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(HALF))

    with (
        RawServer(script) as server,
        hopping(tmp_path, server.address) as hop,
        client_of(hop.address) as client,
    ):
        assert client.get("/").content == bytes(HALF)


def test_an_answer_before_the_bodys_end_reaches_the_client(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.read_body(1000)
        peer.send(answer("413 Content Too Large", b"no", "Connection: close"))
        peer.read_until_end()

    with (
        RawServer(script) as server,
        hopping(tmp_path, server.address) as hop,
        client_of(hop.address) as client,
    ):
        told = client.put("/up", content=bytes(20_000_000))
    assert (told.status_code, told.content) == (413, b"no")


def test_an_answer_that_a_reset_follows_at_once_is_still_passed_on(tmp_path: Path) -> None:
    """A send to the server that fails is no reason not to read what it said before."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.read_body(1000)
        peer.send(answer("413 Content Too Large", b"no"))
        peer.reset()

    with RawServer(*[script] * 20) as server, hopping(tmp_path, server.address) as hop:
        for _ in range(20):
            with client_of(hop.address) as client:
                assert client.put("/up", content=bytes(5_000_000)).status_code == 413


@pytest.mark.parametrize(
    "head",
    [
        b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_tunnels_and_upgrades_are_refused_and_said(tmp_path: Path, head: bytes) -> None:
    with RawServer() as server, hopping(tmp_path, server.address) as hop, dialled(hop.address) as sock:
        sock.sendall(head)
        assert received(sock).startswith(b"HTTP/1.1 501 ")
        hop.await_fired()
        assert (hop.firings[0]["step"], hop.firings[0]["action"]) == ("", "status 501")


@pytest.mark.parametrize("listed", [b"Upgrade, close", b"close"])
def test_an_offer_of_h2c_is_passed_over(tmp_path: Path, listed: bytes) -> None:
    def script(peer: Peer) -> None:
        assert b"pgrade" not in peer.read_head()
        peer.send(answer())

    offer = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: " + listed + b"\r\nUpgrade: h2c\r\n\r\n"
    with RawServer(script) as server, hopping(tmp_path, server.address) as hop, dialled(hop.address) as sock:
        sock.sendall(offer)
        assert received(sock).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_ends_its_side_still_gets_its_answer(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        assert peer.read_body(4) == b"body"
        assert peer.read_until_end() == 0  # the hop ended its side, too
        peer.send(answer("200 OK", b"all the same"))

    with RawServer(script) as server, hopping(tmp_path, server.address) as hop, dialled(hop.address) as sock:
        sock.sendall(HEAD + b"Content-Length: 4\r\n\r\nbody")
        sock.shutdown(socket.SHUT_WR)
        assert received(sock).endswith(b"all the same")


def test_a_client_that_goes_in_mid_body_is_seen_to_go_by_the_server(tmp_path: Path) -> None:
    seen: list[int] = []

    def script(peer: Peer) -> None:
        peer.read_head()
        seen.append(peer.read_until_end())

    with RawServer(script, script) as server, hopping(tmp_path, server.address) as hop:
        for linger in (False, True):
            sock = dialled(hop.address)
            sock.sendall(HEAD + b"Content-Length: 100\r\n\r\n" + bytes(40))
            if linger:
                time.sleep(0.2)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            sock.close()
            until(lambda n=1 + linger: len(seen) == n)
    assert seen == [40, 40]


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        for n in range(3):
            peer.read_head()
            peer.send(answer("200 OK", b"%d" % n))

    with RawServer(script) as server, hopping(tmp_path, server.address) as hop, dialled(hop.address) as sock:
        sock.sendall(
            b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n" * 2
            + b"GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )
        got = received(sock)
    assert [got.index(b"\r\n\r\n%d" % n) for n in range(3)] == sorted(
        got.index(b"\r\n\r\n%d" % n) for n in range(3)
    )


def cause_through(tmp_path: Path, *scripts: object) -> Cause | None:
    with (
        RawServer(*scripts) as server,  # type: ignore[arg-type]
        hopping(tmp_path, server.address) as hop,
        client_of(hop.address) as client,
        pytest.raises(httpx.HTTPError) as failure,
    ):
        client.put("/up", content=b"body")
    return cause_of(failure.value)


def test_a_servers_reset_or_end_is_the_clients_too(tmp_path: Path) -> None:
    def resets(peer: Peer) -> None:
        peer.read_head()
        peer.read_body(4)
        peer.reset()

    def ends(peer: Peer) -> None:
        peer.read_head()
        peer.read_body(4)

    def ends_in_its_answer(peer: Peer) -> None:
        peer.read_head()
        peer.read_body(4)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")

    assert cause_through(tmp_path, resets) is Cause.RESET
    assert cause_through(tmp_path, ends) is Cause.CLOSED
    assert cause_through(tmp_path, ends_in_its_answer) is Cause.CLOSED


def test_a_server_that_is_not_there_or_speaks_nonsense_is_a_bad_gateway(tmp_path: Path) -> None:
    def nonsense(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"SSH-2.0-OpenSSH\r\n\r\n")

    with (
        RawServer(nonsense) as server,
        hopping(tmp_path, server.address) as hop,
        client_of(hop.address) as client,
    ):
        assert client.get("/").status_code == 502
        hop.await_fired()
    with hopping(tmp_path, server.address) as hop, client_of(hop.address) as client:  # it is gone now
        told = client.get("/")
        assert (told.status_code, "cannot be reached" in told.text) == (502, True)
        hop.await_fired()
        assert (hop.firings[0]["step"], hop.firings[0]["action"]) == ("", "status 502")


def test_what_is_no_http_is_answered_400(tmp_path: Path) -> None:
    with RawServer() as server, hopping(tmp_path, server.address) as hop, dialled(hop.address) as sock:
        sock.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert received(sock).startswith(b"HTTP/1.1 400 ")


def test_a_server_that_ended_an_idle_connection_is_dialled_anew(tmp_path: Path) -> None:
    ended = threading.Event()

    def once(peer: Peer) -> None:
        peer.read_head()
        peer.send(answer())
        peer.close()
        ended.set()

    with (
        RawServer(once, once) as server,
        hopping(tmp_path, server.address) as hop,
        Client(hop.port) as client,
    ):
        assert client.ask("GET", "/").status == 200
        assert ended.wait(PATIENCE_S)
        time.sleep(0.1)
        assert client.ask("GET", "/").status == 200


def test_it_holds_no_more_of_a_request_than_it_says(tmp_path: Path) -> None:
    """The server reads nothing; what the client can send is its own buffers, the hop's and the server's."""
    buffer, own = 32768, 65536
    stop = threading.Event()

    def deaf(peer: Peer) -> None:
        peer.read_head()
        stop.wait(60)
        peer.read_until_end()

    with (
        RawServer(deaf, receive_buffer=16384) as server,
        hopping(tmp_path, server.address, buffer=buffer) as hop,
    ):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, own)
        sock.settimeout(2.0)
        sock.connect(hop.address)
        sock.sendall(HEAD + b"Content-Length: 100000000\r\n\r\n")
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += sock.send(bytes(16384))
        sock.close()
        stop.set()
    assert sent < gateway_allowance(buffer) + 3 * own + 3 * 16384


def test_two_hundred_clients_at_once_are_served(tmp_path: Path) -> None:
    with serving(tmp_path) as server, hopping(tmp_path, ("127.0.0.1", server.port)) as hop:
        data = os.urandom(50_000)

        def upload(_: int) -> bool:
            with Client(hop.port) as client:
                place = client.ask("POST", "/files/", Upload_Length=str(len(data))).fields["location"]
                client.ask("PATCH", place, data, Upload_Offset="0")
                return client.ask("GET", place).content == data

        with ThreadPoolExecutor(200) as pool:
            assert all(pool.map(upload, range(200)))
