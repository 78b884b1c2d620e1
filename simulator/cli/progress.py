"""What a run has done so far, told from its records as they come. No terminal here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from simulator.records import (
    Fault,
    Link,
    Outcome,
    Plan,
    Record,
    Request,
    Run,
    Sample,
    Upload,
    Wait,
)
from simulator.swarm.planning import longest

Key = tuple[str, int, int]  # arm, user, upload
BARS = " ▁▂▃▄▅▆▇█"
INSTANT = 1.0  # seconds for which a fault without a length is shown


@dataclass
class ArmProgress:
    """One arm so far; bytes are of bodies (``again``) and of everything on the link (``carried``)."""

    users: int = 0
    ended: int = 0
    completed: int = 0
    carried: int = 0
    again: int = 0
    waiting: dict[int, float] = field(default_factory=dict)  # user -> end of its wait
    finished: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # user -> uploads ended


class Progress:
    """Takes records one by one; its attributes are always a consistent picture of the run."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.now = 0.0
        self.longest = 0.0  # seconds until every deadline is over
        self.arms: dict[str, ArmProgress] = {}
        self._carried: dict[str, dict[str, int]] = {}  # by engine, by arm
        self._reached: dict[Key, int] = {}
        self._faults: list[tuple[float, float]] = []

    def take(self, record: Record) -> None:
        """Let *record* change the picture."""
        self.now = max(self.now, record.t)
        if isinstance(record, Run) and record.plan is not None:
            self.plan = record.plan
            self.longest = longest(record.plan)
            self.arms = {arm.name: ArmProgress() for arm in record.plan.arms}
        elif isinstance(record, Link):
            self._take_link(record)
        elif isinstance(record, Sample):
            self._take_sample(record)
        elif isinstance(record, Request):
            self._take_request(record)
        elif isinstance(record, Wait):
            self.arms[record.arm].waiting[record.user] = record.t + record.seconds
        elif isinstance(record, Fault):
            self._faults.append((record.t, max(record.until, record.t + INSTANT)))
        elif isinstance(record, Upload):
            self._take_upload(record)

    def states(self, arm: str) -> tuple[int, int, int]:
        """Return how many users of *arm* are sending, waiting and through."""
        progress = self.arms[arm]
        goal = self.plan.uploads if self.plan is not None else 0
        through = sum(1 for count in progress.finished.values() if goal and count >= goal)
        waiting = sum(1 for end in progress.waiting.values() if end > self.now)
        return max(0, progress.users - waiting - through), waiting, through

    def sparkline(self, width: int) -> str:
        """Return the share of links under a fault in each of the last *width* seconds, newest last."""
        links = sum(progress.users for progress in self.arms.values()) or 1
        last = int(self.now)
        shares = []
        for second in range(max(0, last - width + 1), last + 1):
            hit = sum(1 for start, stop in self._faults if start < second + 1 and stop > second)
            shares.append(min(1.0, hit / links))
        return "".join(BARS[min(len(BARS) - 1, -int(-share * (len(BARS) - 1) // 1))] for share in shares)

    def _take_link(self, record: Link) -> None:
        if self.plan is not None and not any(arm.users for arm in self.arms.values()):
            self.longest = record.t + longest(self.plan)
        self.arms[record.arm].users += 1

    def _take_sample(self, record: Sample) -> None:
        if record.carried_up is None:
            return
        self._carried[record.part] = record.carried_up
        for name, progress in self.arms.items():
            progress.carried = sum(by_arm.get(name, 0) for by_arm in self._carried.values())

    def _take_request(self, record: Request) -> None:
        if not record.length:
            return
        key = (record.arm, record.user, record.upload)
        self.arms[record.arm].again += max(0, self._reached.get(key, 0) - record.start)
        # What a socket took may still be in the link's queue, which carried nothing yet.
        passed = record.sent - (record.unsent or 0) - (self.plan.in_flight_bytes if self.plan else 0)
        self._reached[key] = record.start + max(0, passed)

    def _take_upload(self, record: Upload) -> None:
        progress = self.arms[record.arm]
        progress.ended += 1
        progress.completed += record.outcome is Outcome.COMPLETED
        progress.finished[record.user] += 1
        progress.waiting.pop(record.user, None)
