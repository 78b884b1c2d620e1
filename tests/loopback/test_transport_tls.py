"""TLS: names, certificates, keep-alive and bulk over the same loop."""

from __future__ import annotations

import hashlib
import ssl
import time

import httpx
import pytest
import trustme

from simulator.records import Cause
from simulator.transport import Exchange, LinkTransport, cause_of
from tests.helpers.rawserver import Peer, RawServer, answer

pytestmark = pytest.mark.loopback

NAME = "upload.example"
SIZE = 3_000_000
AUTHORITY = trustme.CA()


@pytest.fixture(name="client_context")
def _client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def server_context(names: list[str | None], version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Return a context that notes in *names* which host each client asked for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if version is not None:
        context.maximum_version = version
    AUTHORITY.issue_cert(NAME).configure_cert(context)
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    return context


def echo_hash(peer: Peer) -> None:
    for _ in range(2):
        _, body = peer.read_request()
        peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer("200 OK", hashlib.sha256(body).digest()))


def client_of(server: RawServer, context: ssl.SSLContext) -> httpx.Client:
    return httpx.Client(
        transport=LinkTransport(dial=server.address, verify=context), trust_env=False, timeout=10.0
    )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_link_is_dialled_but_the_urls_host_is_named_and_checked(
    client_context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    names: list[str | None] = []
    body = bytes(range(256)) * (SIZE // 256)
    interim: list[int] = []
    first = Exchange(on_informational=lambda status, _: interim.append(status))
    second = Exchange()
    with (
        RawServer(echo_hash, tls=server_context(names, version)) as server,
        client_of(server, client_context) as client,
    ):
        for exchange in (first, second):
            response = client.post(f"https://{NAME}/", content=body, extensions={"exchange": exchange})
            assert response.content == hashlib.sha256(body).digest()
    assert names == [NAME]
    assert interim == [103]
    assert (first.fresh, second.fresh) == (True, False)
    assert first.sent == len(body)


def test_a_slow_tls_reader_blocks_the_sender_and_loses_nothing(client_context: ssl.SSLContext) -> None:
    def slow(peer: Peer) -> None:
        peer.read_head()
        digest = hashlib.sha256()
        for _ in range(20):
            digest.update(peer.read_body(50_000))
            time.sleep(0.01)
        peer.send(answer("200 OK", digest.digest()))

    body = b"simsim" * (1_000_000 // 6) + b"....."
    body = body[:1_000_000].ljust(1_000_000, b".")
    with (
        RawServer(slow, tls=server_context([]), receive_buffer=16384) as server,
        client_of(server, client_context) as client,
    ):
        response = client.post(f"https://{NAME}/", content=body)
    assert response.content == hashlib.sha256(body).digest()


def test_a_large_answer_is_read_whole_over_tls(client_context: ssl.SSLContext) -> None:
    body = bytes(range(256)) * 20_000

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer("200 OK", body))

    with (
        RawServer(script, tls=server_context([])) as server,
        client_of(server, client_context) as client,
    ):
        assert client.get(f"https://{NAME}/").content == body


def test_a_wrong_name_is_a_connect_error_with_the_reason(client_context: ssl.SSLContext) -> None:
    with (
        RawServer(echo_hash, tls=server_context([])) as server,
        client_of(server, client_context) as client,
        pytest.raises(httpx.ConnectError, match=r"wrong\.example") as caught,
    ):
        client.get("https://wrong.example/")
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert cause_of(caught.value) is None  # trying again is of no use
    assert server.refused_handshakes == 1


def test_an_unknown_authority_is_a_connect_error_unless_unverified() -> None:
    with RawServer(echo_hash, echo_hash, tls=server_context([])) as server:
        with (
            httpx.Client(transport=LinkTransport(dial=server.address), trust_env=False) as client,
            pytest.raises(httpx.ConnectError, match="certificate verify failed"),
        ):
            client.get(f"https://{NAME}/")
        with httpx.Client(transport=LinkTransport(dial=server.address, verify=False)) as client:
            for _ in range(2):
                assert client.post(f"https://{NAME}/", content=b"x").status_code == 200


def test_a_server_that_does_not_speak_tls_is_a_protocol_error(client_context: ssl.SSLContext) -> None:
    def plain(peer: Peer) -> None:
        peer.send(b"220 no TLS here\r\n")
        peer.read_until_end()

    with (
        RawServer(plain) as server,
        client_of(server, client_context) as client,
        pytest.raises(httpx.ConnectError) as caught,
    ):
        client.get(f"https://{NAME}/")
    assert cause_of(caught.value) is Cause.PROTOCOL


def test_a_handshake_that_hangs_is_a_connect_time_out(client_context: ssl.SSLContext) -> None:
    def silent(peer: Peer) -> None:
        peer.read_until_end()

    with (
        RawServer(silent) as server,
        client_of(server, client_context) as client,
        pytest.raises(httpx.ConnectTimeout),
    ):
        client.get(f"https://{NAME}/", timeout=httpx.Timeout(5.0, connect=0.3))


def test_a_stale_tls_connection_is_noticed(client_context: ssl.SSLContext) -> None:
    def once(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer())

    exchange = Exchange()
    with (
        RawServer(once, once, tls=server_context([])) as server,
        client_of(server, client_context) as client,
    ):
        client.get(f"https://{NAME}/")
        server.join(0)
        client.get(f"https://{NAME}/", extensions={"exchange": exchange})
    assert exchange.fresh
