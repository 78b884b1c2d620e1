"""Arms as they were asked for become what the server can be asked for, or are shown as unsupported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.servers import external
from simulator.swarm.arms import Settled, settle, wanted
from tests.helpers.runs import only_folder, simsim
from tests.helpers.served import serving

pytestmark = pytest.mark.loopback


def stored(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "store").iterdir() if file.name != ".lock")


def settled(folder: Path, path: str, *words: str) -> tuple[Settled, list[str]]:
    """Return how *words* are settled at *path*, and what the store holds afterwards."""
    with serving(folder) as server:
        arms = wanted(words, "--protocol")
        target = external(f"{server.url}{path}", protocols=[arm.protocol for arm in arms])
        found = settle(arms, target, "--protocol")
        return found, stored(folder)


def test_ietf_alone_becomes_the_newest_version_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found, left = settled(tmp_path, "/resumable/", "ietf", "ietf:careful", "ietf:4")
    assert [(arm.name, arm.variant) for arm in found.arms] == [
        ("ietf", "interop=9"),
        ("ietf:careful", "interop=9+careful"),
        ("ietf:4", "4"),
    ]
    assert found.unsupported == ()
    assert left == []


def test_where_the_draft_is_not_spoken_every_arm_is_unsupported_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="supports none of the arms: ietf: no upload is made in interop version 9"
    ):
        settled(tmp_path, "/plain/", "ietf")
    assert stored(tmp_path) == []


def test_nothing_is_asked_for_protocols_that_have_no_way_to_tell(tmp_path: Path) -> None:
    found, left = settled(tmp_path, "/upload/storage/v1/b/simsim/o", "google:no-x-upload")
    assert [arm.variant for arm in found.arms] == ["no-x-upload"]
    assert left == []


LIMITED = """
name = "limited"
command = [
    "{python}", "-c",
    "import sys; from simulator.servers.reference import tus, __main__; \\
tus.EXTENSIONS = ('creation',); __main__.main()",
    "--host", "{host}", "--port", "{port}", "--dir", "{dir}",
]
ready = { line = 'listening on http://[^/\\\\s]+:(?P<port>\\\\d+)' }
[speaks.tus]
path = "/files/"
"""


def test_an_arm_that_the_server_lacks_is_told_in_the_report_and_the_others_run(tmp_path: Path) -> None:
    (tmp_path / "limited.toml").write_text(LIMITED.replace("\\\\", "\\").replace("\\\n", ""))
    small = ("--users", "1", "--size", "100 kB", "--no-calm", "--quiet")
    arms = ("--protocol", "tus", "--protocol", "tus:checksum=sha1")
    told = simsim("run", "clean", "--server", "./limited.toml", *arms, *small, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "tus:checksum=sha1 is unsupported" in told.stdout
    plan = json.loads((only_folder(tmp_path / "results") / "run.json").read_text())
    assert [arm["name"] for arm in plan["arms"]] == ["tus"]
    (lacking,) = plan["unsupported"]
    assert lacking["name"] == "tus:checksum=sha1"
    assert lacking["why"].startswith("no 'checksum': OPTIONS is answered 204, Tus-Extension: creation")
