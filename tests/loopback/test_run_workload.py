"""What a run in full does: its workload, its calm twins, its engines, its file."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from pathlib import Path

import pytest

from simulator.records import (
    Connection,
    Fault,
    Integrity,
    Link,
    Outcome,
    Record,
    Request,
    Run,
    Sample,
    Upload,
)
from tests.helpers.runs import only_folder, records_of, simsim

pytestmark = pytest.mark.loopback

FOR = 3.0
ARMS = {"plain", "tus", "plain/calm", "tus/calm"}

# One reset on every link while its first bytes are under way; so long a link that its last
# connection is still open when the run ends.
PROFILE = """
name = "one-reset"
summary = "A long link that is reset once"

[link]
up = "4 Mbit/s"
down = "8 Mbit/s"
delay = "120 ms"
jitter = "0 s"
queue = "64 KiB"

[[weather.events]]
kind = "reset"
at = "600 ms"

[workload]
users = 2
duration = "3 s"
size = "100 kB..200 kB"
spawn_rate = 20
deadline = "60 s"
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    cwd = tmp_path_factory.mktemp("workload")
    (cwd / "one-reset.toml").write_text(PROFILE.replace('"3 s"', '"1 h"'))
    told = simsim("run", "./one-reset.toml", "--for", f"{FOR} s", "--workers", "2", "--quiet", cwd=cwd)
    assert told.returncode == 0, told.stderr
    return records_of(only_folder(cwd / "results"))


def by_slot(records: list[Record]) -> dict[tuple[int, str], list[Upload]]:
    slots = defaultdict(list)
    for record in records:
        if isinstance(record, Upload):
            slots[record.user, record.arm].append(record)
    return slots


def test_every_client_uploads_again_and_again_until_the_time_is_over(records: list[Record]) -> None:
    begun = {(record.user, record.arm): record.t for record in records if isinstance(record, Link)}
    slots = by_slot(records)
    assert begun.keys() == slots.keys() == {(user, arm) for user in range(2) for arm in ARMS}
    for slot, uploads in slots.items():
        *earlier, last = (upload.t - begun[slot] for upload in uploads)
        assert all(end < FOR for end in earlier)
        assert last >= FOR
    assert max(map(len, slots.values())) > 1


def test_uploads_differ_in_size_and_are_alike_in_every_arm(records: list[Record]) -> None:
    sizes = defaultdict(set)
    for record in records:
        if isinstance(record, Upload):
            sizes[record.user, record.upload].add(record.size)
    assert all(len(found) == 1 for found in sizes.values())
    assert len({size for found in sizes.values() for size in found}) == len(sizes) > 2


def test_the_calm_twins_meet_no_fault_and_the_others_do(records: list[Record]) -> None:
    struck = {(record.user, record.arm, record.fault) for record in records if isinstance(record, Fault)}
    assert struck == {(user, arm, "reset") for user in range(2) for arm in ("plain", "tus")}
    calm = [upload for (_, arm), uploads in by_slot(records).items() if "/" in arm for upload in uploads]
    assert {(upload.outcome, upload.interruptions) for upload in calm} == {(Outcome.COMPLETED, 0)}


def test_the_samples_of_two_engines_are_told_apart(records: list[Record]) -> None:
    carried = defaultdict(list)
    for record in records:
        if isinstance(record, Sample) and record.carried_up is not None:
            carried[record.part].append(sum(record.carried_up.values()))
    assert sorted(carried) == ["engine-0", "engine-1"]
    for totals in carried.values():
        assert totals == sorted(totals)
        assert totals[-1] > 0


def test_every_connection_has_its_record_though_it_was_open_at_the_end(records: list[Record]) -> None:
    used = {
        (each.user, each.arm, each.port) for each in records if isinstance(each, Request) and each.connected
    }
    ended = {(each.user, each.arm, each.port) for each in records if isinstance(each, Connection)}
    assert used <= ended
    last = records[-1]
    assert isinstance(last, Run)
    assert (last.event, last.status) == ("end", "finished")


def test_a_file_is_stored_byte_for_byte_in_every_arm(tmp_path: Path) -> None:
    content = os.urandom(300_001)
    (tmp_path / "film.bin").write_bytes(content)
    told = simsim("run", "wifi", "--users", "1", "--size", "film.bin", "--quiet", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    records = records_of(only_folder(tmp_path / "results"))
    uploads = [record for record in records if isinstance(record, Upload)]
    assert {upload.arm for upload in uploads} == ARMS
    assert {(upload.size, upload.sha256) for upload in uploads} == {
        (300_001, hashlib.sha256(content).hexdigest())
    }
    found = [record for record in records if isinstance(record, Integrity)]
    assert [(each.how, each.intact, each.stored) for each in found] == [("get", True, 300_001)] * 4
