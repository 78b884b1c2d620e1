"""What the core does when its store refuses: the answer is plain and the offset stays honest."""

from __future__ import annotations

import base64
import hashlib

import pytest

from simulator.servers.reference.memory import MemoryBlob, MemoryStore
from simulator.servers.reference.storage import Bytes, Info, StoreError
from simulator.servers.reference.uploads import Failed
from tests.helpers.asking import OFFSET_TYPE, Asker, field

SHA1 = "sha1 " + base64.b64encode(hashlib.sha1(b"def").digest()).decode()


class FaultyBlob(MemoryBlob):
    """Takes bytes while the store has room."""

    def __init__(self, store: FaultyStore, data: bytearray) -> None:
        super().__init__(data)
        self._store = store

    def write(self, at: int, piece: Bytes) -> None:
        fits = piece[: self._store.room]
        super().write(at, fits)
        self._store.room -= len(fits)
        if len(fits) < len(piece):
            raise StoreError("cannot write: no space", full=True, written=len(fits))

    def truncate(self, size: int) -> None:
        if self._store.broken:
            raise StoreError("cannot truncate: bad disk")
        super().truncate(size)

    def keep(self) -> None:
        if self._store.broken:
            raise StoreError("cannot sync: bad disk")


class FaultyStore(MemoryStore):
    """Has *room* for so many bytes; ``broken`` keeps nothing, ``saves`` counts down to infos refused."""

    def __init__(self, room: int = 1000) -> None:
        super().__init__()
        self.room = room
        self.broken = False
        self.saves = 1000

    def open(self, name: str) -> MemoryBlob:
        super().open(name)
        return FaultyBlob(self, self.blobs[name])

    def save(self, name: str, info: Info) -> None:
        self.saves -= 1
        if self.saves < 0:
            raise StoreError("cannot write: no space", full=True)
        super().save(name, info)


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


def test_a_full_disk_answers_507_and_the_offset_counts_what_fitted(store: FaultyStore) -> None:
    asker = Asker(store)
    path = asker.create(10)
    store.room = 4
    assert asker.patch(path, 0, b"0123456789").status == 507
    assert asker.offset(path) == 4
    store.room = 100
    assert asker.patch(path, 4, b"456789").status == 204
    assert asker.get(path) == b"0123456789"


def test_a_write_of_which_a_part_fitted_counts_that_part(store: FaultyStore) -> None:
    asker = Asker(store)
    path = asker.create(10)
    store.room = 4
    reply = asker.begin_patch(path, 0, 10).data(b"0123456789", asker.now)
    assert reply is not None
    assert (reply.status, asker.offset(path)) == (507, 4)
    assert bytes(store.blobs[path.removeprefix("/files/")]) == b"0123"


def test_a_full_disk_fails_a_plain_upload_and_leaves_nothing(store: FaultyStore) -> None:
    store.room = 2
    assert Asker(store).ask("POST", "/plain/", b"abc").status == 507
    assert (store.blobs, store.infos) == ({}, {})


def test_no_room_for_an_info_fails_the_creation_and_leaves_nothing(store: FaultyStore) -> None:
    store.saves = 0
    assert Asker(store).ask("POST", "/files/", upload_length=1).status == 507
    assert (store.blobs, store.infos) == ({}, {})


def test_no_room_for_an_info_fails_a_plain_upload_at_its_end(store: FaultyStore) -> None:
    store.saves = 0
    assert Asker(store).ask("PUT", "/plain/name", b"abc").status == 507
    assert (store.blobs, store.infos) == ({}, {})


def test_a_failed_replacement_leaves_the_old_bytes(store: FaultyStore) -> None:
    asker = Asker(store)
    asker.ask("PUT", "/plain/name", b"old")
    store.saves = 0
    assert asker.ask("PUT", "/plain/name", b"new").status == 507
    assert asker.get("/plain/name") == b"old"


def test_bytes_that_could_not_be_synced_are_not_promised(store: FaultyStore) -> None:
    asker = Asker(store)
    path = asker.create(6, b"abc")
    store.broken = True
    assert asker.patch(path, 3, b"def").status == 500
    assert asker.offset(path) == 3
    store.broken = False
    assert asker.patch(path, 3, b"xyz").status == 204
    assert asker.get(path) == b"abcxyz"


def test_a_cut_whose_bytes_cannot_be_synced_is_told_to_the_log(store: FaultyStore) -> None:
    asker = Asker(store)
    path = asker.create(6, b"abc")
    step = asker.begin_patch(path, 3, 3)
    asker.give(step, b"d")
    store.broken = True
    step.cut(asker.now)
    assert asker.offset(path) == 3
    assert all(isinstance(event, Failed) for event in asker.core.events())


def test_a_checksum_that_cannot_be_noted_as_right_does_not_count(store: FaultyStore) -> None:
    asker = Asker(store)
    path = asker.create(6, b"abc")
    store.saves = 1  # the note that the bytes are not verified yet; none that they are
    assert asker.patch(path, 3, b"def", upload_checksum=SHA1).status == 507
    assert asker.offset(path) == 3
    asker.restart()
    assert asker.offset(path) == 3
    store.saves = 1000
    assert asker.patch(path, 3, b"de").status == 204
    asker.restart()
    assert asker.offset(path) == 5


def test_a_deferred_length_that_cannot_be_stored_is_not_set(store: FaultyStore) -> None:
    asker = Asker(store)
    path = field(asker.ask("POST", "/files/", upload_defer_length=1), "Location") or ""
    store.saves = 0
    assert asker.patch(path, 0, b"", upload_length=3).status == 507
    assert field(asker.ask("HEAD", path), "Upload-Length") is None


def test_a_full_disk_fails_a_concatenation_and_leaves_nothing_of_it(store: FaultyStore) -> None:
    asker = Asker(store)
    part = asker.create(3, b"abc", upload_concat="partial")
    store.room = 1
    assert asker.ask("POST", "/files/", upload_concat=f"final;{part}").status == 507
    assert list(store.blobs) == [part.removeprefix("/files/")]


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"protocol": "tus"},
        {"protocol": 3},
        {"protocol": "tus", "length": "9"},
    ],
)
def test_an_info_of_no_sense_is_told_and_left_alone(info: Info) -> None:
    store = MemoryStore()
    store.blobs["a"], store.infos["a"] = bytearray(b"abc"), info
    asker = Asker(store)
    (event,) = asker.core.events()
    assert isinstance(event, Failed)
    assert asker.ask("HEAD", "/files/a").status == 404
    assert store.blobs["a"] == b"abc"


def test_an_upload_longer_than_its_length_is_not_served() -> None:
    asker = Asker(MemoryStore())
    path = asker.create(3, b"abc")
    asker.store.open(path.removeprefix("/files/")).write(3, b"d")
    asker.restart()
    assert asker.ask("HEAD", path).status == 404


def test_the_type_of_content_may_have_parameters_and_capitals() -> None:
    asker = Asker(MemoryStore())
    path = asker.create(3)
    content_type = OFFSET_TYPE.upper() + "; a=b"
    assert asker.ask("PATCH", path, b"abc", upload_offset=0, content_type=content_type).status == 204
