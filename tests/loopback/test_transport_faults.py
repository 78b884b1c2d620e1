"""The transport against scripted servers: interim and early answers, resets, silence, slow readers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from simulator.records import Cause
from simulator.transport import Exchange, LinkTransport, RawHeaders, cause_of
from tests.helpers.rawserver import PATIENCE_S, Peer, RawServer, Script, answer
from tests.helpers.timing import best_of_three, within

pytestmark = pytest.mark.loopback

HALF = 400_000
PROGRESS = b"HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: %d\r\n\r\n"
LATE_S = 0.5  # what a busy machine may add to a time-out


@contextmanager
def client_of(
    server: RawServer, *, send_buffer: int | None = None, stall: float | None = PATIENCE_S
) -> Iterator[httpx.Client]:
    transport = LinkTransport(dial=server.address, send_buffer=send_buffer)
    timeout = httpx.Timeout(stall, connect=5.0)
    with httpx.Client(transport=transport, base_url="http://x", timeout=timeout, trust_env=False) as client:
        yield client


def pieces(total: int, size: int = 65536) -> Iterator[bytes]:
    while total:
        yield bytes(min(size, total))
        total -= min(size, total)


def put(client: httpx.Client, length: int, exchange: Exchange, **extra: object) -> httpx.Response:
    headers = {"Content-Length": str(length)}
    return client.put("/up", content=pieces(length), headers=headers, extensions={"exchange": exchange})


def test_interim_answers_are_handed_over_at_their_moment() -> None:
    """The server goes on only once the client has seen each 104: late ones would end in its patience."""
    seen = [threading.Event(), threading.Event()]
    offsets: list[tuple[int, int]] = []

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(PROGRESS % 0)
        assert seen[0].wait(PATIENCE_S)
        peer.read_body(HALF)
        peer.send(PROGRESS % HALF)
        assert seen[1].wait(PATIENCE_S)
        peer.read_body(HALF)
        peer.send(answer("201 Created"))

    def informational(status: int, headers: RawHeaders) -> None:
        offsets.append((int(dict(headers)[b"upload-offset"]), exchange.sent))
        seen[len(offsets) - 1].set()

    exchange = Exchange(on_informational=informational)
    with RawServer(script, receive_buffer=16384) as server, client_of(server, send_buffer=32768) as client:
        assert put(client, 2 * HALF, exchange).status_code == 201
    assert [offset for offset, _ in offsets] == [0, HALF]
    assert all(sent < 2 * HALF for _, sent in offsets)
    assert exchange.sent == 2 * HALF


def test_an_early_413_stops_the_body_and_the_next_request_dials_anew() -> None:
    def refuse(peer: Peer) -> None:
        peer.read_head()
        peer.send(answer("413 Content Too Large", b"no"))
        assert peer.read_until_end() < 30_000_000

    def accept(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer())

    exchange = Exchange()
    with RawServer(refuse, accept) as server, client_of(server) as client:
        response = put(client, 300_000_000, exchange)
        assert (response.status_code, response.text) == (413, "no")
        assert exchange.sent < 30_000_000
        assert client.get("/").status_code == 200


def test_a_413_followed_by_a_reset_is_still_seen() -> None:
    def refuse(peer: Peer) -> None:
        peer.read_head()
        peer.send(answer("413 Content Too Large"))
        time.sleep(0.05)
        peer.reset()

    exchange = Exchange()
    with RawServer(refuse, receive_buffer=16384) as server, client_of(server, send_buffer=32768) as client:
        assert put(client, 50_000_000, exchange).status_code == 413


def after_head(peer: Peer) -> None:
    peer.read_head()
    peer.reset()


def in_mid_body(peer: Peer) -> None:
    peer.read_head()
    peer.read_body(HALF)
    time.sleep(0.5)  # the client fills its queue meanwhile
    peer.reset()


def after_the_body(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def in_mid_head(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-")
    time.sleep(0.05)
    peer.reset()


def in_mid_answer(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    time.sleep(0.05)
    peer.reset()


@pytest.mark.parametrize("phase", [after_head, in_mid_body, after_the_body, in_mid_head, in_mid_answer])
def test_a_reset_is_a_reset_in_every_phase(phase: object) -> None:
    exchange = Exchange()
    with (
        RawServer(phase, receive_buffer=16384) as server,
        client_of(server, send_buffer=32768) as client,
        pytest.raises((httpx.WriteError, httpx.ReadError)) as caught,
    ):
        put(client, 2 * HALF, exchange)
    assert cause_of(caught.value) is Cause.RESET
    assert exchange.unsent is not None
    assert exchange.moved is not None
    assert (exchange.answered is not None) == (phase is in_mid_answer)
    assert (exchange.sent == 2 * HALF) == (phase not in {after_head, in_mid_body})


def test_what_the_kernel_still_held_at_a_reset_is_told() -> None:
    """The server reads a known part; accepted less unsent bounds it from above."""
    exchange = Exchange()
    with (
        RawServer(in_mid_body, receive_buffer=16384) as server,
        client_of(server) as client,
        pytest.raises(httpx.TransportError),
    ):
        put(client, 20 * HALF, exchange)
    assert exchange.unsent is not None
    assert exchange.unsent > 0
    assert exchange.sent + exchange.head - exchange.unsent >= HALF


def test_an_end_in_mid_body_is_noticed_while_sending() -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.sock.shutdown(1)  # the stream's end, but no reset
        peer.read_until_end()

    exchange = Exchange()
    with (
        RawServer(script) as server,
        client_of(server) as client,
        pytest.raises(httpx.RemoteProtocolError) as caught,
    ):
        put(client, 300_000_000, exchange)
    assert cause_of(caught.value) is Cause.CLOSED
    assert exchange.sent < 300_000_000


def silent_until(over: threading.Event) -> Script:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.read_body(1000)
        assert over.wait(PATIENCE_S)

    return script


@pytest.mark.parametrize(
    ("length", "kind"), [(20 * HALF, httpx.WriteTimeout), (1000, httpx.ReadTimeout)], ids=["body", "answer"]
)
@best_of_three
def test_a_silent_peer_ends_the_attempt_after_the_stall_time_out(
    length: int, kind: type[httpx.TimeoutException]
) -> None:
    exchange, over = Exchange(), threading.Event()
    with (
        RawServer(silent_until(over), receive_buffer=16384) as server,
        client_of(server, stall=0.6, send_buffer=32768) as client,
    ):
        with pytest.raises(kind) as caught:
            put(client, length, exchange)
        ended = time.monotonic()
        over.set()
    assert cause_of(caught.value) is Cause.STALLED
    assert exchange.moved is not None
    assert ended - exchange.moved >= 0.5  # it may end early by one look, an eighth
    within(0.5, ended - exchange.moved, 0.6 + LATE_S)


@best_of_three
def test_the_smaller_of_read_and_write_time_out_counts() -> None:
    over = threading.Event()
    with RawServer(silent_until(over)) as server, client_of(server) as client:
        begun = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            client.put("/", content=bytes(1000), timeout=httpx.Timeout(None, write=0.4))
        took = time.monotonic() - begun
        over.set()
    assert took >= 0.35
    within(0.35, took, 0.4 + LATE_S)


def test_bytes_that_drain_from_the_kernel_are_no_stall() -> None:
    """The body is in the kernel at once; its slow reader takes three stall time-outs to read it."""

    def script(peer: Peer) -> None:
        peer.read_head()
        for _ in range(30):
            peer.read_body(20_000)
            time.sleep(0.1)
        peer.send(answer())

    exchange = Exchange()
    with RawServer(script, receive_buffer=16384) as server, client_of(server, stall=1.0) as client:
        begun = time.monotonic()
        assert put(client, 600_000, exchange).status_code == 200
        assert time.monotonic() - begun > 2.9


@best_of_three
def test_a_deadline_ends_the_attempt_though_bytes_move() -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        try:
            while True:
                peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                time.sleep(0.05)
        except OSError:
            pass  # the client gave up, as it should

    exchange = Exchange(deadline=time.monotonic() + 0.4)
    with (
        RawServer(script) as server,
        client_of(server) as client,
        pytest.raises(httpx.TimeoutException) as caught,
    ):
        client.get("/", extensions={"exchange": exchange})
    assert cause_of(caught.value) is Cause.DEADLINE
    assert exchange.deadline is not None
    late = time.monotonic() - exchange.deadline
    assert late >= 0
    within(0, late, LATE_S)


def test_a_refused_connection_is_a_connect_error() -> None:
    with RawServer() as server:
        address = server.address
    exchange = Exchange()
    with (
        httpx.Client(transport=LinkTransport(dial=address), trust_env=False) as client,
        pytest.raises(httpx.ConnectError) as caught,
    ):
        client.get("http://x/", extensions={"exchange": exchange})
    assert cause_of(caught.value) is Cause.REFUSED
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert exchange.started > 0
    assert (exchange.fresh, exchange.port, exchange.connected) == (True, None, None)


@best_of_three
def test_an_unanswered_connect_times_out() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        crowd = [socket.socket() for _ in range(4)]
        for sock in crowd:  # the queue of accepted connections is full: further handshakes go unanswered
            sock.setblocking(False)
            sock.connect_ex(address)
        with httpx.Client(transport=LinkTransport(dial=address), trust_env=False) as client:
            begun = time.monotonic()
            with pytest.raises(httpx.ConnectTimeout) as caught:
                client.get("http://x/", timeout=httpx.Timeout(5.0, connect=0.4))
            took = time.monotonic() - begun
            assert took >= 0.4
            with pytest.raises(httpx.TimeoutException) as passed:
                deadline = Exchange(deadline=time.monotonic() + 0.2)
                client.get("http://x/", extensions={"exchange": deadline})
        for sock in crowd:
            sock.close()
    within(0.4, took, 0.4 + LATE_S)
    assert cause_of(caught.value) is Cause.CONNECT_TIMEOUT
    assert cause_of(passed.value) is Cause.DEADLINE


def test_an_answer_byte_by_byte_is_whole() -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.drip(answer("200 OK", b"hello", "X-A: b"), 0.001)

    with RawServer(script) as server, client_of(server) as client:
        response = client.get("/")
        assert (response.text, response.headers["x-a"]) == ("hello", "b")
