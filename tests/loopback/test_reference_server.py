"""The server in the box over real sockets: cuts, races, kills, and files on a disk."""

from __future__ import annotations

import base64
import hashlib
import random
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.helpers.served import Server, await_that, command, serving

pytestmark = pytest.mark.loopback

MB = 10**6
CONTENT = random.Random(4).randbytes(8 * MB)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("reference")) as server:
        yield server


def test_an_upload_by_httpx_comes_back_with_the_same_hash(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"Tus-Resumable": "1.0.0"}, trust_env=False) as client:
        created = client.post("/files/", headers={"Upload-Length": str(len(CONTENT))})
        content_type = {"Content-Type": "application/offset+octet-stream"}
        for at in range(0, len(CONTENT), 3 * MB):
            piece = CONTENT[at : at + 3 * MB]
            headers = {"Upload-Offset": str(at), **content_type}
            appended = client.patch(created.headers["location"], content=piece, headers=headers)
            assert appended.headers["upload-offset"] == str(at + len(piece))
        got = client.get(created.headers["location"])
        assert got.headers["content-length"] == str(len(CONTENT))
        assert hashlib.sha256(got.content).digest() == hashlib.sha256(CONTENT).digest()


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_plain_upload_comes_back_and_is_a_file(server: Server, method: str) -> None:
    answer = server.ask(method, "/plain/", CONTENT)
    path = answer.fields["location"]
    assert server.ask("GET", path).content == CONTENT
    assert (server.directory / path.removeprefix("/plain/")).read_bytes() == CONTENT
    head = server.ask("HEAD", path)
    assert (head.status, head.fields["content-length"]) == (200, str(len(CONTENT)))


def test_chunked_content_is_taken_too(server: Server) -> None:
    def pieces() -> Iterator[bytes]:
        for at in range(0, len(CONTENT), 100_001):
            yield CONTENT[at : at + 100_001]

    with httpx.Client(trust_env=False) as client:
        path = client.post(f"{server.url}/plain/", content=pieces()).headers["location"]
    assert server.ask("GET", path).content == CONTENT


@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_cut_patch_keeps_what_arrived(server: Server, end: str) -> None:
    path = server.create(len(CONTENT))
    client = server.client()
    client.send("PATCH", path, CONTENT[:MB], length=len(CONTENT), Upload_Offset="0")
    server.await_stored(path, MB)
    getattr(client, end)()
    assert server.offset(path) == MB
    assert server.ask("PATCH", path, CONTENT[MB:], Upload_Offset=str(MB)).status == 204
    assert server.ask("GET", path).content == CONTENT


def test_a_cut_plain_upload_leaves_no_file(server: Server) -> None:
    before = set(server.directory.iterdir())
    client = server.client()
    client.send("POST", "/plain/", b"abc", length=10)
    await_that(lambda: len(set(server.directory.iterdir())) > len(before))
    client.reset()
    await_that(lambda: set(server.directory.iterdir()) == before)


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_a_half_open_connection_loses_its_hold_at_once_and_late_bytes_are_nobodys(
    server: Server, method: str
) -> None:
    path = server.create(len(CONTENT))
    with server.client() as old:
        old.send("PATCH", path, CONTENT[:MB], length=len(CONTENT), Upload_Offset="0")
        server.await_stored(path, MB)
        answer = server.ask(method, path, Upload_Offset=str(MB))  # the old connection is still there
        assert answer.status == (200 if method == "HEAD" else 204)
        try:
            for _ in range(20):
                old.socket.sendall(b"late" * 10_000)
        except ConnectionError:
            pass
        assert old.ended()
    if method == "DELETE":
        assert server.ask("HEAD", path).status == 404
    else:
        assert server.offset(path) == MB
        assert server.ask("PATCH", path, CONTENT[MB:], Upload_Offset=str(MB)).status == 204
        assert server.ask("GET", path).content == CONTENT


def test_two_racing_writers_leave_one_upload_and_never_see_423(server: Server) -> None:
    path = server.create(len(CONTENT))
    statuses: list[int] = []

    def write() -> None:
        for _ in range(50):
            with server.client() as client:
                try:
                    at = int(client.ask("HEAD", path).fields["upload-offset"])
                    if at == len(CONTENT):
                        return
                    piece = CONTENT[at : at + 300_000]
                    statuses.append(client.ask("PATCH", path, piece, Upload_Offset=str(at)).status)
                except ConnectionError:
                    continue

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    at = server.offset(path)
    server.ask("PATCH", path, CONTENT[at:], Upload_Offset=str(at))
    assert set(statuses) <= {204, 409}
    assert server.ask("GET", path).content == CONTENT


def test_a_wrong_checksum_keeps_nothing(server: Server) -> None:
    path = server.create(6)
    wrong = "sha256 " + base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    answer = server.ask("PATCH", path, b"abcdef", Upload_Offset="0", Upload_Checksum=wrong)
    assert answer.status == 460
    assert server.offset(path) == server.stored(path) == 0


def test_a_large_concatenation_does_not_hold_up_others(server: Server) -> None:
    part = server.ask("POST", "/files/", CONTENT, Upload_Length=str(len(CONTENT)), Upload_Concat="partial",
                      Content_Type="application/offset+octet-stream").fields["location"]  # fmt: skip
    with server.client() as client:
        client.send("POST", "/files/", Upload_Concat="final;" + " ".join([part] * 10))
        assert server.ask("HEAD", part).status == 200
        final = client.answer().fields["location"]
    assert server.ask("GET", final).content == CONTENT * 10


def test_get_goes_on_while_the_upload_is_deleted(server: Server) -> None:
    path = server.ask("PUT", "/plain/", CONTENT * 4).fields["location"]
    with server.client() as client:
        client.send("GET", path)
        await_that(lambda: client.socket.recv(1, socket.MSG_PEEK))
        assert server.ask("DELETE", path).status == 204
        assert client.answer().content == CONTENT * 4


@pytest.mark.parametrize("words", [(), ("--fsync",)])
def test_kill_9_in_mid_patch_breaks_no_promise(tmp_path: Path, words: tuple[str, ...]) -> None:
    with serving(tmp_path, *words) as server:
        path = server.create(len(CONTENT))
        server.ask("PATCH", path, CONTENT[:MB], Upload_Offset="0")
        client = server.client()
        client.send("PATCH", path, CONTENT[MB : 3 * MB], length=len(CONTENT) - MB, Upload_Offset=str(MB))
        server.await_stored(path, 2 * MB)
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        client.close()
    with serving(tmp_path, *words) as server:
        at = server.offset(path)
        assert at >= 2 * MB
        assert server.ask("PATCH", path, CONTENT[at:], Upload_Offset=str(at)).status == 204
        assert server.ask("GET", path).content == CONTENT


def test_kills_at_any_moment_break_no_promise(tmp_path: Path) -> None:
    promised, path = 0, ""
    for round_ in range(6):
        with serving(tmp_path) as server:
            path = path or server.create(len(CONTENT))
            at = server.offset(path)
            assert at >= promised
            client = server.client()
            killer = threading.Timer(0.002 * round_, server.process.kill)
            killer.start()
            try:
                while at < len(CONTENT):
                    answer = client.ask("PATCH", path, CONTENT[at : at + 20_000], Upload_Offset=str(at))
                    at = promised = int(answer.fields["upload-offset"])
            except OSError:
                pass
            killer.join()
            client.close()
    with serving(tmp_path) as server:
        at = server.offset(path)
        assert at >= promised
        assert (server.directory / path.removeprefix("/files/")).read_bytes() == CONTENT[:at]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_and_keeps_what_arrived(tmp_path: Path, number: int) -> None:
    with serving(tmp_path) as server, server.client() as client, server.client():
        path = server.create(len(CONTENT))
        client.send("PATCH", path, CONTENT[:MB], length=len(CONTENT), Upload_Offset="0")
        server.await_stored(path, MB)
        assert server.stop(number) == 0
        assert client.ended()
    with serving(tmp_path) as server:
        assert server.offset(path) == MB


def test_a_full_disk_is_507_the_offset_honest_and_the_server_alive(tmp_path: Path) -> None:
    limited = ("prlimit", f"--fsize={2 * MB}")  # Python ignores SIGXFSZ, so a write gets EFBIG
    with serving(tmp_path, prefix=limited) as server:
        path = server.create(len(CONTENT))
        with server.client() as client:
            client.send("PATCH", path, CONTENT[: 3 * MB], length=len(CONTENT), Upload_Offset="0")
            answer = client.answer()
            assert (answer.status, answer.fields["connection"]) == (507, "close")
        assert server.offset(path) == server.stored(path) == 2 * MB
        assert server.ask("POST", "/plain/", CONTENT).status == 507
        assert server.ask("POST", "/plain/", CONTENT[:MB]).status == 201
        assert not list(server.directory.glob("*.part"))
    with serving(tmp_path) as server:
        server.ask("PATCH", path, CONTENT[2 * MB :], Upload_Offset=str(2 * MB))
        assert server.ask("GET", path).content == CONTENT


def test_an_expired_upload_is_410_and_its_bytes_are_removed(tmp_path: Path) -> None:
    with serving(tmp_path, "--expires", "0.3") as server:
        path = server.create(10)
        server.ask("PATCH", path, b"abc", Upload_Offset="0")
        file = server.directory / path.removeprefix("/files/")
        await_that(lambda: not file.exists())
        assert server.ask("HEAD", path).status == 410


BAD_WORDS = [
    ["--port", "x", "--dir", "{dir}"],
    ["--port", "65536", "--dir", "{dir}"],
    ["--port", "0"],
    ["--port", "0", "--dir", "{dir}", "--max-size", "0"],
    ["--port", "0", "--dir", "{dir}", "--max-size", "3 parsecs"],
    ["--port", "0", "--dir", "{dir}", "--expires", "-1"],
    ["--port", "0", "--dir", "{dir}", "--idle-timeout", "nan"],
    ["--port", "0", "--dir", "{dir}", "--colour"],
    ["--port", "0", "--dir", "/proc/nothing"],
    ["--port", "0", "--dir", "/dev/null"],
    ["--port", "0", "--dir", "{dir}", "--host", "256.1.1.1"],
]


@pytest.mark.parametrize("words", BAD_WORDS, ids=" ".join)
def test_bad_arguments_are_one_line_and_exit_2(tmp_path: Path, words: list[str]) -> None:
    refused([word.replace("{dir}", str(tmp_path / "store")) for word in words])


def test_a_port_in_use_is_one_line_and_exit_2(server: Server, tmp_path: Path) -> None:
    refused(["--port", str(server.port), "--dir", str(tmp_path / "store")])


def test_a_directory_in_use_is_one_line_and_exit_2(server: Server) -> None:
    refused(["--port", "0", "--dir", str(server.directory)])


def refused(words: list[str]) -> None:
    done = subprocess.run(command(*words), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")


def test_a_thousand_idle_connections_do_not_keep_one_from_working(server: Server) -> None:
    idle = [server.client() for _ in range(1000)]
    try:
        assert server.ask("PUT", "/plain/", b"abc").status == 201
        assert idle[500].ask("PUT", "/plain/", b"abc").status == 201
    finally:
        for client in idle:
            client.close()


def test_max_size_is_told_and_kept(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-size", "1 kB") as server, server.client() as client:
        assert client.ask("OPTIONS", "/files/").fields["tus-max-size"] == "1000"
        assert client.ask("POST", "/files/", Upload_Length="1001").status == 413
        assert client.ask("POST", "/plain/", b"x" * 1001).status == 413
        assert server.ask("POST", "/plain/", b"x" * 1000).status == 201
