"""Keep-alive, stale connections, addresses, socket buffers, interrupted exchanges."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simulator.transport import Exchange, LinkTransport
from tests.helpers.rawserver import PATIENCE_S, Peer, RawServer, answer

pytestmark = pytest.mark.loopback


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def client_of(server: RawServer, **extra: object) -> httpx.Client:
    transport = LinkTransport(dial=server.address, **extra)  # type: ignore[arg-type]
    return httpx.Client(transport=transport, base_url="http://x", trust_env=False)


def await_news(client: httpx.Client) -> None:
    """Wait until the kept connection has something to read: bytes, an end or an error."""
    (kept,) = client._transport._idle  # type: ignore[attr-defined]
    assert select.select([kept.wire._sock], [], [], PATIENCE_S)[0]


def get(client: httpx.Client) -> Exchange:
    exchange = Exchange()
    assert client.get("/", extensions={"exchange": exchange}).status_code == 200
    return exchange


def two(peer: Peer) -> None:
    for _ in range(2):
        one(peer)


def three(peer: Peer) -> None:
    for _ in range(3):
        peer.read_request()
        peer.send(answer())


def one(peer: Peer) -> None:
    peer.read_request()
    peer.send(answer())


def one_and_reset(peer: Peer) -> None:
    one(peer)
    peer.reset()


def one_and_more(peer: Peer) -> None:
    one(peer)
    time.sleep(0.05)
    peer.send(answer("408 Request Timeout"))
    peer.read_until_end()


def one_and_close(peer: Peer) -> None:
    peer.read_request()
    peer.send(answer("200 OK", b"", "Connection: close"))
    peer.read_until_end()


def test_one_connection_carries_request_after_request() -> None:
    with RawServer(three) as server, client_of(server) as client:
        first, second, third = (get(client) for _ in range(3))
    assert server.connections == 1
    assert (first.fresh, second.fresh, third.fresh) == (True, False, False)
    assert first.port == third.port
    assert first.connected is not None
    assert third.connected is None


@pytest.mark.parametrize("stale", [one, one_and_reset, one_and_more, one_and_close])
def test_a_stale_connection_is_noticed_and_dialled_anew(stale: object) -> None:
    with RawServer(stale, one) as server, client_of(server) as client:  # type: ignore[arg-type]
        get(client)
        if stale is not one_and_close:  # of which nothing is kept
            await_news(client)
        assert get(client).fresh


def test_a_connection_that_dies_under_a_request_is_not_retried() -> None:
    def die_at_the_second(peer: Peer) -> None:
        one(peer)
        peer.read_head()
        peer.reset()

    with RawServer(die_at_the_second) as server, client_of(server) as client:
        get(client)
        with pytest.raises(httpx.TransportError):
            client.get("/")
    assert server.connections == 1


def test_an_ipv6_address_is_dialled() -> None:
    with (
        RawServer(one, family=socket.AF_INET6) as server,
        httpx.Client(transport=LinkTransport(), trust_env=False) as client,
    ):
        assert client.get(server.url).status_code == 200


def test_a_name_is_tried_at_every_address() -> None:
    """Nothing listens at the port on ::1, which `localhost` may mean as well."""
    with RawServer(one) as server, httpx.Client(transport=LinkTransport(), trust_env=False) as client:
        assert client.get(f"http://localhost:{server.address[1]}/").status_code == 200


def test_the_host_stays_the_urls_while_the_link_is_dialled() -> None:
    heads: list[bytes] = []

    def script(peer: Peer) -> None:
        heads.append(peer.read_head())
        peer.send(answer())

    with (
        RawServer(script) as server,
        httpx.Client(transport=LinkTransport(dial=server.address), trust_env=False) as client,
    ):
        client.get("http://upload.example:8080/a?b=c")
    assert heads[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"Host: upload.example:8080\r\n" in heads[0]


def test_a_small_send_buffer_keeps_little_unread() -> None:
    """The peer reads nothing: what was sent is what the buffers hide. The default hides megabytes."""

    def script(peer: Peer) -> None:
        peer.read_head()
        assert over.wait(PATIENCE_S)

    hidden = []
    for send_buffer in (16384, None):
        exchange, over = Exchange(), threading.Event()
        with (
            RawServer(script, receive_buffer=16384) as server,
            client_of(server, send_buffer=send_buffer) as client,
        ):
            with pytest.raises(httpx.WriteTimeout):
                client.put("/", content=bytes(20_000_000), timeout=0.5, extensions={"exchange": exchange})
            over.set()
        hidden.append(exchange.sent)
    assert hidden[0] < 400_000
    assert hidden[0] < hidden[1] / 2


def test_an_interrupted_exchange_is_never_resumed() -> None:
    def first(peer: Peer) -> None:
        peer.read_until_end()

    def body() -> Iterator[bytes]:
        yield bytes(1000)
        raise KeyboardInterrupt

    before = descriptors()
    with RawServer(first, one) as server, client_of(server) as client:
        with pytest.raises(KeyboardInterrupt):
            client.put("/", content=body(), headers={"Content-Length": "5000"})
        assert get(client).fresh
    assert descriptors() == before


def test_closing_the_transport_closes_its_sockets() -> None:
    before = descriptors()
    ended: list[int] = []

    def script(peer: Peer) -> None:
        one(peer)
        ended.append(peer.read_until_end())

    with RawServer(script) as server:
        client = client_of(server)
        get(client)
        client.close()
    assert ended == [0]
    assert descriptors() == before


def test_an_answer_left_in_its_middle_costs_the_connection_only() -> None:
    def endless(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                peer.send(b"5\r\nhello\r\n")
        except OSError:
            pass  # the client is gone, as it should

    with RawServer(endless, one) as server, client_of(server) as client:
        with client.stream("GET", "/") as response:
            assert next(response.iter_raw()).startswith(b"hello")
        assert get(client).fresh


def test_requests_at_the_same_time_get_connections_of_their_own() -> None:
    with RawServer(one, two) as server, client_of(server) as client:
        with client.stream("GET", "/") as outer:
            assert client.get("/").status_code == 200
            outer.read()
        assert not get(client).fresh
