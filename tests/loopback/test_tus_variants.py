"""The variants of tus against the server in the box, over an emulated link, as a swarm runs them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from simulator.protocols.dialects import NEWEST
from simulator.records import Cause, Offset, Outcome, Purpose, Record, Request, Upload, Violation, read
from simulator.servers import start
from simulator.servers.discovery import discover, lacking
from simulator.servers.server import Target

T = TypeVar("T")
pytestmark = pytest.mark.loopback

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with start("reference", tmp_path_factory.mktemp("server")) as target:
        yield target


def run(
    target: Target, variant: str, *, size: str = "1 MB", piece: int = 0, profile: str = "wifi"
) -> list[Record]:
    """Run one client in a process as a worker's, and return its records; the upload must be whole."""
    port = str(httpx.URL(target.endpoints["tus"].url).port)
    program = [sys.executable, "-m", "gevent.monkey", "--module", "tests.helpers.parts"]
    arguments = [variant, size, str(piece), port, profile]
    done = subprocess.run([*program, *arguments], cwd=ROOT, capture_output=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr.decode()
    records = list(read(done.stdout.splitlines(keepends=True)))
    (upload,) = of(Upload, records)
    assert upload.outcome is Outcome.COMPLETED, upload.why
    assert of(Violation, records) == []
    assert upload.location is not None
    stored = httpx.get(upload.location, headers={"Tus-Resumable": "1.0.0"}, trust_env=False)
    assert _sha256(stored.content) == upload.sha256
    return records


def of(kind: type[T], records: list[Record]) -> list[T]:
    return [record for record in records if isinstance(record, kind)]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("variant", ["checksum=sha1", "checksum=sha256+creation-with-upload"])
def test_pieces_with_checksums_are_verified_and_kept(target: Target, variant: str) -> None:
    records = run(target, variant, piece=300_000)
    sent = [request for request in of(Request, records) if request.length]
    assert len(sent) == 4 and all(request.status in (201, 204) for request in sent)


@pytest.mark.parametrize("variant", ["deferred=last", "deferred=first+override", "terminate+expiration"])
def test_other_variants_bring_the_bytes_whole(target: Target, variant: str) -> None:
    run(target, variant, size="300 kB", piece=100_000)


def test_parallel_parts_overlap_in_time_and_are_joined_whole(target: Target) -> None:
    records = run(target, "parallel=4", size="2 MB")
    sent = [request for request in of(Request, records) if request.length]
    assert sorted((request.start, request.part) for request in sent) == [
        (0, 0),
        (500_000, 1),
        (1_000_000, 2),
        (1_500_000, 3),
    ]
    assert max(request.t for request in sent) < min(request.end for request in sent), "one after another"
    assert len({request.port for request in sent}) == 4
    assert {(offset.start, offset.offset) for offset in of(Offset, records)} == {
        (start, start + 500_000) for start in range(0, 2_000_000, 500_000)
    }
    (joining,) = [r for r in of(Request, records) if r.purpose is Purpose.CREATE and r.part is None]
    assert joining.status == 201 and joining.t >= max(request.end for request in sent)


def test_parts_that_are_cut_go_on_where_each_was(target: Target) -> None:
    records = run(target, "parallel=3", size="3 MB", profile="resets")
    requests = of(Request, records)
    cut = [request for request in requests if request.cause is Cause.RESET and request.sent]
    assert cut, "the profile resets"
    numbered = {request.n: request for request in requests}
    for part in (0, 1, 2):
        known = part * 1_000_000
        for record in records:
            if isinstance(record, Request) and record.part == part and record.length:
                assert record.start == known, "an acknowledged byte is sent again"
            elif isinstance(record, Offset) and numbered[record.n].part == part:
                known = record.offset
        assert known == (part + 1) * 1_000_000


def test_the_server_in_the_box_lacks_nothing_of_tus_but_some_algorithms(target: Target) -> None:
    everything = {
        "checksum": "sha1",
        "parallel": 4,
        "deferred": "last",
        "terminate": True,
        "expiration": True,
    }
    found = discover(target, "tus", everything)
    assert lacking("tus", everything, found) is None
    refused = lacking("tus", {"checksum": "md5"}, found)
    assert refused is not None and "no 'md5'" in refused


def test_the_newest_interop_version_of_the_server_in_the_box_is_found(target: Target) -> None:
    found = discover(target, "ietf", {})
    assert found.versions == {NEWEST}, found.evidence
    assert discover(target, "ietf", {"interop": 3}).versions == {3}
