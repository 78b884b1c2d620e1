"""What a swarm is told to do: the plan, where to send, and which client gets which user and arm.

A job travels as JSON from the one process that hands out slots to all that run users.
"""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from simulator.records import Arm, Plan
from simulator.trust import Credentials, Trust


class Destination(BaseModel):
    """Where one arm's uploads go: the endpoint's URL, the name or number that the link leads to, and the
    keys that sign them.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    host: str
    port: int
    credentials: Credentials | None = None


class Slot(BaseModel):
    """One client of the swarm: one user under one arm."""

    model_config = ConfigDict(frozen=True)

    user: int
    arm: Arm


class Job(BaseModel):
    """Everything a process needs to run users. ``origin`` is the run's zero on CLOCK_MONOTONIC."""

    model_config = ConfigDict(frozen=True)

    plan: Plan
    destinations: dict[str, Destination]  # by arm
    headers: list[tuple[str, str]] = []
    trust: Trust = Trust()
    file: str | None = None  # upload this file instead of seeded bytes
    origin: float
    origin_wall: float
    boot_id: str

    @property
    def hop(self) -> bool:
        """Return whether an HTTP-aware hop stands between the links and the server."""
        return bool(self.plan.profile.get("hop"))

    @property
    def slots(self) -> int:
        """Return how many clients the swarm has: users times arms."""
        return self.plan.users * len(self.plan.arms)

    def slot(self, index: int) -> Slot:
        """Return slot *index*: the arms of one user come one after another, so pairs start together."""
        user, arm = divmod(index, len(self.plan.arms))
        return Slot(user=user, arm=self.plan.arms[arm])

    def local_origin(self) -> float:
        """Return the run's zero on this machine's CLOCK_MONOTONIC (by wall clock on another machine)."""
        if self.boot_id == boot_id():
            return self.origin
        return time.monotonic() - (time.time() - self.origin_wall)


def boot_id() -> str:
    """Return what tells this machine's monotonic clock from another's."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
