"""The same users under plain Locust, in each of its modes; every test leaves a run that can be reported."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Self

import httpx
import psutil
import pytest
import trustme

from simulator.records import Connection, Link, Plan, Request, Run, Upload
from tests.helpers.front import Front, server_context
from tests.helpers.runs import ROOT, command, environment, only_folder, records_of, simsim, until
from tests.helpers.served import serving

pytestmark = pytest.mark.loopback

FILE = str(ROOT / "locustfiles" / "resumable.py")
LOCUST = [sys.executable, "-m", "locust", "-f", FILE, "--network", "wifi", "--upload-size", "200 kB"]
either = pytest.mark.parametrize("workers", [0, 2], ids=["one process", "two workers"])


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


def processes(workers: int) -> tuple[str, ...]:
    """Return the options for so many workers, with a port of their own: others may use Locust's default."""
    port = str(free_port())
    ports = ("--master-port", port, "--master-bind-port", port)
    return ("--processes", str(workers), *ports) if workers else ()


ALL_SIX = {("plain", "completed"): 3, ("tus", "completed"): 3}


@either
def test_headless_runs_each_slot_once_and_ends_by_itself(tmp_path: Path, workers: int) -> None:
    told = run_locust(tmp_path, "--headless", "-u", "6", "-r", "6", *processes(workers))
    assert told.returncode == 0, told.stderr
    plan, status, outcomes = ended_run(only_folder(tmp_path / "results"))
    assert (plan.users, status, outcomes) == (3, "finished", ALL_SIX)
    if not workers:  # Locust's workers tell theirs every few seconds, the last maybe after the table
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


class WebUi:
    """Locust's web UI in *cwd*, driven by its own requests."""

    def __init__(self, cwd: Path, workers: int) -> None:
        self.results = cwd / "results"
        self._workers = workers
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [*LOCUST, "--web-host", "127.0.0.1", "--web-port", str(port), *processes(workers)],
            cwd=cwd,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def new_test(self, size: str) -> Path:
        """Start a test with two users under two arms; return its folder once all four have begun."""
        until(self.ready)
        before = folders(self.results)
        until(lambda: self._post("swarm", {"user_count": "4", "spawn_rate": "4", "upload_size": size}))
        (folder,) = until(lambda: folders(self.results) - before)
        until(lambda: (folder / "records.jsonl").read_bytes().count(b'"kind":"link"') == 4)
        return folder

    def stop(self) -> None:
        assert self._post("stop", {})

    def engines(self) -> list[psutil.Process]:
        children = psutil.Process(self._process.pid).children(recursive=True)
        return [each for each in children if "simulator.links.embedded" in command(each)]

    def ready(self) -> bool:
        """Whether it could start a test: every worker is there, and none is under way."""
        seen = httpx.get(f"{self._url}/stats/requests", timeout=30).json()
        states = [worker["state"] for worker in seen.get("workers", [])]
        return states == ["ready"] * self._workers and seen["state"] in ("ready", "stopped")

    def _post(self, path: str, form: dict[str, str]) -> bool:
        return bool(httpx.post(f"{self._url}/{path}", data=form, timeout=90).json()["success"])

    def __enter__(self) -> Self:
        until(lambda: answers(self._url))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)  # Locust has a handler for it; Ctrl-C lands in any greenlet
        assert self._process.wait(60) is not None


@either
def test_the_web_ui_runs_stops_and_survives_a_dead_engine(tmp_path: Path, workers: int) -> None:
    cut = {("plain", "censored"): 2, ("tus", "censored"): 2}
    whole = {("plain", "completed"): 2, ("tus", "completed"): 2}
    with WebUi(tmp_path, workers) as ui:
        stopped = ui.new_test("100 MB")
        ui.stop()
        assert ended_run(stopped)[1:] == ("interrupted", cut)
        assert {item.why for item in records_of(stopped) if isinstance(item, Upload)} == {"cancelled"}
        finished(ui, whole)
        for _ in range(2):
            broken = ui.new_test("100 MB")
            assert len(ui.engines()) == (workers or 1)  # one in each process that runs users
            ui.engines()[0].kill()
            until(lambda broken=broken: has_ended(broken))
            end = records_of(broken)[-1]
            assert isinstance(end, Run)
            assert end.status == "invalid"
            assert "the engine ended by itself" in end.causes[0]
        finished(ui, whole)


def finished(ui: WebUi, outcomes: dict[tuple[str, str], int]) -> None:
    """Run one small test to its end: it has every upload, and every connection that an upload used."""
    folder = ui.new_test("200 kB")
    until(lambda: has_ended(folder))
    assert ended_run(folder)[1:] == ("finished", outcomes)
    records = records_of(folder)
    used = {(item.arm, item.port) for item in records if isinstance(item, Request)}
    assert used <= {(item.arm, item.port) for item in records if isinstance(item, Connection)}


def test_its_run_time_ends_a_run_and_the_records_say_interrupted(tmp_path: Path) -> None:
    """The run time, which covers the server's start, is a quarter of what the uploads would take."""
    told = run_locust(tmp_path, "--headless", "-u", "2", "-r", "2", "-t", "15s", "--upload-size", "100 MB")
    _, status, outcomes = ended_run(only_folder(tmp_path / "results"))
    assert status == "interrupted", told.stderr
    assert outcomes == {("plain", "censored"): 1, ("tus", "censored"): 1}


BAD = [
    (("--protocols", "tuss"), "simsim: --protocols: there is no protocol 'tuss' (hint: did you mean 'tus'?)"),
    (
        ("--network-seed", "-1"),
        "simsim: --network-seed: -1 is out of reach (hint: from 0 to 9223372036854775807)",
    ),
    (("--deadline", "nan"), "simsim: --deadline: nan is out of reach (hint: from 100 ms to 24 h)"),
    (("-r", "0.001"), "simsim: -r: 0.001 is out of reach (hint: from 0.01 to 10000 users a second)"),
    (("--upload-size", "3"), "simsim: --upload-size: '3' is not a size such as '3 MB'"),
    (
        ("--host", "http://192.0.2.1/"),
        "simsim: '192.0.2.1' is not a loopback address (192.0.2.1) (hint: add --allow-remote",
    ),
]


@pytest.mark.parametrize(("words", "told"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_options_end_it_with_one_line_in_locusts_own_words(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    ended = run_locust(tmp_path, "--headless", "-u", "2", *words)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "results").exists()


def test_an_https_host_is_checked_by_the_authority_that_is_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(tmp_path) as server, Front(server.port, tls=server_context(authority, "localhost")) as front:
        host = f"https://localhost:{front.port}/files/"
        told = run_locust(tmp_path, "--headless", "-u", "2", "-r", "2", "-H", host)
        assert (told.returncode, "--ca FILE" in told.stderr) == (2, True), told.stderr
        assert not (tmp_path / "results").exists()
        told = run_locust(tmp_path, "--headless", "-u", "2", "-r", "2", "-H", host, "--ca", "ca.pem")
    assert told.returncode == 0, told.stderr
    _, status, outcomes = ended_run(only_folder(tmp_path / "results"))
    assert (status, outcomes) == ("finished", {("plain", "completed"): 1, ("tus", "completed"): 1})


def folders(results: Path) -> set[Path]:
    return {path.parent for path in results.glob("*/records.jsonl")}


def has_ended(folder: Path) -> bool:
    return b'"event":"end"' in (folder / "records.jsonl").read_bytes()


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
