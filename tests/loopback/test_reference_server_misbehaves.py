"""Each way of behaving badly on the wire: what a client of the server in the box then meets."""

from __future__ import annotations

import base64
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.served import Server, await_that, command, serving

pytestmark = pytest.mark.loopback

CONTENT = bytes(range(250)) * 4
DRAFT = {"Upload_Draft_Interop_Version": "9", "Upload_Complete": "?1"}


@contextmanager
def misbehaving(folder: Path, *words: str) -> Iterator[Server]:
    with serving(folder, *(flag for word in words for flag in ("--misbehave", word))) as server:
        yield server


def cut(server: Server, path: str, content: bytes, offset: int = 0) -> float:
    """Send *content* of 1000 bytes, and reset the connection once it is stored; return when."""
    with server.client() as client:
        client.send("PATCH", path, content, length=1000 - offset, Upload_Offset=str(offset))
        server.await_stored(path, offset + len(content))
        at = time.monotonic()
        client.reset()
    return at


def test_lock(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "lock=5s") as server:
        path = server.create(1000)
        at = cut(server, path, CONTENT[:400])
        assert server.ask("HEAD", path).status == 423
        await_that(lambda: server.ask("HEAD", path).status == 200)
        assert time.monotonic() - at > 4.9
        assert server.offset(path) == 400


def test_buffer(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "buffer") as server:
        path = server.create(1000)
        with server.client() as client:
            client.send("PATCH", path, CONTENT[:400], length=1000, Upload_Offset="0")
            client.socket.shutdown(socket.SHUT_WR)  # unlike a reset, it comes after all the bytes
            assert client.ended()
        assert server.offset(path) == 0
        assert server.ask("PATCH", path, CONTENT, Upload_Offset="0").status == 204
        assert server.ask("GET", path).content == CONTENT


def test_forget(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "forget=2") as server:
        path = server.create(1000)
        cut(server, path, CONTENT[:400])
        await_that(lambda: server.offset(path) == 400)
        cut(server, path, CONTENT[400:500], 400)
        await_that(lambda: server.ask("HEAD", path).status == 404)


def test_regress(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "regress") as server:
        path = server.create(1000)
        answer = server.ask("PATCH", path, CONTENT[:400], Upload_Offset="0")
        assert answer.fields["upload-offset"] == "400"
        assert server.offset(path) == 200


def test_wrong_offset(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "wrong-offset=100 B") as server:
        path = server.create(1000)
        cut(server, path, CONTENT[:400])
        assert server.offset(path) == 500
        assert server.stored(path) == 400
        answer = server.ask("PATCH", path, CONTENT[500:], Upload_Offset="500")
        assert answer.fields["upload-offset"] == "1000"
        assert server.stored(path) == 900


def test_no_104(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "no-104") as server:
        assert server.ask("POST", "/resumable/", CONTENT, **DRAFT).status == 201


def test_accept_corrupt(tmp_path: Path) -> None:
    wrong = f"sha1 {base64.b64encode(bytes(20)).decode()}"
    with misbehaving(tmp_path, "accept-corrupt") as server:
        path = server.create(1000)
        assert server.ask("PATCH", path, CONTENT, Upload_Offset="0", Upload_Checksum=wrong).status == 204


def test_corrupt(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "corrupt=7") as server:
        path = server.ask("POST", "/plain/", CONTENT).fields["location"]
        stored = server.ask("GET", path).content
    assert [at for at in range(1000) if stored[at] != CONTENT[at]] == [7]


def test_slow_finish(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "slow-finish=2s") as server, server.client() as client:
        path = server.create(1000)
        begun = time.monotonic()
        client.send("PATCH", path, CONTENT, Upload_Offset="0")
        client.send("HEAD", path)
        server.await_stored(path, 1000)
        assert server.offset(path) == 1000
        assert client.answer().status == 204
        assert time.monotonic() - begun >= 2
        assert client.answer().fields["upload-offset"] == "1000"


def test_a_held_answer_outlives_the_idle_time(tmp_path: Path) -> None:
    words = ("--idle-timeout", "0.3", "--misbehave", "slow-finish=2s")
    with serving(tmp_path, *words) as server, server.client() as client:
        client.send("POST", "/plain/", CONTENT)
        assert client.answer().status == 201


def test_silent_until_the_client_leaves(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "silent") as server:
        with server.client() as client:
            client.send("POST", "/plain/", CONTENT)
            assert not client.ended(1.0)
        with server.client() as client:
            client.send("POST", "/plain/", CONTENT)
            client.reset()
        assert server.ask("OPTIONS", "/files/").status == 204


def test_endless_1xx(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "endless-1xx=10 ms") as server:
        with server.client() as client:
            client.send("POST", "/plain/", CONTENT)
            assert [client.answer().status for _ in range(50)] == [102] * 50
        assert server.ask("OPTIONS", "/files/").status == 204


def test_a_head_that_follows_a_held_answer_waits_without_end_of_memory(tmp_path: Path) -> None:
    with misbehaving(tmp_path, "silent") as server, server.client() as client:
        client.send("POST", "/plain/", CONTENT)
        client.socket.settimeout(2)
        with pytest.raises(TimeoutError):
            for _ in range(1000):
                client.socket.sendall(bytes(100_000))


@pytest.mark.parametrize("word", ["lok", "lock", "lock=x", "forget=0"])
def test_a_word_that_makes_no_sense_ends_the_server_at_once(tmp_path: Path, word: str) -> None:
    words = command("--port", "0", "--dir", str(tmp_path / "store"), "--misbehave", word)
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "--misbehave" in run.stderr
    assert not (tmp_path / "store").exists()
