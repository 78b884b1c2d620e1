"""simsim's verdicts against a server that is wrong in a known way: each wrong is found, and named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from simulator.records import Integrity, Outcome, Record, Request, Upload, Violation, Wait, Why
from tests.helpers.runs import only_folder, records_of, simsim

pytestmark = pytest.mark.loopback

About = TypeVar("About", Integrity, Request, Violation, Wait)

USERS = 2
ARMS = ("tus", "ietf:9")

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
speaks.ietf = {{ path = "/resumable/" }}
store = {{ path = "{{dir}}/{{id}}", side_files = [".json", ".new", ".part", ".lock"] }}
"""


def entry(folder: Path, *words: str) -> str:
    """Write a catalog file of the server in the box that misbehaves; return its path."""
    path = folder / "misbehaving.toml"
    path.write_text(ENTRY.format(flags="".join(f', "--misbehave", "{word}"' for word in words)))
    return str(path)


def run(folder: Path, *words: str, arms: Iterable[str] = ARMS, hop: str = "") -> tuple[str, list[Record]]:
    """Run *arms* against a server that misbehaves, with pieces and a hop if given one."""
    (folder / "two-resets.toml").write_text(PROFILE)
    (folder / "hop.toml").write_text(hop)
    told = simsim(
        *("run", "./two-resets.toml", "--server", entry(folder, *words), "--no-calm", "--quiet"),
        *(word for arm in arms for word in ("--protocol", arm)),
        *(("--hop", "hop.toml", "--piece", "50 kB") if hop else ()),
        cwd=folder,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout, records_of(only_folder(folder / "results"))


def by_arm(records: Iterable[Record]) -> dict[str, list[Upload]]:
    """Return the uploads of each arm."""
    arms = defaultdict(list)
    for record in records:
        if isinstance(record, Upload):
            arms[record.arm].append(record)
    assert {len(uploads) for uploads in arms.values()} == {USERS}
    return arms


def uploads(records: Iterable[Record]) -> list[Upload]:
    """Return the uploads of all arms."""
    return [upload for uploads in by_arm(records).values() for upload in uploads]


def of(records: Iterable[Record], kind: type[About], upload: Upload) -> list[About]:
    """Return the records of *kind* that are about *upload*."""
    return [
        record
        for record in records
        if isinstance(record, kind) and (record.arm, record.user) == (upload.arm, upload.user)
    ]


def test_a_server_that_behaves_gives_no_cause_for_any_of_these_verdicts(tmp_path: Path) -> None:
    _, records = run(tmp_path)
    for upload in uploads(records):
        assert (upload.outcome, upload.restarts, upload.interruptions) == (Outcome.COMPLETED, 0, 2)
        assert [each.intact for each in of(records, Integrity, upload)] == [True]
        assert not of(records, Violation, upload)
        assert not [wait for wait in of(records, Wait, upload) if wait.why is Why.BLOCKED]


def test_corrupt_breaks_integrity_at_the_byte(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "corrupt=123456")
    assert f"0/{USERS} intact" in answer
    found = [record for record in records if isinstance(record, Integrity)]
    assert len(found) == USERS * len(ARMS)
    assert {(each.intact, each.first_difference) for each in found} == {(False, 123_456)}


def test_forget_makes_uploads_begin_again(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "forget")
    assert f"{USERS}/{USERS} intact" in answer
    assert all(upload.restarts >= 1 for upload in uploads(records))


def test_regress_is_a_violation_and_the_upload_fails(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "regress")
    assert "violations" in answer
    for upload in uploads(records):
        (found,) = of(records, Violation, upload)
        assert "Upload-Offset decreased from" in found.evidence
        assert upload.outcome is Outcome.FAILED


def test_lock_is_blocked_time(tmp_path: Path) -> None:
    _, records = run(tmp_path, "lock=2s")
    for upload in uploads(records):
        assert upload.outcome is Outcome.COMPLETED
        assert len([wait for wait in of(records, Wait, upload) if wait.why is Why.BLOCKED]) >= 2
        assert len([request for request in of(records, Request, upload) if request.status == 423]) >= 2


def test_buffer_is_seen_as_bytes_sent_again(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "buffer")
    assert f"{USERS}/{USERS} intact" in answer
    for upload in uploads(records):
        bringing = [request for request in of(records, Request, upload) if request.length > 0]
        assert len(bringing) == 3
        assert {request.start for request in bringing} == {0}, "nothing of a cut request was kept"


def test_wrong_offset_is_a_violation_or_a_hole_and_no_completion(tmp_path: Path) -> None:
    _, records = run(tmp_path, "wrong-offset=1 kB")
    for upload in uploads(records):
        holes = [each for each in of(records, Integrity, upload) if each.intact is False]
        failed = upload.outcome is Outcome.FAILED
        assert holes or failed, upload
        assert not (upload.arm == "tus" and failed) or of(records, Violation, upload)


def test_no_104_leaves_the_draft_nothing_to_resume_by(tmp_path: Path) -> None:
    _, records = run(tmp_path, "no-104")
    arms = by_arm(records)
    assert all(upload.restarts == 0 for upload in arms.pop("tus"))
    ((_, drafted),) = arms.items()
    assert all(upload.restarts >= 1 and upload.outcome is Outcome.COMPLETED for upload in drafted)


def test_silent_is_interrupted_and_then_found_complete(tmp_path: Path) -> None:
    answer, records = run(tmp_path, "silent")
    assert f"{USERS}/{USERS} intact" in answer
    assert all(upload.interruptions == 3 for upload in uploads(records))


# A bit of the first piece of every upload turns round on the way.
FLIP = """
[[step]]
when = { method = "PATCH", first = 1, at = "1 kB" }
do = { kind = "flip", bit = 0 }
"""


@pytest.mark.parametrize(("words", "intact"), [((), True), (("accept-corrupt",), False)])
def test_accept_corrupt_lets_pass_what_a_checksum_should_stop(
    tmp_path: Path, words: tuple[str, ...], intact: bool
) -> None:
    _, records = run(tmp_path, *words, arms=["tus:checksum=sha1"], hop=FLIP)
    for upload in uploads(records):
        (found,) = of(records, Integrity, upload)
        assert (found.intact, found.first_difference) == (intact, None if intact else 1000)
