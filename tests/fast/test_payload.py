"""Payloads tell their place, and a file that shrinks is noticed instead of waited for."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.payload import BLOCK, FilePayload, SeededPayload, payload_id, pieces

SIZE = 3 * BLOCK + 1234


def whole(payload: SeededPayload | FilePayload) -> bytes:
    return b"".join(pieces(payload, 0, payload.size))


def test_any_slices_make_the_same_bytes_and_the_known_hash() -> None:
    payload = SeededPayload("a", SIZE)
    content = whole(payload)
    assert len(content) == SIZE
    assert hashlib.sha256(content).hexdigest() == payload.sha256()
    for start, stop in ((0, 7), (5, 40), (15, 17), (BLOCK - 3, BLOCK + 20), (SIZE - 9, SIZE)):
        assert b"".join(pieces(payload, start, stop)) == content[start:stop]


def test_a_copy_names_itself_by_its_first_bytes_and_names_differ() -> None:
    assert whole(SeededPayload("a", SIZE))[:8] == payload_id("a")
    assert whole(SeededPayload("a", SIZE)) != whole(SeededPayload("b", SIZE))


def test_swapped_blocks_of_one_payload_differ() -> None:
    content = whole(SeededPayload("a", SIZE))
    blocks = [content[at : at + BLOCK] for at in range(0, 3 * BLOCK, BLOCK)]
    assert len(set(blocks)) == 3
    assert len({block[16:] for block in blocks}) == 3


def test_a_file_that_became_shorter_is_said_and_never_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "video"
    path.write_bytes(b"x" * 1000)
    payload = FilePayload(path)
    path.write_bytes(b"x" * 10)
    with pytest.raises(ValueError, match="became shorter than 1000 bytes"):
        payload.sha256()


def test_a_file_that_was_renamed_or_deleted_still_gives_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "video"
    path.write_bytes(b"x" * 1000)
    payload = FilePayload(path)
    path.unlink()
    path.write_bytes(b"another file of that name")
    assert whole(payload) == b"x" * 1000
    assert not payload.changed()


def test_a_file_that_was_written_to_says_so(tmp_path: Path) -> None:
    path = tmp_path / "video"
    path.write_bytes(b"x" * 1000)
    os.utime(path, (1, 1))
    payload = FilePayload(path)
    assert not payload.changed()
    path.write_bytes(b"y" * 1000)
    assert payload.changed()


def test_a_file_that_cannot_be_opened_is_refused_by_its_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--size .*video: the file to upload cannot be read: No such file"):
        FilePayload(tmp_path / "video")
