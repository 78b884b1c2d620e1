"""Records, sorted: one ``UploadLog`` for each (arm, user, upload), one ``LinkLog`` for each (arm, user).

One pass puts each record into its group; the groups are then closed into frozen logs. A run that
was killed lacks its end and some uploads' ends: an upload with requests and no end is censored at
the last instant that any record saw.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.errors import UsageError
from simulator.measure.carried import Passage, attribute
from simulator.measure.logs import LinkLog, UploadLog
from simulator.measure.redraw import Redrawn, redraw
from simulator.records import (
    Arm,
    Connection,
    Fault,
    Hop,
    Integrity,
    Link,
    Offset,
    Plan,
    Record,
    Request,
    Run,
    Sample,
    Upload,
    Violation,
    Wait,
)
from simulator.weather.sizes import parse_sizes
from simulator.weather.timeline import Timeline

Key = tuple[str, int, int]  # arm, user, upload
LinkKey = tuple[str, int]  # arm, user


@dataclass(frozen=True)
class Dataset:
    """A run's records in groups. ``uploads`` and ``links`` are sorted by arm, user and upload."""

    plan: Plan
    arms: tuple[Arm, ...]
    uploads: Mapping[str, tuple[UploadLog, ...]]  # by arm
    links: Mapping[LinkKey, LinkLog]
    hops: tuple[Hop, ...]
    samples: Mapping[str, tuple[Sample, ...]]  # by part
    weather: Redrawn
    end: Run | None
    last: float  # the last instant that any record of the uploads and their links saw

    @classmethod
    def of(cls, records: Iterable[Record], weather: Redrawn | None = None) -> Dataset:
        """Return *records* in groups; *weather* replaces the timelines drawn from the plan.

        Raises ``UsageError`` when the records hold no plan.
        """
        heap = _Heap()
        for record in records:
            heap.put(record)
        if heap.plan is None:
            raise UsageError(
                "the records hold no plan", where="records.jsonl", mend="its first line says what was run"
            )
        return heap.close(heap.plan, weather if weather is not None else redraw(heap.plan))

    @property
    def status(self) -> str:
        """finished, interrupted or invalid; a run without an end was interrupted by force."""
        return "interrupted" if self.end is None or self.end.status is None else self.end.status

    def link_of(self, upload: UploadLog) -> LinkLog:
        """Return the link that *upload* went over."""
        return self.links[upload.arm, upload.user]


@dataclass
class _Heap:
    """The groups while they grow."""

    plan: Plan | None = None
    end: Run | None = None
    last: float = 0.0
    starts: dict[LinkKey, float] = field(default_factory=dict)
    ends: dict[Key, Upload] = field(default_factory=dict)
    checks: dict[Key, Integrity] = field(default_factory=dict)
    requests: dict[LinkKey, list[Request]] = field(default_factory=lambda: defaultdict(list))
    connections: dict[LinkKey, list[Connection]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[LinkKey, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    offsets: dict[Key, list[Offset]] = field(default_factory=lambda: defaultdict(list))
    waits: dict[Key, list[Wait]] = field(default_factory=lambda: defaultdict(list))
    violations: dict[Key, list[Violation]] = field(default_factory=lambda: defaultdict(list))
    hops: list[Hop] = field(default_factory=list)
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def put(self, record: Record) -> None:
        """Put *record* into its group."""
        _PUT[type(record)](self, record)
        if not isinstance(record, Run | Integrity | Fault):  # found out afterwards, or planned ahead
            self.last = max(self.last, record.end if isinstance(record, Request) else record.t)

    def put_run(self, record: Run) -> None:
        """Keep the plan of a start and the whole of an end."""
        self.plan = record.plan or self.plan
        self.end = record if record.event == "end" else self.end

    def close(self, plan: Plan, weather: Redrawn) -> Dataset:
        """Return the groups as a data set."""
        passages = self._passages()
        sizes = {(user, upload): record.size for (_, user, upload), record in self.ends.items()}
        logs: dict[str, list[UploadLog]] = defaultdict(list)
        for key in sorted(self.ends.keys() | passages.keys()):
            logs[key[0]].append(self._upload(key, plan, passages[key], sizes.get(key[1:])))
        calm = {arm.name for arm in plan.arms if arm.calm_of}
        links = {
            key: self._link(key, weather.calm if key[0] in calm else weather.windy) for key in self._links()
        }
        return Dataset(
            plan=plan,
            arms=tuple(plan.arms),
            uploads={arm.name: tuple(logs[arm.name]) for arm in plan.arms},
            links=links,
            hops=tuple(_by_time(self.hops)),
            samples={part: tuple(_by_time(items)) for part, items in sorted(self.samples.items())},
            weather=weather,
            end=self.end,
            last=self.last,
        )

    def _passages(self) -> dict[Key, list[Passage]]:
        passages: dict[Key, list[Passage]] = defaultdict(list)
        # A run that ended in order has the end of every connection that its engine took.
        complete = self.end is not None and self.end.status == "finished" and bool(self.connections)
        for (arm, user), requests in self.requests.items():
            for passage in attribute(requests, self.connections.get((arm, user), ()), complete=complete):
                passages[arm, user, passage.request.upload].append(passage)
        return passages

    def _links(self) -> list[LinkKey]:
        uploads = {(arm, user) for arm, user, _ in self.ends}
        return sorted(uploads | self.starts.keys() | self.requests.keys() | self.faults.keys())

    def _link(self, key: LinkKey, timelines: Mapping[int, Timeline]) -> LinkLog:
        first = min((request.t for request in self.requests.get(key, ())), default=0.0)
        return LinkLog(
            arm=key[0],
            user=key[1],
            start=self.starts.get(key, first),
            timeline=timelines.get(key[1]),
            faults=tuple(sorted(self.faults.get(key, ()), key=lambda item: item.issued)),
            connections=tuple(sorted(self.connections.get(key, ()), key=lambda item: item.opened)),
        )

    def _upload(self, key: Key, plan: Plan, passages: list[Passage], twin: int | None) -> UploadLog:
        record = self.ends.get(key)
        return UploadLog(
            arm=key[0],
            user=key[1],
            upload=key[2],
            record=record,
            size=record.size if record else _guess_size(plan, passages, twin),
            started=record.started if record else passages[0].request.t,
            ended=record.t if record else self.last,
            passages=tuple(passages),
            offsets=tuple(_by_time(self.offsets.get(key, []))),
            waits=tuple(_by_time(self.waits.get(key, []))),
            violations=tuple(_by_time(self.violations.get(key, []))),
            integrity=self.checks.get(key),
        )


def _by_upload(name: str) -> Callable[[_Heap, Any], None]:
    return lambda heap, record: getattr(heap, name)[_key_of(record)].append(record)


def _by_link(name: str) -> Callable[[_Heap, Any], None]:
    return lambda heap, record: getattr(heap, name)[record.arm, record.user].append(record)


def _one_per_upload(name: str) -> Callable[[_Heap, Any], None]:
    return lambda heap, record: getattr(heap, name).__setitem__(_key_of(record), record)


_PUT: dict[type, Callable[[_Heap, Any], None]] = {
    Run: _Heap.put_run,
    Link: lambda heap, record: heap.starts.__setitem__((record.arm, record.user), record.t),
    Fault: _by_link("faults"),
    Connection: _by_link("connections"),
    Request: _by_link("requests"),
    Offset: _by_upload("offsets"),
    Wait: _by_upload("waits"),
    Violation: _by_upload("violations"),
    Upload: _one_per_upload("ends"),
    Hop: lambda heap, record: heap.hops.append(record),
    Integrity: _one_per_upload("checks"),
    Sample: lambda heap, record: heap.samples[record.part].append(record),
}


def _by_time(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: item.t)


def _guess_size(plan: Plan, passages: list[Passage], twin: int | None) -> int:
    """Return the size of an upload whose end was never recorded."""
    if twin is not None:
        return twin
    _, user, upload = _key_of(passages[0].request)
    try:
        return parse_sizes(plan.size).draw(plan.seed, str(plan.profile.get("name", "")), user, upload)
    except ValueError:  # a file's name: the furthest byte that was to go is its end, but for pieces
        return max(item.request.start + item.request.length for item in passages)


def _key_of(record: Any) -> Key:
    return record.arm, record.user, record.upload
