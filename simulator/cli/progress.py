"""What a run has done so far, told from its records as they come. No terminal here."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from simulator.records import (
    Fault,
    Integrity,
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
MEMORY = 120  # seconds for which faults that are over are remembered: the longest sparkline


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


class FaultCount:
    """How many faults are in force in each second, of late: what is over costs neither room nor time."""

    def __init__(self) -> None:
        self._changes: Counter[int] = Counter()  # by second, from ``_since`` on
        self._since = 0
        self._before = 0  # in force just before ``_since``

    def add(self, start: float, stop: float) -> None:
        """Count one from *start* to *stop* (seconds): in every second that it touches."""
        for second, change in ((math.floor(start), 1), (math.ceil(stop), -1)):
            if second < self._since:
                self._before += change
            else:
                self._changes[second] += change

    def forget(self, until: int) -> None:
        """Let go of what changed before the second *until*."""
        if until > self._since:
            for second in [second for second in self._changes if second < until]:
                self._before += self._changes.pop(second)
            self._since = until

    def each(self, first: int, last: int) -> list[int]:
        """Return how many are in force in each second from *first* to *last*, both included."""
        count = self._before + sum(change for second, change in self._changes.items() if second < first)
        counts = []
        for second in range(first, last + 1):
            count += self._changes.get(second, 0)
            counts.append(count)
        return counts


class Progress:
    """Takes records one by one; its attributes are always a consistent picture of the run."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.now = 0.0
        self.longest = 0.0  # seconds until every deadline is over
        self.arms: dict[str, ArmProgress] = {}
        self.waits_for = ""  # after the swarm's end: what is done now, in words
        self._checked = 0
        self._carried: dict[str, dict[str, int]] = {}  # by engine, by arm
        self._reached: dict[Key, dict[int | None, int]] = {}  # of each part, where there are parts
        self._faults = FaultCount()

    def take(self, record: Record) -> None:
        """Let *record* change the picture."""
        self.now = max(self.now, record.t)
        if isinstance(record, Run):
            self._take_run(record)
        elif isinstance(record, Link):
            self._take_link(record)
        elif isinstance(record, Sample):
            self._take_sample(record)
        elif isinstance(record, Request):
            self._take_request(record)
        elif isinstance(record, Wait):
            self.arms[record.arm].waiting[record.user] = record.t + record.seconds
        elif isinstance(record, Fault):
            self._faults.add(record.t, max(record.until, record.t + INSTANT))
            self._faults.forget(int(self.now) - MEMORY)
        elif isinstance(record, Upload):
            self._take_upload(record)
        elif isinstance(record, Integrity):
            self._take_check(self._checked + 1)

    def states(self, arm: str) -> tuple[int, int, int]:
        """Return how many users of *arm* are sending, waiting and through."""
        progress = self.arms[arm]
        goal = self.plan.uploads if self.plan is not None else 0
        through = sum(1 for count in progress.finished.values() if goal and count >= goal)
        waiting = sum(1 for end in progress.waiting.values() if end > self.now)
        return max(0, progress.users - waiting - through), waiting, through

    def sparkline(self, width: int) -> str:
        """Return the share of links under a fault in each of the last *width* seconds, newest last.

        No more than ``MEMORY`` seconds are shown.
        """
        links = sum(progress.users for progress in self.arms.values()) or 1
        last = int(self.now)
        counts = self._faults.each(max(0, last - min(width, MEMORY) + 1), last)
        shares = [min(1.0, count / links) for count in counts]
        return "".join(BARS[min(len(BARS) - 1, -int(-share * (len(BARS) - 1) // 1))] for share in shares)

    def _take_run(self, record: Run) -> None:
        if record.plan is not None:
            self.plan = record.plan
            self.longest = longest(record.plan)
            self.arms = {arm.name: ArmProgress() for arm in record.plan.arms}
        elif record.event == "check":
            self._take_check(0)
        elif record.event == "end":
            self.waits_for = "writing the report"

    def _take_check(self, checked: int) -> None:
        self._checked = checked
        uploads = sum(arm.ended for arm in self.arms.values())
        self.waits_for = f"checking what the server stored: {checked} of {uploads} uploads checked"

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
        reached = self._reached.setdefault((record.arm, record.user, record.upload), {})
        self.arms[record.arm].again += max(0, reached.get(record.part, 0) - record.start)
        # What a socket took may still be in the link's queue, which carried nothing yet.
        if not self._carried:  # no engine counts: what the sockets took is the nearest known
            self.arms[record.arm].carried += record.sent - (record.unsent or 0)
        passed = record.sent - (record.unsent or 0) - (self.plan.in_flight_bytes if self.plan else 0)
        reached[record.part] = record.start + max(0, passed)

    def _take_upload(self, record: Upload) -> None:
        progress = self.arms[record.arm]
        progress.ended += 1
        progress.completed += record.outcome is Outcome.COMPLETED
        progress.finished[record.user] += 1
        progress.waiting.pop(record.user, None)
        self._reached.pop((record.arm, record.user, record.upload), None)
