"""Faults of the run itself: records are kept, the run is marked, and no process is left behind."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest

from simulator.children import Child
from simulator.records import Link, Record, Run, Sample, Upload
from simulator.swarm.launch import stop_all
from tests.helpers.runs import Running, records_of, simsim, until

pytestmark = pytest.mark.loopback

SCRIPT = Path(__file__).parent / "stall.toml"
LONG = ("mobile-flaky", "--users", "3", "--size", "6 MB", "--no-calm", "--quiet")
LINKS = 6


def ending(folder: Path) -> Run:
    last = records_of(folder)[-1]
    assert isinstance(last, Run)
    assert last.event == "end"
    return last


def count(folder: Path, kind: type[Record]) -> int:
    """Return how many records of *kind* were kept."""
    return sum(isinstance(record, kind) for record in records_of(folder))


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("simulator.links.embedded", ()),
        ("simulator.swarm.runner local", ()),
        ("simulator.swarm.runner master", ("--workers", "2")),
        ("simulator.swarm.runner worker", ("--workers", "2")),
        ("simulator.servers.reference", ()),
        ("simulator.links.gateway", ("--hop", str(SCRIPT))),
    ],
    ids=["engine", "swarm", "master", "worker", "server", "hop"],
)
def test_a_part_that_is_killed_makes_the_run_invalid_and_is_named(
    tmp_path: Path, words: str, options: tuple[str, ...]
) -> None:
    with Running(tmp_path, *LONG, *options) as run:
        victim = run.part(words)
        run.transferring()
        victim.kill()
        status, out, err = run.end()
        assert status == 3, err
        end = ending(run.folder)
        assert end.status == "invalid"
        assert any("kill" in cause.lower() for cause in end.causes), end.causes
        assert "invalid" in out.splitlines()[0].lower()
        assert count(run.folder, Link) == LINKS
        assert (run.folder / "report.html").exists()


def test_when_the_parent_is_killed_nothing_is_left_and_the_records_can_be_reported(tmp_path: Path) -> None:
    with Running(tmp_path, *LONG) as run:
        run.transferring()
        run.process.kill()
        run.end()
        kept = records_of(run.folder)
        assert not any(isinstance(record, Run) and record.event == "end" for record in kept)
        told = simsim("report", str(run.folder), cwd=tmp_path)
        assert told.returncode == 0, told.stderr
        assert "INTERRUPTED" in told.stdout.splitlines()[0]
        assert (run.folder / "report.html").exists()


def test_ctrl_c_ends_the_run_in_order_and_still_reports(tmp_path: Path) -> None:
    with Running(tmp_path, *LONG) as run:
        run.transferring()
        run.process.send_signal(signal.SIGINT)
        status, out, err = run.end()
        assert status == 130, err
        assert ending(run.folder).status == "interrupted"
        assert "interrupted" in out.splitlines()[0].lower()
        uploads = [record for record in records_of(run.folder) if isinstance(record, Upload)]
        assert len(uploads) == LINKS
        assert {upload.why for upload in uploads if upload.outcome == "censored"} == {"cancelled"}


def test_ctrl_c_twice_ends_the_run_at_once_and_still_reports(tmp_path: Path) -> None:
    with Running(tmp_path, *LONG) as run:
        swarm = run.part("simulator.swarm.runner local")
        run.transferring()
        swarm.send_signal(signal.SIGSTOP)  # it cannot end in order
        run.process.send_signal(signal.SIGINT)
        with pytest.raises(AssertionError):
            _ended_within(run, 2.0)
        run.process.send_signal(signal.SIGINT)
        status, _, err = run.end()
        assert status == 130, err
        assert ending(run.folder).status == "interrupted"


def test_ctrl_c_while_the_report_is_made_says_how_to_make_it(tmp_path: Path) -> None:
    with Running(tmp_path, *LONG[:-1]) as run:  # with its view, which is on the way out, too
        run.transferring()
        run.process.send_signal(signal.SIGINT)
        until(lambda: b'"event":"end"' in (run.folder / "records.jsonl").read_bytes())
        for _ in range(3):
            run.process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        status, out, err = run.end()
        assert (status, out) == (130, "")
        words = [line for line in err.splitlines() if line.startswith("simsim: ")]
        assert words == err.splitlines()[-1:]
        assert "the records are kept" in words[0]
        assert f"simsim report results/{run.folder.name}" in words[0]
        assert not (run.folder / "report.html").exists()
        told = simsim("report", str(run.folder), cwd=tmp_path)
        assert told.returncode == 0, told.stderr
        assert (run.folder / "report.html").exists()


def _ended_within(run: Running, seconds: float) -> None:
    until(lambda: run.process.poll() is not None, timeout=seconds)


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(tmp_path: Path) -> None:
    with Running(tmp_path, *LONG) as run:
        run.transferring()
        size = (run.folder / "records.jsonl").stat().st_size
        hard = resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (size + 500, hard))
        status, _, err = run.end()
        assert status == 3, err
        assert os.strerror(errno.EFBIG) in err
        assert err.count("\n") == 1
        assert count(run.folder, Link) == LINKS


def test_a_worker_that_was_frozen_for_a_while_makes_the_run_degraded(tmp_path: Path) -> None:
    options = (
        "wifi",
        "--users",
        "2",
        "--size",
        "1 MB",
        "--for",
        "8 s",
        "--workers",
        "2",
        "--no-calm",
        "--quiet",
    )
    with Running(tmp_path, *options) as run:
        worker = run.part("simulator.swarm.runner worker")
        run.transferring()
        worker.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        worker.send_signal(signal.SIGCONT)
        status, out, err = run.end()
        assert status == 0, err
        assert "clients stood still for 2." in out, out
        assert json.loads((run.folder / "summary.json").read_text())["validity"] == "degraded"
        stalls: dict[str, float] = {}
        for record in records_of(run.folder):
            if isinstance(record, Sample) and record.stall is not None:
                stalls[record.part] = max(record.stall, stalls.get(record.part, 0.0))
        assert sorted(stalls) == ["clients-0", "clients-1"]
        assert max(stalls.values()) > 2.2


# Limits that a test can wait for; the rest of the program is as it is.
HASTY = """
from simulator.swarm import launch, patience
patience.OVERTIME = launch.FLUSH_GRACE = 1.0
from simulator.cli.main import run_and_exit
run_and_exit()
"""


def test_a_swarm_that_hangs_is_ended_and_the_run_is_invalid(tmp_path: Path) -> None:
    program = [sys.executable, "-c", HASTY]
    options = ("resets", "--users", "1", "--size", "50 MB", "--deadline", "5 s", "--no-calm", "--quiet")
    with Running(tmp_path, *options, program=program) as run:
        swarm = run.part("simulator.swarm.runner local")
        run.transferring()
        swarm.send_signal(signal.SIGSTOP)
        status, out, err = run.end()
        assert status == 3, err
        end = ending(run.folder)
        assert (end.status, end.causes) == ("invalid", ["the swarm still ran 1 s after the last deadline"])
        assert "invalid" in out.splitlines()[0].lower()


def test_a_client_that_cannot_go_on_ends_the_run_at_once_with_its_cause(tmp_path: Path) -> None:
    film = tmp_path / "film.bin"
    film.write_bytes(bytes(6_000_000))
    options = ("resets", "--users", "2", "--size", "film.bin", "--deadline", "10 min", "--no-calm", "--quiet")
    with Running(tmp_path, *options) as run:
        run.transferring()
        os.truncate(film, 1000)
        status, _, err = run.end()
        assert status == 3, err
        end = ending(run.folder)
        assert end.status == "invalid"
        assert "a client failed: ValueError('the file being uploaded became shorter" in end.causes[0]
        failed = [upload for upload in uploads_of(run.folder) if upload.outcome == "failed"]
        assert failed
        assert all("simsim failed" in upload.why for upload in failed)


def test_a_file_that_is_taken_away_is_uploaded_and_checked_all_the_same(tmp_path: Path) -> None:
    film = tmp_path / "film.bin"
    film.write_bytes(os.urandom(600_000))
    options = ("resets", "--users", "1", "--size", "film.bin", "--protocols", "tus", "--no-calm", "--quiet")
    with Running(tmp_path, *options) as run:
        run.transferring()
        film.unlink()
        status, out, err = run.end()
        assert status == 0, err
        assert "1/1 intact" in out


def uploads_of(folder: Path) -> list[Upload]:
    return [record for record in records_of(folder) if isinstance(record, Upload)]


def test_parts_that_heed_no_signal_share_one_grace(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    children = [Child(f"deaf-{n}", [sys.executable, "-c", deaf], tmp_path / f"{n}.log") for n in range(8)]
    until(lambda: all(child.output() == b"deaf\n" for child in children))
    begun = time.monotonic()
    stop_all(children, grace=3.0)
    assert 3.0 <= time.monotonic() - begun < 8 * 3.0 / 2
    assert [child.returncode for child in children] == [-signal.SIGKILL] * 8
