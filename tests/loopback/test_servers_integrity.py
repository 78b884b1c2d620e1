"""Integrity against a running server: by GET, by its store where it gives nothing back, and neither."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from simulator.payload import SeededPayload
from simulator.records import Integrity, Outcome, Upload
from simulator.servers import allowance, integrity, start
from simulator.servers.server import Target
from tests.helpers.storeserver import entry

pytestmark = pytest.mark.loopback

SIZE = 300_000


def content(user: int) -> bytes:
    payload = SeededPayload(str(user), SIZE)
    return b"".join(payload.slice(at, SIZE) for at in range(0, SIZE, 65536))


def upload(target: Target, user: int, name: str) -> Upload:
    return Upload(
        t=1.0,
        started=0.0,
        user=user,
        arm="tus",
        upload=0,
        size=SIZE,
        sha256=SeededPayload(str(user), SIZE).sha256(),
        outcome=Outcome.COMPLETED,
        location=target.endpoints["tus"].url + name,
    )


def checked(target: Target, *uploads: Upload) -> list[Integrity]:
    return list(integrity.check(target, uploads, lambda u: SeededPayload(str(u.user), u.size), 9.0))


@contextmanager
def holding(folder: Path, mode: str, files: dict[str, bytes]) -> Iterator[Target]:
    with start(entry(folder, mode), folder / "run") as target:
        assert target.store is not None
        for name, data in files.items():
            (target.store / name).write_bytes(data)
        yield target


def spoilt(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


@pytest.mark.parametrize(("mode", "how"), [("good", "get"), ("noget", "store")])
def test_what_is_stored_is_told_from_what_is_not(tmp_path: Path, mode: str, how: str) -> None:
    files = {
        "whole": content(0),
        "again": content(0),
        "wrong": spoilt(content(1), 70_001),
        "short": content(2)[:100_000],
        "whole.info": content(0),
    }
    with holding(tmp_path, mode, files) as target:
        found = checked(
            target, *(upload(target, user, name) for user, name in enumerate(("whole", "wrong", "short")))
        )
    assert [each.how for each in found] == [how] * 3
    assert [each.intact for each in found] == [True, False, False]
    assert [each.first_difference for each in found] == [None, 70_001, 100_000]
    assert [each.stored for each in found] == [SIZE, SIZE, 100_000]
    assert [each.copies for each in found] == [2, 1, 0]
    assert {each.t for each in found} == {9.0}


def test_a_relative_location_is_taken_as_the_servers_own(tmp_path: Path) -> None:
    with holding(tmp_path, "good", {"whole": content(0)}) as target:
        relative = upload(target, 0, "whole").model_copy(update={"location": "/files/whole"})
        (found,) = checked(target, relative)
    assert (found.how, found.intact) == ("get", True)


def test_an_upload_that_the_server_disowns_is_lost_even_where_its_store_is_out_of_reach(
    tmp_path: Path,
) -> None:
    with holding(tmp_path, "good", {}) as target:
        (found,) = checked(replace(target, store=None), upload(target, 0, "gone"))
    assert (found.how, found.intact, found.stored, found.copies) == ("get", False, 0, None)
    assert "lost" in found.detail


def test_a_server_that_gives_nothing_back_leaves_an_upload_unverified(tmp_path: Path) -> None:
    with holding(tmp_path, "noget", {"whole": content(0)}) as target:
        (found,) = checked(replace(target, store=None), upload(target, 0, "whole"))
    assert (found.how, found.intact) == ("unverified", None)
    assert found.detail == "GET is answered 405; its store cannot be read here"


def test_a_server_that_hangs_is_asked_three_times_and_then_its_store_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "_TIMEOUT", httpx.Timeout(0.2))
    with holding(tmp_path, "hangs", {str(user): content(user) for user in range(5)}) as target:
        found = checked(target, *(upload(target, user, str(user)) for user in range(5)))
        blind = checked(replace(target, store=None), *(upload(target, user, str(user)) for user in range(5)))
    assert [(each.how, each.intact) for each in found] == [("store", True)] * 5
    assert [each.detail.partition(";")[0] for each in blind] == [
        *["GET failed: no byte moved for the stall time-out"] * 3,
        *["the server no longer answers"] * 2,
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("mode", ["trickles", "dribbles"])
def test_a_server_that_trickles_is_given_up_in_time_and_its_store_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(allowance, "EACH", (1.0, 1e12))
    with holding(tmp_path, mode, {str(user): content(user) for user in range(4)}) as target:
        found = checked(target, *(upload(target, user, str(user)) for user in range(4)))
        (blind,) = checked(replace(target, store=None), upload(target, 0, "0"))
    assert [(each.how, each.intact) for each in found] == [("store", True)] * 4
    assert (blind.how, blind.intact) == ("unverified", None)
    assert blind.detail == "GET: not read whole within 1 s; its store cannot be read here"


@pytest.mark.timeout(60)
def test_the_time_of_all_uploads_together_ends_the_reading_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "ALL", (1.0, 1e12))
    with holding(tmp_path, "trickles", {str(user): content(user) for user in range(3)}) as target:
        found = checked(target, *(upload(target, user, str(user)) for user in range(3)))
    over = "the 1 s for reading all uploads were over"
    assert {each.how for each in found} == {"unverified"}
    assert [each.detail for each in found] == [f"GET: {over}; its file in the store: {over}", over, over]
    assert [each.copies for each in found] == [1, 1, 1]


@pytest.mark.parametrize("protocol", ["plain", "tus"])
def test_what_the_server_in_the_box_stored_is_given_back(tmp_path: Path, protocol: str) -> None:
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(SIZE),
        "Content-Type": "application/offset+octet-stream",
    }
    with start("reference", tmp_path / "run") as target:
        endpoint = target.endpoints[protocol].url
        answers = [
            httpx.post(endpoint, content=content(0), headers=headers if protocol == "tus" else {})
            for _ in range(2)
        ]
        stored = upload(target, 0, "").model_copy(update={"location": answers[0].headers["Location"]})
        (by_get,) = checked(target, stored)
        assert target.child is not None
        target.child.stop()
        (by_store,) = checked(target, stored)
    assert (by_get.how, by_get.intact, by_get.copies) == ("get", True, 2)
    assert (by_store.how, by_store.intact, by_store.copies) == ("store", True, 2)


def test_a_server_that_is_dead_is_no_error_of_the_check(tmp_path: Path) -> None:
    with holding(tmp_path, "good", {"whole": content(0)}) as target:
        assert target.child is not None
        target.child.stop()
        (found,) = checked(target, upload(target, 0, "whole"))
    assert (found.how, found.intact, found.copies) == ("store", True, 1)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://xn--a/files/1", "its location is no URL"),
        ("http://\u2603/files/1", "its location is no URL"),
        ("http://[zz]/files/1", "its location is no URL"),
        ("/files/\x01", "its location is no URL"),
        ("/files/%00", "GET "),
        ("/files/" + "n" * 300, "GET "),
    ],
    ids=["A-label", "no host name", "no address", "control character", "zero byte", "too long for a file"],
)
def test_a_location_that_leads_nowhere_is_a_finding_and_no_error(
    tmp_path: Path, location: str, words: str
) -> None:
    with holding(tmp_path, "noget", {}) as target:
        odd = upload(target, 0, "").model_copy(update={"location": location})
        (blind,) = checked(replace(target, store=None), odd)
        (found,) = checked(target, odd)
    assert (blind.how, blind.intact) == ("unverified", None)
    assert blind.detail.startswith(words)
    assert (found.how, found.intact, found.detail) == (
        "store",
        False,
        "lost: the store holds nothing of it",
    )
