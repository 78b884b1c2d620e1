"""Bytes that a link carries after their client gave up are carried bytes all the same.

An outage that swallows connects leaves dialled connections in the kernel, with what their clients
sent. When it is over the engine takes them and the link carries it all. The truth is told apart from
the joining of requests and connections: what the engine counted on all connections of an arm, less
the heads that its clients sent.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.measure.summary import Summary
from simulator.records import Cause, Connection, Record, Request
from tests.helpers.runs import only_folder, records_of, simsim

pytestmark = pytest.mark.loopback

PROFILE = """
name = "silent"
summary = "An outage that swallows connects, longer than several attempts"

[link]
up = "4 Mbit/s"
down = "8 Mbit/s"
delay = "5 ms"
jitter = "0 ms"
queue = "32 KiB"

[[weather.events]]
kind = "down-silent"
at = "0.5 s"
for = "5 s"

[workload]
users = 3
uploads = 1
size = "600 kB"
spawn_rate = 20
deadline = "60 s"

[policy]
backoff = ["0 s"]
stall_timeout = "1 s"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cwd = tmp_path_factory.mktemp("silent")
    (cwd / "silent.toml").write_text(PROFILE)
    told = simsim("run", "./silent.toml", "--no-calm", "--quiet", cwd=cwd)
    assert told.returncode == 0, told.stderr
    return only_folder(cwd / "results")


def of_arm(records: list[Record], arm: str) -> tuple[list[Request], list[Connection]]:
    requests = [item for item in records if isinstance(item, Request) and item.arm == arm]
    return requests, [item for item in records if isinstance(item, Connection) and item.arm == arm]


@pytest.mark.parametrize("arm", ["plain", "tus"])
def test_all_that_the_engine_counted_belongs_to_a_request(folder: Path, arm: str) -> None:
    requests, connections = of_arm(records_of(folder), arm)
    hung = [item for item in requests if item.cause is Cause.STALLED and item.fresh]
    taken_late = {
        (each.user, each.port)
        for each in connections
        for item in hung
        if (each.user, each.port) == (item.user, item.port) and each.opened > item.end
    }
    assert len(taken_late) >= 3  # one at least for each user, or the outage did not do its work
    truth = sum(each.carried_up for each in connections) - sum(item.head for item in requests)
    summary = Summary.model_validate(json.loads((folder / "summary.json").read_text()))
    [found] = (each.numbers["carried"] for each in summary.arms if each.name == arm)
    assert (found.value, found.method) == (truth, "C by the engine's counts")
