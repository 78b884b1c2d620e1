"""Runs with an HTTP-aware hop before the server, as a user starts them; and the hop alone."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from simulator.records import Hop, Integrity, Outcome, Request, Sample, Upload
from tests.helpers.runs import SIMSIM, Running, environment, only_folder, records_of, simsim, until
from tests.helpers.served import Client, serving

pytestmark = pytest.mark.loopback

SCRIPT = """\
[[step]]
id = "busy"
when = { method = "PATCH", nth = 1 }
do = { kind = "status", code = 503, retry_after = "1 s" }

[[step]]
id = "teapot"
when = { method = "BREW" }
do = { kind = "status", code = 418 }
"""


def test_every_upload_of_a_run_with_lost_answers_loses_one_and_only_plain_ones_leave_a_second_copy(
    tmp_path: Path,
) -> None:
    small = ("--users", "3", "--size", "200 kB", "--quiet")
    with Running(tmp_path, "lost-answer", *small) as run:
        status, out, err = run.end()
    assert status == 0, err
    records = records_of(run.folder)
    hops = [record for record in records if isinstance(record, Hop)]
    expected = sorted((arm, user) for arm in ("plain", "tus") for user in range(3))
    assert sorted((hop.arm or "", hop.user or 0) for hop in hops) == expected  # no calm twin among them
    assert {(hop.step, hop.action, hop.body) for hop in hops} == {("lost", "drop-answer", 200_000)}
    uploads = [record for record in records if isinstance(record, Upload)]
    assert {upload.outcome for upload in uploads} == {Outcome.COMPLETED}
    checked = [record for record in records if isinstance(record, Integrity)]
    assert {item.intact for item in checked} == {True}
    copies = {(item.arm, item.copies) for item in checked if "/" not in item.arm}
    assert copies == {("plain", 2), ("tus", 1)}
    assert "hop: lost: 6 × (plain 3, tus 3)" in out
    assert any(isinstance(record, Sample) and record.part == "hop" for record in records)


def test_a_step_that_never_fired_is_said_on_the_terminal_and_in_the_summary(tmp_path: Path) -> None:
    (tmp_path / "busy.toml").write_text(SCRIPT)
    small = ("--users", "2", "--size", "100 kB", "--no-calm", "--quiet")
    told = simsim("run", "clean", "--hop", "busy.toml", "--protocols", "tus", *small, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "hop: busy: 2 × (tus 2)" in told.stdout
    assert "step 'teapot' of the hop never fired" in " ".join(told.stdout.split())
    folder = only_folder(tmp_path / "results")
    summary = json.loads((folder / "summary.json").read_text())
    assert [(step["id"], step["fired"]) for step in summary["hop"]] == [("busy", 2), ("teapot", 0)]
    assert "teapot" in (folder / "report.html").read_text()
    statuses = [record.status for record in records_of(folder) if isinstance(record, Request)]
    assert statuses.count(503) == 2


def test_the_hop_alone_prints_each_firing_and_at_ctrl_c_what_never_fired(tmp_path: Path) -> None:
    (tmp_path / "busy.toml").write_text(SCRIPT)
    with serving(tmp_path) as server:
        process = subprocess.Popen(
            [*SIMSIM, "gateway", "busy.toml", "--upstream", server.url],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert process.stdout is not None and process.stderr is not None
        match = re.match(r"listening on http://127\.0\.0\.1:(\d+) -> ", process.stderr.readline())
        assert match is not None
        with Client(int(match[1])) as client:
            assert client.ask("PATCH", "/files/1", b"x", Upload_Offset="0").status == 503
            assert client.ask("PATCH", "/files/1", b"x", Upload_Offset="0").status == 404
        assert "busy  status 503  PATCH /files/1" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "busy (status 503 to PATCH, nth 1): fired 1 ×" in err
    assert "teapot (status 418 to BREW): NEVER FIRED" in err


def test_a_hop_that_dies_alone_is_said(tmp_path: Path) -> None:
    import psutil

    (tmp_path / "busy.toml").write_text(SCRIPT)
    process = subprocess.Popen(
        [*SIMSIM, "gateway", "busy.toml", "--upstream", "http://127.0.0.1:9"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stderr is not None
    process.stderr.readline()
    (child,) = until(lambda: psutil.Process(process.pid).children())
    child.kill()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "gateway was killed by SIGKILL" in err
