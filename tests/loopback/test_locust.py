"""The same users under plain Locust, in each of its modes; every test leaves a run that can be reported."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from simulator.records import Link, Plan, Run, Upload
from tests.helpers.runs import ROOT, environment, only_folder, records_of, simsim, until

pytestmark = pytest.mark.loopback

FILE = str(ROOT / "locustfiles" / "resumable.py")
LOCUST = [sys.executable, "-m", "locust", "-f", FILE, "--network", "wifi", "--upload-size", "200 kB"]


def run_locust(cwd: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LOCUST, *options],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        env=environment(),
        check=False,
    )


def ended_run(folder: Path) -> tuple[Plan, str | None, Counter[tuple[str, str]]]:
    """Return the plan, the run's status and how many uploads each arm ended in each outcome."""
    records = records_of(folder)
    first, last = records[0], records[-1]
    assert isinstance(first, Run)
    assert isinstance(last, Run)
    assert first.plan is not None
    outcomes = Counter((item.arm, str(item.outcome)) for item in records if isinstance(item, Upload))
    return first.plan, last.status, outcomes


ALL_SIX = {("plain", "completed"): 3, ("tus", "completed"): 3}


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["one process", "two workers"])
def test_headless_runs_each_slot_once_and_ends_by_itself(tmp_path: Path, processes: tuple[str, ...]) -> None:
    told = run_locust(tmp_path, "--headless", "-u", "6", "-r", "6", *processes)
    assert told.returncode == 0, told.stderr
    plan, status, outcomes = ended_run(only_folder(tmp_path / "results"))
    assert (plan.users, status, outcomes) == (3, "finished", ALL_SIX)
    assert re.search(r"PATCH\s+tus append\s+3", told.stderr), told.stderr
    assert re.search(r"POST\s+plain create\s+3", told.stderr), told.stderr
    assert simsim("report", str(only_folder(tmp_path / "results")), cwd=tmp_path).returncode == 0


def test_a_master_and_workers_that_join_it_share_the_slots(tmp_path: Path) -> None:
    port = str(free_port())
    workers = [
        subprocess.Popen(
            [*LOCUST, "--worker", "--master-port", port],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    told = run_locust(
        tmp_path,
        *("--headless", "-u", "6", "-r", "6", "--master", "--expect-workers", "2"),
        *("--master-bind-host", "127.0.0.1", "--master-bind-port", port),
    )
    assert told.returncode == 0, told.stderr
    assert [worker.wait(60) for worker in workers] == [0, 0]
    folder = only_folder(tmp_path / "results")
    assert ended_run(folder)[1:] == ("finished", ALL_SIX)
    links = {(item.user, item.arm) for item in records_of(folder) if isinstance(item, Link)}
    assert links == {(user, arm) for user in range(3) for arm in ("plain", "tus")}


def test_the_web_ui_starts_runs_one_after_another(tmp_path: Path) -> None:
    port = free_port()
    ui = subprocess.Popen(
        [*LOCUST, "--web-host", "127.0.0.1", "--web-port", str(port)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url))
        for number in (1, 2):
            httpx.post(f"{url}/swarm", data={"user_count": "4", "spawn_rate": "4"}, timeout=60)
            until(lambda number=number: len(finished(tmp_path / "results")) == number)
        assert httpx.get(f"{url}/stats/requests", timeout=60).json()["stats"]
    finally:
        ui.send_signal(signal.SIGTERM)  # Locust has a handler for it; Ctrl-C lands in any greenlet
        _, err = ui.communicate(timeout=60)
    assert [outcomes for _, _, outcomes in map(ended_run, finished(tmp_path / "results"))] == [
        {("plain", "completed"): 2, ("tus", "completed"): 2}
    ] * 2, err


def test_its_run_time_ends_a_run_and_the_records_say_interrupted(tmp_path: Path) -> None:
    """The run time, which covers the server's start, is a quarter of what the uploads would take."""
    told = run_locust(tmp_path, "--headless", "-u", "2", "-r", "2", "-t", "15s", "--upload-size", "100 MB")
    _, status, outcomes = ended_run(only_folder(tmp_path / "results"))
    assert status == "interrupted", told.stderr
    assert outcomes == {("plain", "censored"): 1, ("tus", "censored"): 1}


def test_bad_options_end_it_with_one_line_and_status_two(tmp_path: Path) -> None:
    told = run_locust(tmp_path, "--headless", "-u", "2", "--protocols", "tuss")
    assert told.returncode == 2
    assert "did you mean 'tus'" in told.stderr
    assert not (tmp_path / "results").exists()


def finished(results: Path) -> list[Path]:
    return sorted(
        path.parent for path in results.glob("*/records.jsonl") if b'"event":"end"' in path.read_bytes()
    )


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_fewer_clients_than_arms_are_refused_and_do_not_wait_for_ever(tmp_path: Path) -> None:
    told = run_locust(tmp_path, "--headless", "-u", "1", "-r", "1")
    assert told.returncode == 2
    assert "-u 2 or more" in told.stderr
