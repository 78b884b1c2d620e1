"""The end of a run: what is checked is on record one by one, and an error names what it is about."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from simulator.errors import PartDied, UsageError
from simulator.payload import FilePayload, Payload, SeededPayload
from simulator.pipeline import checked, new_folder, payloads
from simulator.records import Integrity, Outcome, Record, Run, Upload
from simulator.servers.server import Endpoint, Target
from simulator.swarm.job import Job
from simulator.swarm.planning import Asked, make_job
from simulator.swarm.results import RecordFile
from tests.helpers.plans import make_job as job_of
from tests.helpers.plans import make_plan

SIZE = 1000
TARGET = Target("mine", "1", {"tus": Endpoint("http://127.0.0.1:1/files/")})


def job_with(file: Path) -> Job:
    return job_of().model_copy(update={"file": str(file)})


def upload(user: int, sha256: str = "") -> Upload:
    return Upload(
        t=1.0,
        started=0.0,
        user=user,
        arm="tus",
        upload=0,
        size=SIZE,
        sha256=sha256,
        outcome=Outcome.COMPLETED,
    )


def test_the_check_is_announced_and_each_result_is_on_record_before_the_next_upload_is_looked_at(
    tmp_path: Path,
) -> None:
    seen: list[Record] = []
    found_before: list[int] = []

    def payload_of(upload: Upload) -> Payload:
        found_before.append(sum(isinstance(record, Integrity) for record in seen))
        return SeededPayload(str(upload.user), upload.size)

    with RecordFile(tmp_path) as records:
        records.begin(make_plan(), seen.append)
        records.extend(upload(user) for user in range(3))
        assert checked("finished", job_of(), TARGET, tmp_path, records, payload_of) == "finished"
    assert [record.event for record in seen if isinstance(record, Run)] == ["start", "check"]
    assert isinstance(seen[4], Run)
    assert found_before == [0, 1, 2]


def test_ctrl_c_ends_the_check_with_what_was_found(tmp_path: Path) -> None:
    seen: list[Record] = []

    def payload_of(upload: Upload) -> Payload:
        if upload.user == 2:
            raise KeyboardInterrupt
        return SeededPayload(str(upload.user), upload.size)

    with RecordFile(tmp_path) as records:
        records.begin(make_plan(), seen.append)
        records.extend(upload(user) for user in range(3))
        assert checked("finished", job_of(), TARGET, tmp_path, records, payload_of) == "interrupted"
    assert sum(isinstance(record, Integrity) for record in seen) == 2


def test_a_file_that_is_deleted_during_the_run_is_still_compared_with(tmp_path: Path) -> None:
    file, store = tmp_path / "video", tmp_path / "store"
    store.mkdir()
    file.write_bytes(b"x" * SIZE)
    (store / "copy").write_bytes(b"x" * SIZE)
    sent = upload(0, FilePayload(file).sha256()).model_copy(update={"location": "/files/copy"})
    payload_of = payloads(job_with(file))
    file.unlink()
    seen: list[Record] = []
    with RecordFile(tmp_path) as records:
        records.begin(make_plan(), seen.append)
        records.extend([sent])
        target = Target("mine", "1", TARGET.endpoints, store=store)
        checked("finished", job_with(file), target, tmp_path, records, payload_of)
    found = seen[-1]
    assert isinstance(found, Integrity)
    assert (found.how, found.intact) == ("store", True)


def test_a_file_that_is_gone_before_the_swarm_starts_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"--size .*video: the file to upload cannot be read"),
        new_folder(tmp_path, "lte"),
    ):
        payloads(job_with(tmp_path / "video"))
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_gone_is_never_replaced_by_made_up_bytes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--size .*video: the file to upload is gone"):
        make_job(Asked("lte", size=str(tmp_path / "video")), make_plan(), TARGET)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS])
def test_a_write_that_fails_is_told_of_the_folder_and_keeps_it(tmp_path: Path, number: int) -> None:
    with (
        pytest.raises(PartDied, match=f"cannot be written: {os.strerror(number)}"),
        new_folder(tmp_path, "a"),
    ):
        raise OSError(number, os.strerror(number))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_the_folder_that_cannot_be_made_is_told_of_the_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(PartDied, match="cannot be written: Is a directory"),
        new_folder(tmp_path, "a") as folder,
    ):
        (folder / "logs").write_text("a folder is here")


def test_an_error_about_anything_else_is_not_told_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), new_folder(tmp_path, "a"):
        (tmp_path / "video").read_bytes()
    with pytest.raises(ConnectionResetError), new_folder(tmp_path, "a"):
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
