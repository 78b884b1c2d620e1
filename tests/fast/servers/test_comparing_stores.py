"""Comparing a stored copy with its payload, and finding the copies in a store."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.payload import BLOCK, FilePayload, Payload, SeededPayload
from simulator.records import Integrity, Outcome, Upload
from simulator.servers.integrity import check, compare
from simulator.servers.server import Endpoint, Target

SIZE = 2 * BLOCK + 1000


def whole(payload: Payload) -> bytes:
    return b"".join(pieces_of(payload))


def pieces_of(payload: Payload) -> Iterator[bytes]:
    at = 0
    while at < payload.size:
        piece = payload.slice(at, payload.size)
        yield piece
        at += len(piece)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def payload_of(upload: Upload) -> SeededPayload:
    return SeededPayload(f"{upload.user}", upload.size)


def upload(
    user: int = 0, outcome: Outcome = Outcome.COMPLETED, location: str | None = None, size: int = SIZE
) -> Upload:
    sha256 = SeededPayload(f"{user}", size).sha256()
    return Upload(
        t=1.0,
        started=0.0,
        user=user,
        arm="tus",
        upload=0,
        size=size,
        sha256=sha256,
        outcome=outcome,
        location=location,
    )


def target(store: Path | None, side_files: tuple[str, ...] = ()) -> Target:
    endpoints = {"tus": Endpoint("http://127.0.0.1:1/files/")}
    return Target("mine", "1", endpoints, store=store, side_files=side_files)


def checked(where: Target, *uploads: Upload) -> list[Integrity]:
    return list(check(where, uploads, payload_of, 2.0))


@pytest.mark.parametrize("size", [1, 7, 65536, 100_000, 1 << 20])
def test_a_true_copy_is_intact_however_it_is_sliced(size: int) -> None:
    payload = SeededPayload("a", SIZE if size > 1 else 300)
    assert compare(cut(whole(payload), size), payload, payload.sha256()) == (True, payload.size, None, "")


@pytest.mark.parametrize("at", [0, 15, 16, BLOCK - 1, BLOCK, BLOCK + 5, SIZE - 1])
def test_one_wrong_byte_is_found_at_its_place(at: int) -> None:
    payload = SeededPayload("a", SIZE)
    data = bytearray(whole(payload))
    data[at] ^= 1
    intact, stored, first, detail = compare(cut(bytes(data), 40_000), payload, payload.sha256())
    assert (intact, stored, first) == (False, SIZE, at)
    assert f"byte {at}" in detail


def test_a_short_copy_differs_where_it_ends() -> None:
    payload = SeededPayload("a", SIZE)
    assert compare([whole(payload)[:70_000]], payload, payload.sha256())[:3] == (False, 70_000, 70_000)


def test_a_copy_that_goes_on_differs_at_the_payloads_end() -> None:
    payload = SeededPayload("a", SIZE)
    assert compare([whole(payload) + b"x"], payload, payload.sha256())[:3] == (False, SIZE + 1, SIZE)


def test_a_hole_of_one_block_is_found_at_its_start() -> None:
    payload = SeededPayload("a", SIZE)
    data = whole(payload)
    shifted = data[:BLOCK] + data[2 * BLOCK :]
    assert compare([shifted], payload, payload.sha256())[2] >= BLOCK


def test_a_copy_of_other_bytes_than_the_client_sent_is_not_intact() -> None:
    payload = SeededPayload("a", SIZE)
    intact, _, first, detail = compare([whole(payload)], payload, SeededPayload("b", SIZE).sha256())
    assert (intact, first) == (False, None)
    assert "SHA-256" in detail


def test_without_a_location_an_upload_is_found_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/some-name").write_bytes(whole(SeededPayload("0", SIZE)))
    (found,) = checked(target(tmp_path), upload())
    assert (found.how, found.intact, found.stored, found.copies) == ("store", True, SIZE, 1)


def test_a_duplicate_counts_and_a_partial_or_a_side_file_does_not(tmp_path: Path) -> None:
    data = whole(SeededPayload("0", SIZE))
    for name, content in {
        "a": data,
        "b": data,
        "c": data[:1000],
        "a.info": data,
        "other": b"12345678" + data,
    }.items():
        (tmp_path / name).write_bytes(content)
    (found,) = checked(target(tmp_path, (".info",)), upload())
    assert found.copies == 2
    assert found.intact


def test_an_upload_that_failed_for_its_client_is_not_read_but_its_copies_count(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(whole(SeededPayload("0", SIZE)))
    failed, censored = checked(target(tmp_path), upload(outcome=Outcome.FAILED), upload(1, Outcome.CENSORED))
    assert (failed.how, failed.intact, failed.copies, failed.stored) == ("unverified", None, 1, SIZE)
    assert (censored.copies, censored.stored) == (0, None)
    assert "failed" in failed.detail


def test_a_completed_upload_of_which_the_store_holds_nothing_is_lost(tmp_path: Path) -> None:
    (found,) = checked(target(tmp_path), upload())
    assert (found.how, found.intact, found.stored, found.copies) == ("store", False, 0, 0)
    assert "lost" in found.detail


def test_of_several_files_the_fullest_is_read(tmp_path: Path) -> None:
    data = whole(SeededPayload("0", SIZE))
    for name, content in {"a": data[:50], "b": data, "c": data[:100]}.items():
        (tmp_path / name).write_bytes(content)
    (found,) = checked(target(tmp_path), upload())
    assert found.intact


def test_without_location_and_store_an_upload_is_unverified_and_says_both() -> None:
    (found,) = checked(target(None), upload())
    assert (found.how, found.intact, found.copies) == ("unverified", None, None)
    assert found.detail == "the server gave no location; its store cannot be read here"


def test_a_location_at_another_server_is_never_asked() -> None:
    (found,) = checked(target(None), upload(location="http://192.0.2.1:2/files/x"))
    assert found.how == "unverified"
    assert "another server" in found.detail


def test_a_location_that_points_out_of_the_store_is_not_followed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (tmp_path / "secret").write_bytes(whole(SeededPayload("0", SIZE)))
    (found,) = checked(target(store), upload(location="http://localhost:2/files/..%2Fsecret"))
    assert found.intact is False


def test_files_that_are_not_stamped_cannot_be_counted(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"the same bytes for all")
    store = tmp_path / "store"
    store.mkdir()
    payload = FilePayload(tmp_path / "real")
    sent = upload(size=payload.size).model_copy(update={"sha256": payload.sha256()})
    (found,) = check(target(store), [sent], lambda _: payload, 2.0)
    assert found.copies is None


def test_a_payload_shorter_than_its_stamp_cannot_be_counted(tmp_path: Path) -> None:
    (found,) = checked(target(tmp_path), upload(size=7))
    assert found.copies is None


def stored_copy(tmp_path: Path, payload: Payload) -> tuple[Target, Upload]:
    """Return a store that holds *payload* whole, and its client's record."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store/copy").write_bytes(whole(payload))
    sent = upload(size=payload.size, location="http://127.0.0.1:2/elsewhere/copy")
    return target(tmp_path / "store"), sent.model_copy(update={"sha256": payload.sha256()})


@pytest.mark.parametrize("now", [None, b"", b"short", b"y" * SIZE, b"y" * 2 * SIZE])
def test_what_became_of_the_file_afterwards_is_no_fault_of_the_server(
    tmp_path: Path, now: bytes | None
) -> None:
    path = tmp_path / "real"
    path.write_bytes(b"x" * SIZE)
    os.utime(path, (1, 1))
    payload = FilePayload(path)
    where, sent = stored_copy(tmp_path, payload)
    path.unlink() if now is None else path.write_bytes(now)
    (found,) = check(where, [sent], lambda _: payload, 2.0)
    assert (found.how, found.intact, found.stored) == ("store", True, SIZE)


@pytest.mark.parametrize("now", [b"", b"short", b"y" * SIZE])
def test_a_copy_that_a_changed_file_cannot_tell_is_unverified(tmp_path: Path, now: bytes) -> None:
    path = tmp_path / "real"
    path.write_bytes(b"x" * SIZE)
    os.utime(path, (1, 1))
    payload = FilePayload(path)
    where, sent = stored_copy(tmp_path, payload)
    (tmp_path / "store/copy").write_bytes(b"x" * 1000)
    path.write_bytes(now)
    (found,) = check(where, [sent], lambda _: payload, 2.0)
    assert (found.how, found.intact) == ("unverified", None)
    assert "was written to" in found.detail


def test_a_wrong_copy_of_a_file_that_is_gone_is_still_found_wrong(tmp_path: Path) -> None:
    path = tmp_path / "real"
    path.write_bytes(b"x" * SIZE)
    payload = FilePayload(path)
    where, sent = stored_copy(tmp_path, payload)
    (tmp_path / "store/copy").write_bytes(b"x" * 1000)
    path.unlink()
    (found,) = check(where, [sent], lambda _: payload, 2.0)
    assert (found.intact, found.first_difference) == (False, 1000)


@pytest.mark.parametrize(
    "location", ["http://[::1", "http://127.0.0.1:1/" + "n" * 300, "http://127.0.0.1:1/%00", "http://a:b/"]
)
def test_a_location_that_names_nothing_is_no_error_of_the_check(tmp_path: Path, location: str) -> None:
    (tmp_path / "copy").write_bytes(whole(SeededPayload("0", SIZE)))
    (found,) = checked(target(tmp_path), upload(location=location))
    assert (found.how, found.intact) == ("store", True)


def test_a_stored_file_that_cannot_be_opened_leaves_its_upload_unverified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(whole(SeededPayload("0", SIZE)))
    opened, opening = [], Path.open

    def once(path: Path, mode: str) -> Any:
        opened.append(path)
        if opened.count(copy) > 1:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opening(path, mode)

    monkeypatch.setattr(Path, "open", once)
    (found,) = checked(target(tmp_path), upload(location="http://127.0.0.1:2/elsewhere/copy"))
    assert (found.how, found.intact) == ("unverified", None)
    assert found.detail.endswith("; its file in the store cannot be read: Permission denied")
