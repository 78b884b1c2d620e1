"""Faults of the run itself: records are kept, the run is marked, and no process is left behind."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from simulator.records import Link, Record, Run, Upload
from tests.helpers.runs import Running, records_of, simsim, until

pytestmark = pytest.mark.loopback

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
    ],
    ids=["engine", "swarm", "master", "worker", "server"],
)
def test_a_part_that_is_killed_makes_the_run_invalid_and_is_named(
    tmp_path: Path, words: str, options: tuple[str, ...]
) -> None:
    with Running(tmp_path, *LONG, *options) as run:
        victim = run.part(words)
        run.transferring(LINKS)
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
        run.transferring(LINKS)
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
        run.transferring(LINKS)
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
        run.transferring(LINKS)
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
        run.transferring(LINKS)
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
        run.transferring(LINKS)
        size = (run.folder / "records.jsonl").stat().st_size
        hard = resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (size + 500, hard))
        status, _, err = run.end()
        assert status == 3, err
        assert os.strerror(errno.EFBIG) in err
        assert err.count("\n") == 1
        assert count(run.folder, Link) == LINKS
