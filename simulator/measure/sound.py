"""Whether records make sense together: what no run can have written is refused before it makes a number.

The schema says which fields a record has. Here is what their values must be: times and counts that
are not negative, ends that come after beginnings, and only what the plan has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from pydantic import BaseModel

from simulator.records import Connection, Fault, Plan, Record, Request, Run, Upload

LONGEST = 31 * 86_400.0  # seconds that a run may last
MOST = 2**53  # bytes, and all else that is counted: beyond it a float is no longer exact
ROUNDING = 1e-6  # seconds
USERS = 100_000

_SIGNED = frozenset({"late_p50", "late_p99"})  # lateness: a wake-up may come before its time
_INSTANTS = frozenset({"t", "end", "opened", "started", "issued", "done"})
_POSITIVE = frozenset({"size", "users", "workers", "deadline_s", "duration_s", "spawn_rate"})
_ORDERED: dict[type[BaseModel], tuple[tuple[str, str], ...]] = {
    Fault: (("t", "until"), ("issued", "done")),
    Connection: (("opened", "t"),),
    Request: (("t", "end"), ("sent", "length")),
    Upload: (("started", "t"),),
}
_ONCE: dict[type[BaseModel], tuple[str, ...]] = {
    Request: ("arm", "user", "upload", "n"),
    Upload: ("arm", "user", "upload"),
}


@dataclass
class Sound:
    """Looks at the records of one run in their order."""

    plan: Plan | None = None
    _arms: frozenset[str] = frozenset()
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def check(self, record: Record) -> None:
        """Raise ``ValueError``, with what is wrong, for a *record* that cannot follow those before it."""
        complaint = next(self._complaints(record), None)
        if complaint is not None:
            raise ValueError(complaint)

    def _complaints(self, record: Record) -> Iterator[str]:
        if isinstance(record, Run) and record.plan is not None:
            yield from self._begin(record.plan)
        if self.plan is None:
            yield "it stands before the plan, or there is no plan"
        else:
            yield from _wrong_numbers(record)
            yield from _wrong_order(record)
            yield from self._unplanned(record, self.plan)
            yield from self._repeated(record)

    def _begin(self, plan: Plan) -> Iterator[str]:
        if self.plan is not None:
            yield "it begins a second run: one file holds one run"
        names = [arm.name for arm in plan.arms]
        yield from _wrong_numbers(plan)
        if plan.users > USERS:
            yield f"'users' is {plan.users}, more than {USERS}"
        if not names or len(set(names)) < len(names):
            yield "the plan's arms have no names of their own"
        known = {plan.baseline, *(arm.calm_of for arm in plan.arms if arm.calm_of is not None)}
        for name in sorted(known - set(names)):
            yield f"the plan has no arm '{name}'"
        self.plan, self._arms = plan, frozenset(names)

    def _unplanned(self, record: Record, plan: Plan) -> Iterator[str]:
        arm, user, upload = (getattr(record, name, None) for name in ("arm", "user", "upload"))
        if arm is not None and arm not in self._arms:
            yield f"the plan has no arm '{arm}'"
        if user is not None and user >= plan.users:
            yield f"'user' is {user}, but the plan has {plan.users}, counted from 0"
        if upload is not None and plan.uploads and upload >= plan.uploads:
            yield f"'upload' is {upload}, but the plan has {plan.uploads} for each user, counted from 0"

    def _repeated(self, record: Record) -> Iterator[str]:
        names = _ONCE.get(type(record))
        if names is not None:
            key = tuple(getattr(record, name) for name in names)
            if key in self._seen:
                yield f"this {type(record).__name__.lower()} was told of before"
            self._seen.add(key)


def _wrong_numbers(model: BaseModel) -> Iterator[str]:
    for name in _numbers(type(model)):
        value = getattr(model, name)
        if value is None:
            continue
        if not abs(value) <= MOST:  # so that NaN is caught, too
            yield f"'{name}' is no number, or far out of reach"
        elif value < 0 and name not in _SIGNED:
            yield f"'{name}' is {value}, less than 0"
        elif value == 0 and name in _POSITIVE:
            yield f"'{name}' is 0"
        elif value > LONGEST and name in _INSTANTS:
            yield f"'{name}' is {value:g} s: no run lasts that long"


def _wrong_order(record: Record) -> Iterator[str]:
    for low, high in _ORDERED.get(type(record), ()):
        first, last = getattr(record, low), getattr(record, high)
        if first > last + ROUNDING:
            yield f"'{low}' is {first}, beyond '{high}', which is {last}"


@cache
def _numbers(kind: type[BaseModel]) -> tuple[str, ...]:
    """Return the names of the fields of *kind* that hold a number."""
    forms = (int, float, int | None, float | None)
    return tuple(name for name, item in kind.model_fields.items() if item.annotation in forms)
