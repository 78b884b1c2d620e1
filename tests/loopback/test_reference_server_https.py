"""The server in the box over TLS: the same answers, and certificates that cannot be used are refused."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from tests.helpers.runs import environment
from tests.helpers.served import Server, command, serving

pytestmark = pytest.mark.loopback

AUTHORITY = trustme.CA()
SIZE = 3_000_000


@pytest.fixture(name="cert")
def _cert(tmp_path: Path) -> str:
    file = tmp_path / "own.pem"
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture(name="trust")
def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def answers(server: Server, trust: ssl.SSLContext) -> bool:
    with client_of(server, trust) as client:
        return client.options("/files/").status_code == 204


def client_of(server: Server, trust: ssl.SSLContext) -> httpx.Client:
    return httpx.Client(
        base_url=f"https://localhost:{server.port}", verify=trust, trust_env=False, timeout=20
    )


def test_an_upload_goes_in_and_comes_out_whole(tmp_path: Path, cert: str, trust: ssl.SSLContext) -> None:
    body = bytes(range(256)) * (SIZE // 256)
    with serving(tmp_path, "--cert", cert, scheme="https") as server, client_of(server, trust) as client:
        stored = client.post("/plain/", content=body)
        assert stored.status_code == 201
        assert client.get(stored.headers["Location"]).content == body
        assert server.stop() == 0  # while a connection is open


def test_places_that_are_told_whole_are_https(tmp_path: Path, cert: str, trust: ssl.SSLContext) -> None:
    with serving(tmp_path, "--cert", cert, scheme="https") as server, client_of(server, trust) as client:
        begun = client.post("/upload/storage/v1/b/simsim/o?uploadType=resumable&name=a")
        assert begun.headers["Location"].startswith(f"https://localhost:{server.port}/upload/")
        stored = client.put(begun.headers["Location"], content=b"abc")
        assert client.get(stored.json()["mediaLink"]).content == b"abc"


def test_a_reader_slower_than_the_server_gets_all_of_it(
    tmp_path: Path, cert: str, trust: ssl.SSLContext
) -> None:
    body = bytes(range(256)) * (SIZE // 256)
    with serving(tmp_path, "--cert", cert, scheme="https") as server, client_of(server, trust) as client:
        place = client.post("/plain/", content=body).headers["Location"]
        with client.stream("GET", place) as answer:
            got = b""
            for piece in answer.iter_raw(300_000):
                got += piece
                time.sleep(0.02)
        assert got == body


def test_an_answer_before_the_end_of_the_content_arrives(
    tmp_path: Path, cert: str, trust: ssl.SSLContext
) -> None:
    with (
        serving(tmp_path, "--cert", cert, "--max-size", "1000", scheme="https") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw,
        trust.wrap_socket(raw, server_hostname="localhost") as sock,
    ):
        sock.sendall(b"POST /plain/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + bytes(70_000))
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")
        sock.sendall(bytes(70_000))  # what is still sent then is no error
        assert answers(server, trust)


def test_a_client_of_plain_http_is_no_trouble_for_others(
    tmp_path: Path, cert: str, trust: ssl.SSLContext
) -> None:
    with serving(tmp_path, "--cert", cert, scheme="https") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
            sock.sendall(b"OPTIONS /files/ HTTP/1.1\r\nHost: x\r\n\r\n")
            while sock.recv(65536):
                pass  # an alert at most, and the end
        assert answers(server, trust)


CASES = [
    (["--cert", "nowhere.pem"], "nowhere.pem: cannot be read"),
    (["--cert", "."], "cannot be read"),
    (["--key", "own.pem"], "--cert only"),
    (["--cert", "cert.pem"], "no private key in it.*--key"),
    (["--cert", "cert.pem", "--key", "cert.pem"], "--key cert.pem: there is no private key"),
    (["--cert", "key.pem", "--key", "key.pem"], "--cert key.pem: there is no certificate"),
    (["--cert", "cert.pem", "--key", "other.pem"], "the key is not the certificate's"),
    (["--cert", "cert.pem", "--key", "locked.pem"], "locked by a passphrase"),
    (["--cert", "broken.pem", "--key", "key.pem"], "cannot be used"),
    (["--cert", "text.pem", "--key", "key.pem"], "no certificate in it"),
]


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pem")
    own = AUTHORITY.issue_cert("localhost")
    key = own.private_key_pem.bytes()
    locked = serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    broken = b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"
    contents = {
        "own": own.private_key_and_cert_chain_pem.bytes(),
        "cert": own.cert_chain_pems[0].bytes(),
        "key": key,
        "other": AUTHORITY.issue_cert("localhost").private_key_pem.bytes(),
        "locked": locked,
        "broken": broken,
        "text": b"hello\n",
    }
    for name, content in contents.items():
        (folder / f"{name}.pem").write_bytes(content)
    return folder


@pytest.mark.parametrize(("words", "told"), CASES, ids=[" ".join(words) for words, _ in CASES])
def test_a_certificate_or_key_that_cannot_be_used_is_refused(
    files: Path, words: list[str], told: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [*command("--port", "0", "--dir", str(tmp_path / "store")), *words],
        cwd=files,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        env=environment(),
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert re.search(told, ended.stderr), ended.stderr
    assert ended.stdout == ""
    assert not (tmp_path / "store").exists()
