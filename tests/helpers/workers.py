"""A program that runs one worker of a swarm beside a leader that fails it; prints what it told as JSON.

python -m tests.helpers.workers unanswered      no claim is ever answered
python -m tests.helpers.workers late            the answer, with its job, comes after the claim was given up
python -m tests.helpers.workers twice           a client fails in each of two runs
python -m tests.helpers.workers started         it stands still for three seconds before its first claim
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import gevent
from locust.env import Environment

from simulator.swarm import user
from simulator.swarm.user import UploadUser, Worker
from tests.helpers.plans import make_job, make_plan

UNUSABLE = make_job(make_plan(policy={"backoff": [], "patience": 1})).model_dump_json()  # no such policy


class Leader:
    """The other end: keeps claims and what is told of the run."""

    def __init__(self, answers: bool) -> None:
        self.claims: list[str] = []
        self.told: list[str] = []
        self.records: list[Any] = []
        self._answers = answers
        environment = Environment(user_classes=[UploadUser])
        self.runner = environment.create_local_runner()
        self.worker = environment.simsim_worker = Worker(environment)
        self.runner.register_message("simsim-claim", self._on_claim)
        self.runner.register_message("simsim-records", self._on_records)
        for name in ("done", "broken", "closed"):
            self.runner.register_message(f"simsim-{name}", self._on_told)

    def answer(self, claim: str) -> None:
        self.runner.send_message("simsim-slot", {"id": claim, "slot": 0, "job": UNUSABLE})

    def _on_claim(self, msg: Any, **_: object) -> None:
        self.claims.append(f"{msg.data['id']} {msg.data['needs_job']}")
        if self._answers:
            self.answer(msg.data["id"])

    def _on_records(self, msg: Any, **_: object) -> None:
        self.records += map(json.loads, msg.data["lines"])

    def _on_told(self, msg: Any, **_: object) -> None:
        self.told.append(f"{msg.type} {(msg.data or {}).get('cause', '')}".strip())


def unanswered() -> list[str]:
    leader = Leader(answers=False)
    leader.worker.run_slot()
    return leader.told


def late() -> list[str]:
    leader = Leader(answers=False)
    leader.worker.run_slot()
    leader.answer(leader.claims[0].split()[0])
    leader.worker.run_slot()
    return [claim.split()[1] for claim in leader.claims]


def twice() -> list[str]:
    leader = Leader(answers=True)
    for _ in range(2):
        gevent.joinall([gevent.spawn(leader.worker.run_slot) for _ in range(2)])
        leader.runner.send_message("simsim-close", {})
    return leader.told


def started() -> list[float]:
    leader = Leader(answers=True)
    gevent.sleep(0.01)  # its loops have begun
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        pass
    leader.worker.run_slot()
    gevent.sleep(0.3)
    leader.runner.send_message("simsim-close", {})
    return [record["stall"] for record in leader.records if "stall" in record]


PROGRAMS = {"unanswered": unanswered, "late": late, "twice": twice, "started": started}

if __name__ == "__main__":
    user.CLAIM_TIMEOUT = 0.2
    json.dump(PROGRAMS[sys.argv[1]](), sys.stdout)
