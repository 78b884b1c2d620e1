"""The tus project's own server, as the catalog describes it: installed, started, filled, checked, ended."""

from __future__ import annotations

import base64
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from simulator.payload import SeededPayload
from simulator.records import Integrity, Outcome, Upload
from simulator.servers import external, integrity, start
from simulator.servers.server import Target
from tests.helpers.sinks import wait_until

pytestmark = pytest.mark.real

SIZE = 1_500_000
TUS = {"Tus-Resumable": "1.0.0"}
CONTENT = {**TUS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def target(tusd: Path, tmp_path: Path) -> Iterator[Target]:
    with start("tusd", tmp_path / "run") as running:
        yield running


def content(user: int) -> bytes:
    payload = SeededPayload(str(user), SIZE)
    return b"".join(payload.slice(at, SIZE) for at in range(0, SIZE, 65536))


def create(target: Target, body: bytes = b"") -> str:
    """Create an upload of SIZE bytes, with *body* as its beginning; return its location."""
    name = base64.b64encode(b"a.bin").decode()
    headers = {**CONTENT, "Upload-Length": str(SIZE), "Upload-Metadata": f"filename {name}"}
    answer = httpx.post(target.endpoints["tus"].url, headers=headers, content=body)
    assert answer.status_code == 201
    return answer.headers["Location"]


def append(location: str, offset: int, body: bytes) -> httpx.Response:
    return httpx.patch(location, headers={**CONTENT, "Upload-Offset": str(offset)}, content=body)


def offset_of(location: str) -> int:
    answer = httpx.head(location, headers=TUS, timeout=20)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def cut_patch(location: str, announced: int, body: bytes) -> socket.socket:
    """Begin a PATCH of *announced* bytes, send only *body*, and return the connection."""
    url = httpx.URL(location)
    assert url.port is not None
    connection = socket.create_connection((url.host, url.port))
    head = [f"PATCH {url.path} HTTP/1.1", f"Host: {url.host}:{url.port}", f"Content-Length: {announced}"]
    lines = [*head, "Upload-Offset: 0", *(f"{name}: {value}" for name, value in CONTENT.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode() + body)
    return connection


def await_stored(target: Target, location: str) -> None:
    """Wait until the store has bytes of the upload: a question that comes sooner cuts the request off."""
    assert target.store is not None
    file = target.store / location.rpartition("/")[2]
    wait_until(lambda: file.stat().st_size > 0)


def completed(user: int, location: str) -> Upload:
    sha256 = SeededPayload(str(user), SIZE).sha256()
    return Upload(
        t=1.0,
        started=0.0,
        user=user,
        arm="tus",
        upload=0,
        size=SIZE,
        sha256=sha256,
        outcome=Outcome.COMPLETED,
        location=location,
    )


def checked(target: Target, *uploads: Upload) -> list[Integrity]:
    return list(integrity.check(target, uploads, lambda u: SeededPayload(str(u.user), u.size), 2.0))


def test_it_is_of_the_pinned_version_and_speaks_tus(target: Target) -> None:
    assert target.version == "v2.9.1"
    answer = httpx.options(target.endpoints["tus"].url)
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert "creation-with-upload" in answer.headers["Tus-Extension"]


def test_an_upload_that_was_cut_goes_on_from_what_it_kept_and_is_intact(target: Target) -> None:
    data = content(0)
    location = create(target)
    with cut_patch(location, SIZE, data[:600_000]):
        await_stored(target, location)
    kept = offset_of(location)
    assert 0 < kept <= 600_000
    answer = append(location, kept, data[kept:])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(SIZE))
    assert offset_of(location) == SIZE
    (found,) = checked(target, completed(0, location))
    assert (found.how, found.intact, found.stored, found.copies) == ("get", True, SIZE, 1)


def test_the_wrong_offset_is_refused(target: Target) -> None:
    assert append(create(target), 7, b"x").status_code == 409


def test_every_plain_attempt_that_was_whole_leaves_a_copy(target: Target) -> None:
    create(target, content(0))
    location = create(target, content(0))
    (found,) = checked(target, completed(0, location))
    assert (found.intact, found.copies) == (True, 2)


def test_bytes_that_the_store_spoilt_are_found_by_get(target: Target) -> None:
    location = create(target, content(0))
    assert target.store is not None
    with (target.store / location.rpartition("/")[2]).open("r+b") as stored:
        stored.seek(700_000)
        byte = stored.read(1)
        stored.seek(700_000)
        stored.write(bytes([byte[0] ^ 1]))
    (found,) = checked(target, completed(0, location))
    assert (found.how, found.intact, found.first_difference) == ("get", False, 700_000)


def test_an_upload_that_was_removed_is_lost_even_without_its_store(target: Target) -> None:
    location = create(target, content(0))
    assert httpx.delete(location, headers=TUS).status_code == 204
    (found,) = checked(replace(target, store=None), completed(0, location))
    assert (found.how, found.intact) == ("get", False)
    assert "lost" in found.detail


def test_without_downloads_its_store_is_read_as_a_file_of_ones_own_says(tusd: Path, tmp_path: Path) -> None:
    import simulator.servers.catalog as catalog

    shipped = Path(catalog.__file__).with_name("catalog") / "tusd.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(
        shipped.read_text().replace('"-shutdown-timeout"', '"-disable-download", "-shutdown-timeout"')
    )
    with start(str(mine), tmp_path / "run") as target:
        whole, short = create(target, content(0)), create(target, content(1)[:1000])
        found = checked(target, completed(0, whole), completed(1, short))
    assert [(each.how, each.intact, each.stored) for each in found] == [
        ("store", True, SIZE),
        ("store", False, 1000),
    ]
    assert found[1].first_difference == 1000


def test_it_is_taken_as_a_target_that_somebody_else_runs(target: Target) -> None:
    url = target.endpoints["tus"].url
    taken = external(url, protocols=tuple(target.endpoints))
    assert taken.endpoints == target.endpoints
    location = create(taken, content(0))
    (found,) = checked(taken, completed(0, location))
    assert (found.how, found.intact, found.copies) == ("get", True, None)


def test_it_ends_soon_and_wholly_while_a_request_hangs(tusd: Path, tmp_path: Path) -> None:
    with start("tusd", tmp_path / "run") as target:
        connection = cut_patch(create(target), SIZE, b"x" * 1000)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert target.pid is not None
    assert not psutil.pid_exists(target.pid)
    assert not (tmp_path / "run/store").exists()
    assert re.search("You can now upload files to", (tmp_path / "run/server.log").read_text())
    connection.close()
