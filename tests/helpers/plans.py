"""Small plans and jobs for tests."""

from __future__ import annotations

import time
from typing import Any

from simulator.protocols.policy import Policy
from simulator.records import Arm, Plan
from simulator.swarm.job import Destination, Job, boot_id
from simulator.weather import load_profile


def make_plan(**changes: Any) -> Plan:
    """Return a plan of two users, plain and tus, on the profile ``resets``."""
    profile = load_profile("resets").with_workload(users=2, size="200 kB")
    figures: dict[str, Any] = {
        "id": "test",
        "started": "2026-01-01T00:00:00+00:00",
        "command": ["simsim", "run", "resets"],
        "profile": profile.to_dict(),
        "seed": 1,
        "users": 2,
        "uploads": 1,
        "duration_s": None,
        "spawn_rate": 10.0,
        "size": "200 kB",
        "deadline_s": 30.0,
        "arms": [Arm(name="plain", protocol="plain"), Arm(name="tus", protocol="tus")],
        "baseline": "plain",
        "engine": "embedded",
        "server": "reference",
        "server_version": "0",
        "target": "http://127.0.0.1:1/files/",
        "workers": 1,
        "policy": Policy().to_dict(),
        "in_flight_bytes": 65536,
        "digests": ["", ""],
        "versions": {},
        "machine": {},
    }
    return Plan(**{**figures, **changes})


def make_job(plan: Plan | None = None, *, port: int = 1, path: str = "/files/") -> Job:
    """Return a job that sends every arm of *plan* to loopback *port*."""
    plan = plan or make_plan()
    destination = Destination(url=f"http://127.0.0.1:{port}{path}", host="127.0.0.1", port=port)
    return Job(
        plan=plan,
        destinations={arm.name: destination for arm in plan.arms},
        origin=time.monotonic(),
        origin_wall=time.time(),
        boot_id=boot_id(),
    )
