"""curl and httpx through simsim proxy: tunnels, forwarded requests, SOCKS5, and the address of a link."""

from __future__ import annotations

import hashlib
import random
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from simulator.servers.server import Target
from tests.helpers.proxies import Proxy, proxying
from tests.helpers.tls import TlsTusd

pytestmark = pytest.mark.real

CONTENT = random.Random(6).randbytes(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(CONTENT))}
CREATION = {**TUS, "Content-Type": "application/offset+octet-stream"}


def curl(*words: str) -> str:
    """Return what curl prints; a proxy of the environment's is none of ours."""
    program = shutil.which("curl")
    assert program is not None, "curl is missing: apt-get install curl"
    command = [program, "--silent", "--show-error", "--fail", "--noproxy", "", "--max-time", "100", *words]
    told = subprocess.run(command, capture_output=True, check=False)
    assert told.returncode == 0, told.stderr.decode()
    return told.stdout.decode()


def uploaded_by_curl(url: str, file: Path, *way: str) -> str:
    """Upload *file* to *url* and return its location."""
    fields = [word for name, value in CREATION.items() for word in ("--header", f"{name}: {value}")]
    said = ["--write-out", "%header{location}", "--output", "/dev/null"]
    return curl(*way, *fields, *said, "--data-binary", f"@{file}", url)


def sha256_by_curl(url: str, *way: str) -> str:
    command = [str(shutil.which("curl")), "--silent", "--noproxy", "", *way, url]
    return hashlib.sha256(subprocess.run(command, capture_output=True, check=True).stdout).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return path


def ways(proxy: Proxy) -> dict[str, list[str]]:
    there = proxy.url.removeprefix("http://")
    return {
        "forwarded or tunnelled": ["--proxy", proxy.url],
        "tunnelled": ["--proxytunnel", "--proxy", proxy.url],
        "socks5, names for the proxy": ["--socks5-hostname", there],
        "socks5, numbers": ["--socks5", there],
    }


WAYS = ["forwarded or tunnelled", "tunnelled", "socks5, names for the proxy", "socks5, numbers"]


@pytest.mark.parametrize("way", WAYS)
def test_curl_uploads_and_downloads_through_a_proxy_link(plain_tusd: Target, file: Path, way: str) -> None:
    url = plain_tusd.endpoints["tus"].url.replace("127.0.0.1", "localhost")
    with proxying("wifi") as proxy:
        words = ways(proxy)[way]
        location = uploaded_by_curl(url, file, *words)
        assert location.startswith(url)
        assert sha256_by_curl(location, *words) == SHA256
        proxy.press("q")
        proxy.process.wait(60)
        assert "carried 70" in proxy.wait_for("over 2 connections")  # 700 kB and the heads, each way


@pytest.mark.parametrize("way", WAYS)
def test_curl_checks_the_servers_own_certificate_through_a_proxy_link(
    tls_tusd: TlsTusd, file: Path, way: str
) -> None:
    url = tls_tusd.url.replace("127.0.0.1", "localhost")
    with proxying("wifi") as proxy:
        words = [*ways(proxy)[way], "--cacert", str(tls_tusd.authority)]
        assert sha256_by_curl(uploaded_by_curl(url, file, *words), *words) == SHA256


def test_curl_reaches_an_https_server_at_the_address_of_a_link(tls_tusd: TlsTusd, file: Path) -> None:
    server = httpx.URL(tls_tusd.url)
    with proxying("lte", "--upstream", f"localhost:{server.port}") as proxy:
        host, port = proxy.addresses[0]
        there = [
            "--connect-to",
            f"localhost:{server.port}:{host}:{port}",
            "--cacert",
            str(tls_tusd.authority),
        ]
        location = uploaded_by_curl(tls_tusd.url.replace("127.0.0.1", "localhost"), file, *there)
        assert sha256_by_curl(location, *there) == SHA256
        proxy.wait_for("ended by the client: 70", 1)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_httpx_uploads_and_downloads_on_one_connection_of_a_proxy_link(
    plain_tusd: Target, tls_tusd: TlsTusd, scheme: str
) -> None:
    url = plain_tusd.endpoints["tus"].url if scheme == "http" else tls_tusd.url
    trust = ssl.create_default_context(cafile=str(tls_tusd.authority))
    with proxying("wifi") as proxy:
        with httpx.Client(proxy=proxy.url, verify=trust, trust_env=False, timeout=60) as client:
            answer = client.post(url, content=CONTENT, headers=CREATION)
            assert answer.status_code == 201
            for _ in range(2):
                assert hashlib.sha256(client.get(answer.headers["Location"]).content).hexdigest() == SHA256
        proxy.press("q")
        proxy.wait_for("over 1 connection")
