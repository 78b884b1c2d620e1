"""fake-gcs-server, the emulator of Cloud Storage: our clients against it, and what it does otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simulator.measure.summary import Summary
from simulator.protocols.google_fields import UNIT
from simulator.servers import start
from simulator.servers.server import Target
from tests.helpers.runs import only_folder, simsim

pytestmark = pytest.mark.real

FEW = ("--server", "fake-gcs-server", "--protocols", "google", "--users", "3", "--no-calm", "--quiet")


@pytest.fixture
def target(fake_gcs: Path, tmp_path: Path) -> Iterator[Target]:
    with start("fake-gcs-server", tmp_path / "run") as running:
        yield running


def run(cwd: Path, profile: str, *options: str) -> Summary:
    told = simsim("run", profile, *FEW, *options, cwd=cwd)
    assert told.returncode == 0, told.stderr
    return Summary.model_validate(json.loads((only_folder(cwd / "results") / "summary.json").read_text()))


def test_a_run_starts_it_and_finds_every_upload_intact(fake_gcs: Path, tmp_path: Path) -> None:
    summary = run(tmp_path, "wifi", "--size", "900 kB")
    (arm,) = summary.arms
    assert (summary.plan.server, summary.plan.server_version) == ("fake-gcs-server", "v1.56.1")
    assert (arm.outcomes["completed"], arm.numbers["intact"].value) == (3, 1.0)


def test_a_cut_shows_that_it_completes_what_it_does_not_have_and_no_upload_is_called_completed(
    fake_gcs: Path, tmp_path: Path
) -> None:
    """Found by simsim: after a reset, the query ends the upload with what is there (docs/findings.md)."""
    told = simsim("run", "stale-lock", *FEW, "--size", "900 kB", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    folder = only_folder(tmp_path / "results")
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    broken = [record for record in records if record["kind"] == "violation"]
    assert broken and all("200 says complete: only" in record["evidence"] for record in broken)
    assert all("Check the status" in record["rule"] for record in broken)
    summary = Summary.model_validate(json.loads((folder / "summary.json").read_text()))
    assert summary.arms[0].outcomes["completed"] == 3 - len(broken)


# What it does otherwise, pinned: a mended server fails here, and its row goes from docs/findings.md.


def begin(target: Target, size: int) -> str:
    answer = httpx.post(
        f"{target.endpoints['google'].url}?uploadType=resumable&name=a.bin",
        headers={"X-Upload-Content-Length": str(size)},
    )
    assert answer.status_code == 200
    return answer.headers["Location"]


def put(session: str, said: str, content: bytes = b"") -> httpx.Response:
    return httpx.put(session, headers={"Content-Range": f"bytes {said}"}, content=content, timeout=60)


def test_a_query_completes_the_upload_with_what_is_there(target: Target) -> None:
    session = begin(target, 3 * UNIT)
    assert put(session, f"0-{UNIT - 1}/{3 * UNIT}", b"x" * UNIT).status_code == 308
    answer = put(session, f"*/{3 * UNIT}")
    assert (answer.status_code, answer.json()["size"]) == (200, str(UNIT))
    assert answer.headers["Range"] == f"bytes=0-{UNIT}"  # one byte more than it has


def test_bytes_that_it_has_already_are_appended_again(target: Target) -> None:
    session = begin(target, 2 * UNIT)
    for _ in range(2):
        answer = put(session, f"0-{UNIT - 1}/{2 * UNIT}", b"x" * UNIT)
        assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{UNIT - 1}")
    answer = put(session, f"{UNIT}-{2 * UNIT - 1}/{2 * UNIT}", b"y" * UNIT)
    assert (answer.status_code, answer.json()["size"]) == (200, str(3 * UNIT))


def test_a_gap_is_taken_and_its_bytes_are_said_to_be_kept(target: Target) -> None:
    session = begin(target, 9 * UNIT)
    answer = put(session, f"{7 * UNIT}-{8 * UNIT - 1}/{9 * UNIT}", b"x" * UNIT)
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{8 * UNIT - 1}")


def test_a_session_goes_on_after_it_was_cancelled(target: Target) -> None:
    session = begin(target, 3)
    assert httpx.delete(session).status_code == 499
    assert put(session, "0-2/3", b"abc").status_code == 200


def test_a_complete_session_is_forgotten_so_a_lost_last_answer_begins_the_upload_again(
    target: Target,
) -> None:
    session = begin(target, 3)
    assert put(session, "0-2/3", b"abc").status_code == 200
    assert put(session, "*/3").status_code == 404
