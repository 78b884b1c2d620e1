"""How long a swarm may take before it is called hung.

start-up   from the run's zero until the first link begins: processes start, workers gather
running    from the first link on: the ramp, every deadline, and an overtime
"""

from __future__ import annotations

from simulator.errors import PartDied
from simulator.records import Link, Plan, Record
from simulator.swarm.planning import longest

GATHER_TIMEOUT = 60.0  # seconds for all workers to connect
START_TIMEOUT = 4 * GATHER_TIMEOUT  # a leader's 60 s begin once it has loaded, among many that load
OVERTIME = 20.0  # seconds after the last deadline


class Patience:
    """Sees a run's records and says when its swarm should have ended."""

    def __init__(self, plan: Plan) -> None:
        self._longest = longest(plan)
        self._begun: float | None = None

    def see(self, record: Record) -> None:
        """Take note of *record*: the first link begins the swarm's time."""
        if self._begun is None and isinstance(record, Link):
            self._begun = record.t

    def check(self, now: float) -> None:
        """Raise ``PartDied`` when it is over, *now* seconds after the run's zero."""
        if self._begun is None:
            if now > START_TIMEOUT:
                raise PartDied(f"no user of the swarm had begun after {START_TIMEOUT:.0f} s")
        elif now > self._begun + self._longest + OVERTIME:
            raise PartDied(f"the swarm still ran {OVERTIME:.0f} s after the last deadline")
