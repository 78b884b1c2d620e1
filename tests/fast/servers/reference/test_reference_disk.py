"""The store on disk: names, atomic infos, what a killed server leaves, and one server a directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.servers.reference.storage import StoreError
from simulator.servers.reference.store import DiskStore
from tests.helpers.asking import Asker, field


@pytest.mark.parametrize("fsync", [False, True])
def test_an_upload_is_a_file_of_its_name_with_its_info_beside_it(tmp_path: Path, fsync: bool) -> None:
    asker = Asker(DiskStore(tmp_path / "made" / "here", fsync=fsync))
    path = asker.create(10, b"abc")
    file = tmp_path / "made" / "here" / path.removeprefix("/files/")
    assert file.read_bytes() == b"abc"
    assert json.loads(file.with_name(file.name + ".json").read_text())["length"] == 10
    asker.patch(path, 3, b"defghij")
    assert file.read_bytes() == asker.get(path) == b"abcdefghij"
    asker.ask("DELETE", path)
    assert [one.name for one in file.parent.iterdir()] == [".lock"]


def test_a_plain_upload_is_a_file_of_its_name(tmp_path: Path) -> None:
    asker = Asker(DiskStore(tmp_path))
    asker.ask("PUT", "/plain/name.bin", b"abc")
    asker.ask("PUT", "/plain/name.bin", b"defg")
    assert (tmp_path / "name.bin").read_bytes() == b"defg"
    asker.restart()
    assert asker.get("/plain/name.bin") == b"defg"


def test_a_start_clears_away_what_was_half_done_and_nothing_else(tmp_path: Path) -> None:
    half = ["0" * 32, "1" * 32 + ".part", "2" * 32 + ".json.new"]
    others = ["notes.txt", "0" * 31, "movie.part", "A" * 32]
    for name in half + others:
        (tmp_path / name).write_bytes(b"x")
    Asker(DiskStore(tmp_path))
    assert {one.name for one in tmp_path.iterdir()} == {*others, ".lock"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"protocol": "tus"}', "\ud800"])
def test_a_broken_info_does_not_stop_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, errors="surrogatepass")
    asker = Asker(DiskStore(tmp_path))
    assert asker.ask("HEAD", "/files/a").status == 404
    assert len(asker.core.events()) == 1


def test_an_upload_whose_bytes_somebody_removed_is_not_served(tmp_path: Path) -> None:
    asker = Asker(DiskStore(tmp_path))
    path = asker.create(3)
    (tmp_path / path.removeprefix("/files/")).unlink()
    assert asker.patch(path, 0, b"a").status == 500
    asker.restart()
    assert asker.ask("HEAD", path).status == 404


def test_two_servers_cannot_use_one_directory(tmp_path: Path) -> None:
    first = DiskStore(tmp_path)
    with pytest.raises(BlockingIOError):
        DiskStore(tmp_path)
    first.close()
    DiskStore(tmp_path).close()


def test_a_file_outlives_its_removal_for_who_reads_it(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    asker = Asker(store)
    path = field(asker.ask("POST", "/plain/", b"abc"), "Location") or ""
    reader = store.reader(path.removeprefix("/plain/"))
    asker.ask("DELETE", path)
    assert reader.read(0, 9) == b"abc"
    reader.close()


def test_a_missing_file_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        DiskStore(tmp_path).open("nothing")
