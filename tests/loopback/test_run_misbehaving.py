"""simsim's verdicts against a server that is wrong in a known way: each wrong is found, and named."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from simulator.payload import SeededPayload
from simulator.records import Integrity, Outcome, Purpose, Record, Request, Upload, Violation, Wait, Why
from simulator.servers import integrity, start
from tests.helpers.runs import only_folder, records_of, simsim

pytestmark = pytest.mark.loopback

USERS = 2
SIZE = 500_000

# Every upload of 500 kB is reset twice, at a good third and at two thirds.
PROFILE = """
name = "two-resets"
summary = "Two resets in every upload"

[link]
up = "4 Mbit/s"
down = "8 Mbit/s"
delay = "10 ms"
jitter = "0 s"
queue = "16 KiB"

[[weather.events]]
kind = "reset"
at = "35 %"

[[weather.events]]
kind = "reset"
at = "65 %"

[workload]
users = 2
uploads = 1
size = "500 kB"
spawn_rate = 20
deadline = "60 s"

[policy]
connect_timeout = "20 s"
stall_timeout = "10 s"
backoff = ["100 ms"]
"""

ENTRY = """
name = "misbehaving"
command = [
    "{{python}}", "-m", "simulator.servers.reference",
    "--host", "{{host}}", "--port", "{{port}}", "--dir", "{{dir}}"{flags},
]
ready = {{ line = 'listening on http://[^/\\s]+:(?P<port>\\d+)' }}
version = {{ is = "{{simsim}}" }}
speaks.plain = {{ path = "/plain/" }}
speaks.tus = {{ path = "/files/" }}
store = {{ path = "{{dir}}/{{id}}", side_files = [".json", ".new", ".part", ".lock"] }}
"""


def entry(folder: Path, *words: str) -> str:
    """Write a catalog file of the server in the box that misbehaves; return its path."""
    path = folder / "misbehaving.toml"
    path.write_text(ENTRY.format(flags="".join(f', "--misbehave", "{word}"' for word in words)))
    return str(path)


def run(folder: Path, *words: str) -> tuple[str, list[Record]]:
    """Run tus against a server that misbehaves; return the answer and the records."""
    (folder / "two-resets.toml").write_text(PROFILE)
    told = simsim(
        *("run", "./two-resets.toml", "--server", entry(folder, *words)),
        *("--protocols", "tus", "--no-calm", "--quiet"),
        cwd=folder,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout, records_of(only_folder(folder / "results"))


def uploads(records: Iterable[Record]) -> list[Upload]:
    found = [record for record in records if isinstance(record, Upload)]
    assert len(found) == USERS
    return found


def test_a_server_that_behaves_gives_no_cause_for_any_of_these_verdicts(tmp_path: Path) -> None:
    answer, records = run(tmp_path)
    assert f"{USERS}/{USERS} intact" in answer
    assert [upload.restarts for upload in uploads(records)] == [0] * USERS
    assert all(upload.interruptions == 2 for upload in uploads(records))
    assert not [record for record in records if isinstance(record, Violation)]
    assert not [record for record in records if isinstance(record, Wait) and record.why is Why.BLOCKED]


def test_corrupt_breaks_integrity_at_the_byte(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "corrupt=123456")
    assert f"0/{USERS} intact" in answer
    found = [record for record in records if isinstance(record, Integrity)]
    assert [(each.intact, each.first_difference) for each in found] == [(False, 123_456)] * USERS


def test_forget_makes_uploads_begin_again(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "forget")
    assert f"{USERS}/{USERS} intact" in answer
    assert all(upload.restarts >= 1 for upload in uploads(records))


def test_regress_is_a_violation_and_the_upload_fails(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "regress")
    found = [record for record in records if isinstance(record, Violation)]
    assert len(found) == USERS
    assert all("Upload-Offset decreased from" in each.evidence for each in found)
    assert all(upload.outcome is Outcome.FAILED for upload in uploads(records))
    assert "violat" in answer


def test_lock_is_blocked_time(tmp_path: Path) -> None:
    _, records = run(tmp_path, "lock=2s")
    for upload in uploads(records):
        assert upload.outcome is Outcome.COMPLETED
        blocked = [
            record.seconds
            for record in records
            if isinstance(record, Wait) and record.user == upload.user and record.why is Why.BLOCKED
        ]
        assert len(blocked) >= 2
    refused = [record for record in records if isinstance(record, Request) and record.status == 423]
    assert len(refused) >= 2 * USERS


def test_buffer_is_seen_as_bytes_sent_again(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "buffer")
    assert f"{USERS}/{USERS} intact" in answer
    appends = [
        record for record in records if isinstance(record, Request) and record.purpose is Purpose.APPEND
    ]
    assert len(appends) == 3 * USERS
    assert {append.start for append in appends} == {0}, "nothing of a cut request was kept"


def test_wrong_offset_is_a_violation_or_a_hole(tmp_path: Path) -> None:
    _, records = run(tmp_path, "wrong-offset=1 kB")
    for upload in uploads(records):
        broken = [
            record
            for record in records
            if (isinstance(record, Violation) or (isinstance(record, Integrity) and record.intact is False))
            and record.user == upload.user
        ]
        assert broken, upload


def test_silent_is_interrupted_and_then_found_complete(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "silent")
    assert f"{USERS}/{USERS} intact" in answer
    assert all(upload.interruptions == 3 for upload in uploads(records))


@pytest.mark.parametrize(("words", "status"), [((), 460), (("accept-corrupt",), 204)])
def test_accept_corrupt_stores_what_integrity_then_finds(
    tmp_path: Path, words: tuple[str, ...], status: int
) -> None:
    payload = SeededPayload("0", SIZE)
    content = b"".join(payload.slice(at, SIZE) for at in range(0, SIZE, 65536))
    spoilt = bytes([content[0] ^ 1]) + content[1:]
    digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    tus = {"Tus-Resumable": "1.0.0"}
    with start(entry(tmp_path, *words), tmp_path / "run") as target, httpx.Client() as client:
        endpoint = target.endpoints["tus"].url
        place = client.post(endpoint, headers={**tus, "Upload-Length": str(SIZE)}).headers["location"]
        url = str(httpx.URL(endpoint).join(place))
        append = {
            **tus,
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Upload-Checksum": f"sha1 {digest}",
        }
        assert client.patch(url, headers=append, content=spoilt).status_code == status
        told = Upload(
            t=1.0, started=0.0, user=0, arm="tus", upload=0, size=SIZE,
            sha256=payload.sha256(), outcome=Outcome.COMPLETED, location=url,
        )  # fmt: skip
        (found,) = integrity.check(target, [told], lambda _upload: payload, 9.0)
    assert found.intact is False
    assert found.first_difference == 0
    assert found.stored == (SIZE if words else 0)
