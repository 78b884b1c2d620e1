"""The server in the box as an HTTP/1.1 server: framing, keep-alive, time-outs, and any input at all."""

from __future__ import annotations

import base64
import hashlib
import random
import socket
from collections.abc import Iterator

import pytest

from simulator.servers.reference.ietf_telling import EVERY_BYTES
from tests.helpers.served import Client, Server, await_that, serving

pytestmark = pytest.mark.loopback

IDLE_S = 1.5  # many times what a busy machine takes for one step of a test


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("http")) as server:
        yield server


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that ends silent connections soon."""
    with serving(tmp_path_factory.mktemp("hasty"), "--idle-timeout", str(IDLE_S)) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


def test_one_connection_serves_many_requests(client: Client) -> None:
    for size in (0, 1, 70_000, 600_000):
        content = b"x" * size
        path = client.ask("POST", "/plain/", content).fields["location"]
        assert client.ask("GET", path).content == content


def test_pipelined_requests_are_answered_in_order(server: Server, client: Client) -> None:
    path = server.create(1_000_000)
    for at in range(3):
        client.send("PATCH", path, b"abc", Upload_Offset=str(3 * at))
        client.send("HEAD", path)
    big = server.ask("POST", "/plain/", b"y" * 3_000_000).fields["location"]
    client.send("GET", big)
    client.send("GET", big)
    client.send("OPTIONS", "/files/")
    offsets = [client.answer().fields["upload-offset"] for _ in range(6)]
    assert offsets == ["3", "3", "6", "6", "9", "9"]
    assert [len(client.answer().content) for _ in range(3)] == [3_000_000, 3_000_000, 0]


def test_expect_100_is_answered_before_the_content_comes(client: Client) -> None:
    client.send("POST", "/plain/", length=3, Expect="100-continue")
    assert client.answer().status == 100
    client.socket.sendall(b"abc")
    assert client.answer().status == 201


def test_expect_100_with_a_refusal_gets_the_refusal_alone(server: Server, client: Client) -> None:
    path = server.create(10)
    client.send("PATCH", path, length=10, Upload_Offset="5", Expect="100-continue")
    answer = client.answer()
    assert (answer.status, answer.fields["connection"]) == (409, "close")
    assert client.ended()


def test_a_refusal_of_little_content_keeps_the_connection(server: Server, client: Client) -> None:
    path = server.create(100_000)
    client.send("PATCH", path, b"x" * 10, length=100_000, Upload_Offset="7")
    assert client.answer().status == 409
    client.socket.sendall(b"x" * 99_990)
    assert client.ask("HEAD", path).fields["upload-offset"] == "0"


def test_a_refusal_of_much_content_reaches_a_client_that_only_sends(server: Server, client: Client) -> None:
    path = server.create(10**8)
    client.send("PATCH", path, length=10**8, Upload_Offset="7")
    for _ in range(100):
        client.socket.sendall(b"x" * 100_000)
    answer = client.answer()
    assert (answer.status, answer.fields["connection"]) == (409, "close")


@pytest.mark.parametrize(
    "head", ["GET {} HTTP/1.0\r\n\r\n", "GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]
)
def test_the_connection_ends_when_the_client_says_so(server: Server, client: Client, head: str) -> None:
    path = server.ask("POST", "/plain/", b"abc").fields["location"]
    client.raw(head.format(path).encode())
    answer = client.answer()
    assert (answer.content, answer.fields["connection"]) == (b"abc", "close")
    assert client.ended()


def test_a_head_may_come_byte_by_byte(client: Client) -> None:
    client.raw(b"", "OPTIONS")
    for byte in b"OPTIONS /files/ HTTP/1.1\r\nHost: x\r\n\r\n":
        client.socket.sendall(bytes([byte]))
    assert client.answer().status == 204


def test_every_answer_has_a_date(client: Client) -> None:
    assert client.ask("OPTIONS", "/files/").fields["date"].endswith(" GMT")


DRAFT = {"Upload_Draft_Interop_Version": "9", "Upload_Complete": "?1"}


def test_a_creation_is_announced_and_its_progress_told_while_content_arrives(client: Client) -> None:
    client.send("POST", "/resumable/", length=3 * EVERY_BYTES, **DRAFT)
    announced = client.answer()
    assert (announced.status, announced.fields["upload-draft-interop-version"]) == (104, "9")
    client.socket.sendall(bytes(2 * EVERY_BYTES))
    told = [client.answer()]  # before the content is over
    client.socket.sendall(bytes(EVERY_BYTES))
    while (answer := client.answer()).status == 104:
        told.append(answer)
    offsets = [int(one.fields["upload-offset"]) for one in told]
    assert offsets == sorted(set(offsets))
    assert all("location" not in one.fields for one in told)
    assert (answer.status, answer.fields["upload-complete"]) == (201, "?1")
    assert answer.fields["location"] == announced.fields["location"]
    assert client.ask("HEAD", announced.fields["location"]).fields["upload-offset"] == str(3 * EVERY_BYTES)


def test_chunked_content_gets_interim_answers_too(client: Client) -> None:
    head = "POST /resumable/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    draft = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in DRAFT.items())
    client.raw(f"{head}{draft}\r\n".encode(), "POST")
    assert client.answer().status == 104
    client.socket.sendall(f"{2 * EVERY_BYTES:x}\r\n".encode() + bytes(2 * EVERY_BYTES) + b"\r\n")
    assert int(client.answer().fields["upload-offset"]) > 0
    client.socket.sendall(b"0\r\n\r\n")
    while (answer := client.answer()).status == 104:
        pass
    assert answer.status == 201


def test_expect_100_is_answered_beside_104(client: Client) -> None:
    client.send("POST", "/resumable/", length=3, Expect="100-continue", **DRAFT)
    assert {client.answer().status, client.answer().status} == {100, 104}
    client.socket.sendall(b"abc")
    assert client.answer().status == 201


def test_a_cut_creation_is_resumed_where_its_104_said(server: Server) -> None:
    with server.client() as client:
        client.send("POST", "/resumable/", b"abc", length=10, **DRAFT)
        path = client.answer().fields["location"]
        server.await_stored(path, 3)
        client.reset()
    await_that(lambda: server.ask("HEAD", path).fields["upload-offset"] == "3")
    media = {"Content_Type": "application/partial-upload", "Upload_Offset": "3"}
    assert server.ask("PATCH", path, b"defghij", **media, **DRAFT).status == 201
    assert server.ask("GET", path).content == b"abcdefghij"


def test_a_cancellation_ends_the_running_request(server: Server, client: Client) -> None:
    client.send("POST", "/resumable/", b"abc", length=10, **DRAFT)
    path = client.answer().fields["location"]
    assert server.ask("DELETE", path).status == 204
    assert client.ended()


def test_http_1_0_gets_no_interim_answer(client: Client) -> None:
    draft = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in DRAFT.items())
    client.raw(f"POST /resumable/ HTTP/1.0\r\nContent-Length: 3\r\n{draft}\r\nabc".encode(), "POST")
    assert client.answer().status == 201


def test_a_representation_of_many_steps_is_checked_and_the_next_request_waits(client: Client) -> None:
    content = random.Random(7).randbytes(5_000_000)
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    client.send("POST", "/resumable/", content, Repr_Digest=f"sha-256=:{digest}:", **DRAFT)
    client.send("OPTIONS", "/resumable/")
    answers = [client.answer()]
    while answers[-1].status < 200:
        answers.append(client.answer())
    assert answers[-1].status == 201
    assert client.answer().status == 204


MALFORMED = [
    ("not HTTP", b"hello\r\n\r\n", 400),
    ("another protocol", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ("no Host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("a length in words", b"POST /plain/ HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n", 400),
    ("a negative length", b"POST /plain/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ("two lengths", b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ("a length and chunks", b"POST /plain/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n", 400),
    ("an unknown coding", b"POST /plain/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ("a bad chunk", b"POST /plain/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ("a head without end", b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
    ("a tunnel", b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    ("a field name with a space", b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n", 400),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "status"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_malformed_requests_are_refused_and_end_the_connection(
    client: Client, data: bytes, status: int
) -> None:
    client.raw(data)
    answer = client.answer()
    assert (answer.status, answer.fields["connection"]) == (status, "close")
    assert client.ended()


def test_a_silent_connection_ends_after_the_idle_time(hasty: Server) -> None:
    with hasty.client() as never, hasty.client() as once, hasty.client() as half:
        assert once.ask("OPTIONS", "/files/").status == 204
        half.raw(b"GET / HT")
        assert all(client.ended(10 * IDLE_S) for client in (never, once, half))


def test_a_head_that_trickles_does_not_hold_a_connection(hasty: Server) -> None:
    with hasty.client() as client:
        client.raw(b"GET / HTTP/1.1\r\n")
        client.socket.settimeout(IDLE_S / 10)
        for _ in range(200):
            try:
                client.socket.sendall(b"a: b\r\n")
                if client.socket.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
    pytest.fail("the head held the connection for ever")


def test_a_silent_upload_ends_and_keeps_what_arrived(hasty: Server) -> None:
    path = hasty.create(10)
    with hasty.client() as client:
        client.send("PATCH", path, b"abc", length=10, Upload_Offset="0")
        assert client.ended(10 * IDLE_S)
    assert hasty.stored(path) == hasty.offset(path) == 3


def test_an_upload_that_trickles_does_not_end(hasty: Server) -> None:
    path = hasty.create(10)
    with hasty.client() as client:
        client.send("PATCH", path, length=10, Upload_Offset="0")
        for at in range(10):
            assert not client.ended(IDLE_S / 5), at
            client.socket.sendall(b"x")
        assert client.answer().status == 204


def test_a_client_that_does_not_read_is_let_go(hasty: Server) -> None:
    path = hasty.ask("POST", "/plain/", b"x" * 20_000_000).fields["location"]
    with hasty.client() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send("GET", path)
        await_that(lambda: _ended_quietly(client))


def _ended_quietly(client: Client) -> bool:
    """Return whether the peer has reset the connection, without reading from it."""
    return client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


def test_no_input_ends_the_server(server: Server) -> None:
    draw = random.Random(7)
    path = server.create(1000)
    valid = (
        f"PATCH {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        "Content-Type: application/offset+octet-stream\r\nContent-Length: 20\r\n\r\n"
    ).encode() + b"y" * 20
    chunked = b"POST /plain/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    for _ in range(400):
        data = bytearray(draw.choice([valid, chunked, valid + chunked, draw.randbytes(200)]))
        for _ in range(draw.randrange(6)):
            at = draw.randrange(len(data))
            data[at : at + draw.randrange(4)] = draw.randbytes(draw.randrange(4))
        with server.client() as client:
            try:
                for part in (data[: len(data) // 2], data[len(data) // 2 :]):
                    client.socket.sendall(part)
                if draw.random() < 0.5:
                    client.socket.shutdown(socket.SHUT_WR)
                    client.socket.recv(65536)
            except ConnectionError:
                continue
    assert server.ask("HEAD", server.create(1)).status == 200
    assert server.process.poll() is None
