"""Clients that nobody here wrote upload to the server in the box, whole and through a reset in mid-upload.

Those of the IETF draft, and one that cannot take a Location of the box, upload to tusd too.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simulator.servers import start
from simulator.servers.server import Target
from tests.helpers.foreign import KITS, foreign_upload
from tests.helpers.proxies import proxying
from tests.helpers.sinks import wait_until

pytestmark = pytest.mark.real

CONTENT = random.Random(8).randbytes(6_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PROTOCOL = {name: "ietf" if "ietf" in name else "tus" for name in KITS}


# The box's own TOML, but for the form of Locations: what aiotus can take.
WHOLE_URLS = """
name = "whole-urls"
command = [
    "{python}", "-m", "simulator.servers.reference",
    "--host", "{host}", "--port", "{port}", "--dir", "{dir}", "--whole-urls",
]
ready = { line = 'listening on http://[^/\\s]+:(?P<port>\\d+)' }
speaks.tus = { path = "/files/" }
store = { path = "{dir}/{id}", side_files = [".json", ".new", ".part", ".lock"] }
"""
AIOTUS = "aiotus 1.1.0 fails on a relative Location that begins with '/' (RFC 9110, 10.2.2 allows it)"


def pair(client: str, server: str) -> object:
    fails = client == "aiotus" and server == "reference"
    marks = [pytest.mark.xfail(reason=AIOTUS, raises=AssertionError)] if fails else []
    return pytest.param(client, server, id=f"{client} at {server}", marks=marks)


PAIRS = [pair(client, "reference") for client in KITS]
PAIRS += [pair("aiotus", "whole-urls")]
PAIRS += [pair(client, "tusd") for client in KITS if "ietf" in client or client == "aiotus"]


@pytest.fixture(scope="module")
def servers(tusd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Target]]:
    folder = tmp_path_factory.mktemp("servers")
    (folder / "whole-urls.toml").write_text(WHOLE_URLS)
    with (
        start("reference", folder / "box") as box,
        start(str(folder / "whole-urls.toml"), folder / "whole") as whole,
        start("tusd", folder / "tusd") as other,
    ):
        yield {"reference": box, "whole-urls": whole, "tusd": other}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return path


def stored(target: Target, url: str) -> str:
    """Return the SHA-256 of what lies in the store, whatever the server would say of it."""
    assert target.store is not None
    lies = target.layout.format(id=url.rstrip("/").rpartition("/")[2])
    return hashlib.sha256((target.store / lies).read_bytes()).hexdigest()


def bytes_in(store: Path) -> int:
    return sum(file.stat().st_size for file in store.rglob("*") if file.is_file())


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_foreign_client_uploads(servers: dict[str, Target], file: Path, client: str, server: str) -> None:
    target = servers[server]
    with foreign_upload(client, target.endpoints[PROTOCOL[client]].url, file) as uploading:
        assert stored(target, uploading.url()) == SHA256


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_foreign_client_goes_on_after_a_reset(
    servers: dict[str, Target], file: Path, client: str, server: str
) -> None:
    """The link is cut once a third is stored; the whole must be there at the end."""
    target = servers[server]
    place = httpx.URL(target.endpoints[PROTOCOL[client]].url)
    assert target.store is not None
    third = bytes_in(target.store) + len(CONTENT) // 3
    with (
        proxying("wifi", "--upstream", f"{place.host}:{place.port}") as proxy,
        foreign_upload(client, f"{proxy.url}{place.path}", file) as uploading,
    ):
        wait_until(lambda: bytes_in(target.store) > third or uploading.over(), 100)
        assert not uploading.over(), uploading.url()
        proxy.press("c")
        proxy.wait_for("reset: ")
        assert stored(target, uploading.url()) == SHA256
        assert proxy.said("ended by the reset: "), proxy.lines
