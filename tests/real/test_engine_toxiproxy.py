"""The engine on the real toxiproxy: what both ends see of its faults, its manners, and whole runs."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from simulator.errors import PartDied
from simulator.links.engine import LinkSpec
from simulator.links.toxiproxy import ToxiproxyEngine
from simulator.measure.summary import Summary
from simulator.records import Change, Fault, Run, Sample
from simulator.weather.timeline import Break, RateCurve
from tests.contracts.check_engine import flat, happened, instant, is_silent, scene
from tests.helpers import sinks
from tests.helpers.runs import ROOT, Running, command, environment, only_folder, records_of, simsim, until

pytestmark = pytest.mark.real

FEW = ("--users", "4", "--size", "700 kB", "--no-calm", "--quiet")
LONG = ("mobile-flaky", "--engine", "toxiproxy", "--users", "3", "--size", "6 MB", "--no-calm", "--quiet")


def noise(nbytes: int) -> bytes:
    return random.Random(7).randbytes(nbytes)


def stalls(*spans: tuple[float, float], rate: float = 4e6) -> RateCurve:
    edges = [edge for span in spans for edge in span]
    return RateCurve((0.0, *edges), (rate, *(0.0 if n % 2 == 0 else rate for n in range(len(edges)))))


# --- faults, as both ends see them ---


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_a_cut_ends_what_is_under_way_and_the_port_serves_on(toxiproxy: Path, kind: str) -> None:
    data = noise(2_000_000)
    with scene(ToxiproxyEngine, flat(rate=4e6, delay=0.02, breaks=[instant(kind, 1.0)])) as link:
        with link.dial() as client:
            sending = sinks.send_all(client, data)
            fault = link.wait("fault")
            there = link.server.ended()
            sinks.wait_until(lambda: sending.reset or sending.eof)
        assert (fault["fault"], fault["connections"], fault["dropped"]) == (kind, None, None)
        assert 0 < there.nbytes < len(data)
        assert there.sha.digest() == hashlib.sha256(data[: there.nbytes]).digest()
        assert there.end == "eof"
        before = link.engine.address("link")
        with link.dial() as again:
            again.sendall(b"x")
            assert link.server.arrival(1)
        assert link.engine.address("link") == before


def test_a_handover_leaves_old_connections_in_silence_and_serves_another_address(toxiproxy: Path) -> None:
    timeline = flat(curve=stalls((0.5, 1.0)), breaks=[Break(0.5, "handover", 1.0)])
    with scene(ToxiproxyEngine, timeline, sinks.Echo()) as link, link.dial() as old:
        old.sendall(b"x")
        assert old.recv(1) == b"x"
        first = link.engine.address("link")
        link.wait("fault")
        assert link.engine.address("link") != first
        old.sendall(b"into the void")
        with link.dial() as new:
            new.sendall(b"x")
            assert new.recv(1) == b"x"
            assert time.monotonic() >= link.at(1.0)
        assert is_silent(old, 0.5)
        assert (link.server.arrival(0).end, link.server.arrival(0).nbytes) == ("", 1)


def test_a_link_that_is_down_refuses_and_is_back_at_the_same_port(toxiproxy: Path) -> None:
    timeline = flat(curve=stalls((0.5, 1.5)), breaks=[Break(0.5, "down", 1.5)])
    with scene(ToxiproxyEngine, timeline, sinks.Echo()) as link:
        link.wait("fault")
        with pytest.raises(ConnectionRefusedError):
            link.dial()
        link.wait("change")
        with link.dial() as new:
            new.sendall(b"x")
            assert new.recv(1) == b"x"


def test_a_cut_after_bytes_delivers_exactly_these(toxiproxy: Path) -> None:
    data = noise(200_000)
    cut = Break(0.0, "cut-after", 60.0, connection_bytes=123_457)
    with scene(ToxiproxyEngine, flat(rate=20e6, breaks=[cut])) as link, link.dial() as client:
        sinks.send_all(client, data)
        there = link.server.ended()
    assert there.nbytes == 123_457
    assert there.sha.digest() == hashlib.sha256(data[:123_457]).digest()


def test_stalls_that_end_under_many_full_connections_neither_kill_it_nor_change_a_byte(
    toxiproxy: Path,
) -> None:
    # Released in one step, toxiproxy 2.12.0 ends here (changes.Play.settles): a stalled chunk is looked at
    # every 100 ms, and these stalls end about when it is.
    spans = tuple((0.5 + 0.3 * n, 0.7 + 0.3 * n + 0.0003 * n) for n in range(40))
    breaks = [Break(begin, "stall", end) for begin, end in spans]
    data = noise(1_000_000)
    with scene(ToxiproxyEngine, flat(curve=stalls(*spans, rate=4e6), breaks=breaks)) as link:
        clients = [link.dial() for _ in range(60)]
        for client in clients:
            sinks.send_all(client, data)
        for n in range(len(clients)):
            sinks.wait_until(lambda n=n: link.server.arrival(n).nbytes == len(data))
        whole = hashlib.sha256(data).digest()
        assert all(link.server.arrival(n).sha.digest() == whole for n in range(len(clients)))
        link.wait("fault", len(spans))
        for client in clients:
            client.close()


def test_a_cut_in_a_stall_and_the_rate_after_it_do_not_kill_it(toxiproxy: Path) -> None:
    # What is left of cut connections must never see its rate raised (changes.Change).
    spans = tuple((0.5 + 0.5 * n, 0.8 + 0.5 * n) for n in range(10))
    breaks = [item for begin, end in spans for item in (Break(begin, "stall", end), instant("reset", end))]
    with scene(ToxiproxyEngine, flat(curve=stalls(*spans), breaks=sorted(breaks))) as link:
        for n in range(len(spans)):
            with link.dial() as client:
                sinks.send_all(client, bytes(2_000_000))
                link.wait("fault", 2 * (n + 1))
        time.sleep(0.5)
        with link.dial() as last:
            last.sendall(b"x")
            sinks.wait_until(lambda: link.server.arrival(len(spans)).nbytes == 1)


def test_it_says_what_it_changes_but_counts_nothing(toxiproxy: Path) -> None:
    with scene(ToxiproxyEngine, flat(curve=RateCurve((0.0, 0.3), (4e6, 1e6)))) as link, link.dial() as client:
        client.sendall(bytes(1000))
        change = link.wait("change")
        assert change["what"] == "bandwidth-upstream 125, bandwidth-downstream 125"
        assert change["planned"] <= change["issued"] <= change["done"] < change["planned"] + 1
        said = [*link.said, *link.engine.events(0.5), *link.engine.close()]
        assert {event["event"] for event in said} == {"change"}


# --- its manners ---


@contextmanager
def running_server(toxiproxy: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Somebody else's toxiproxy, with a proxy of theirs."""
    with socket.socket() as scout:
        scout.bind(("127.0.0.1", 0))
        port = scout.getsockname()[1]
    words = [str(toxiproxy), "-host", "127.0.0.1", "-port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: _answers(url))
            theirs = {"name": "redis", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:6379"}
            httpx.post(f"{url}/proxies", json=theirs, trust_env=False).raise_for_status()
            yield url, psutil.Process(process.pid)
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/version", trust_env=False).is_success
    except httpx.TransportError:
        return False


def proxies(url: str) -> list[str]:
    return sorted(httpx.get(f"{url}/proxies", trust_env=False, timeout=30).json())


def test_on_a_server_that_runs_it_leaves_a_strangers_proxy_alone_and_takes_its_own_away(
    toxiproxy: Path,
) -> None:
    with running_server(toxiproxy) as (url, _), sinks.Echo() as server:
        with ToxiproxyEngine(url, "run-1") as engine:
            engine.open([LinkSpec("a", "g", flat(breaks=[instant("reset", 0.2)]), server.address)])
            engine.start("a", time.monotonic())
            until(lambda: happened(engine.events(0.5), "fault"))
            mine = [name for name in proxies(url) if name != "redis"]
            assert mine
            assert all(name.startswith("simsim-") and "-run-1-" in name for name in mine)
        assert proxies(url) == ["redis"]


def lives(process: psutil.Process) -> bool:
    """Whether *process* still does anything: a zombie's parent may never look."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


ORPHAN = """
import sys, time
from simulator.links.engine import LinkSpec
from simulator.links.toxiproxy import ToxiproxyEngine
from tests.contracts.check_engine import flat
url, port = sys.argv[1:]
engine = ToxiproxyEngine(None if url == "own" else url, "orphan")
engine.open([LinkSpec("a", "g", flat(), ("127.0.0.1", int(port)))])
print(engine.pid, flush=True)
time.sleep(600)
"""


@contextmanager
def orphan(url: str, port: int) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A parent with an engine, in a process that can be killed, and its conductor."""
    words = [sys.executable, "-c", ORPHAN, url, str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT) as parent:
        assert parent.stdout is not None
        try:
            yield parent, psutil.Process(int(parent.stdout.readline()))
        finally:
            parent.kill()


def test_a_parent_that_is_killed_leaves_no_proxies_behind(toxiproxy: Path) -> None:
    with (
        running_server(toxiproxy) as (url, _),
        sinks.Echo() as server,
        orphan(url, server.address[1]) as (parent, conductor),
    ):
        assert len(proxies(url)) == 2
        parent.send_signal(signal.SIGKILL)
        until(lambda: not lives(conductor))
        until(lambda: proxies(url) == ["redis"])


def test_what_a_killed_conductor_leaves_the_next_one_clears_and_nothing_else(toxiproxy: Path) -> None:
    with (
        running_server(toxiproxy) as (url, _),
        sinks.Echo() as server,
        orphan(url, server.address[1]) as (_, other),
        orphan(url, server.address[1]) as (_, conductor),
    ):
        conductor.kill()
        until(lambda: not lives(conductor))
        (left,) = [name for name in proxies(url) if f"-{conductor.pid}-" in name]
        with ToxiproxyEngine(url, "next") as engine:
            engine.open([LinkSpec("a", "g", flat(), server.address)])
            assert left not in proxies(url)
            assert any(f"-{other.pid}-" in name for name in proxies(url))
            assert "redis" in proxies(url)


def test_a_server_of_its_own_dies_with_the_killed_conductor(toxiproxy: Path) -> None:
    with sinks.Echo() as server, orphan("own", server.address[1]) as (_, conductor):
        (child,) = conductor.children()
        assert "toxiproxy-server" in command(child)
        conductor.kill()
        until(lambda: not lives(child))


def test_a_server_that_hangs_is_given_up_on_and_named(toxiproxy: Path) -> None:
    curve = RateCurve((0.0, 0.5), (4e6, 1e6))
    with running_server(toxiproxy) as (url, process), sinks.Echo() as server:
        engine = ToxiproxyEngine(url, "hung")
        engine.open([LinkSpec("a", "g", flat(curve=curve), server.address)])
        process.suspend()
        try:
            engine.start("a", time.monotonic())
            with pytest.raises(PartDied, match=r"toxiproxy at .* was not answered within 10 s"):
                until(lambda: engine.events(1.0) and False, timeout=60)
        finally:
            process.resume()
            engine.close()


# --- whole runs ---


def summary_of(cwd: Path) -> Summary:
    return Summary.model_validate(json.loads((only_folder(cwd / "results") / "summary.json").read_text()))


def ending(folder: Path) -> Run:
    last = records_of(folder)[-1]
    assert isinstance(last, Run)
    return last


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_of_mobile_flaky_ends_valid_and_says_what_is_approximate(
    toxiproxy: Path, tmp_path: Path, workers: str
) -> None:
    told = simsim("run", "mobile-flaky", "--engine", "toxiproxy", "--workers", workers, *FEW, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    summary = summary_of(tmp_path)
    assert (summary.plan.engine, summary.validity in ("valid", "degraded")) == ("toxiproxy", True)
    for arm in summary.arms:
        assert arm.outcomes["corrupted"] == 0
        assert arm.numbers["amplification"].value is not None
        assert arm.numbers["amplification"].value >= 1
    assert any("a reset ends connections by closing" in warning.seen for warning in summary.warnings)
    records = records_of(only_folder(tmp_path / "results"))
    engines = {each.part for each in records if isinstance(each, Sample) and "engine" in each.part}
    assert len(engines) == 2 * int(workers)  # a conductor and its server, each
    assert {type(each) for each in records} >= {Fault, Change}


def test_a_run_on_a_server_that_runs_leaves_it_as_it_was(toxiproxy: Path, tmp_path: Path) -> None:
    with running_server(toxiproxy) as (url, _):
        told = simsim("run", "resets", "--engine", url, *FEW, cwd=tmp_path)
        assert told.returncode == 0, told.stderr
        assert proxies(url) == ["redis"]
    assert summary_of(tmp_path).plan.engine == url


def test_toxiproxy_killed_in_mid_run_makes_it_invalid_and_the_records_are_kept(
    toxiproxy: Path, tmp_path: Path
) -> None:
    with Running(tmp_path, *LONG) as run:
        victim = run.part("toxiproxy-server -host")
        run.transferring()
        os.kill(victim.pid, signal.SIGKILL)
        status, out, err = run.end()
        assert status == 3, err
        end = ending(run.folder)
        assert end.status == "invalid"
        assert any("toxiproxy-server was killed by SIGKILL" in cause for cause in end.causes), end.causes
        assert "invalid" in out.splitlines()[0].lower()
        assert len(records_of(run.folder)) > 5
        assert (run.folder / "report.html").exists()


def test_a_run_that_is_killed_leaves_no_server_and_no_conductor(toxiproxy: Path, tmp_path: Path) -> None:
    with Running(tmp_path, *LONG) as run:
        run.part("toxiproxy-server -host")
        run.transferring()
        run.process.kill()
        run.end()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("stale-lock", "--engine", "toxiproxy"), "toxiproxy cannot strike 'handover' at 50 %"),
        (("lte", "--engine", "http://127.0.0.1:9"), "no toxiproxy answers at 127.0.0.1:9"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_starts(
    toxiproxy: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    ended: Any = simsim("run", *words, cwd=tmp_path)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
