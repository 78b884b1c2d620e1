"""Made-up findings for tests of the report: a small sum-only model of users on breaking links.

All draws come from one multiplicative generator, so the figures are the same on every machine and
with every version of numpy. The figures mean nothing; their shapes are those of a real run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from simulator.measure.models import ArmSummary, Comparison, Number, Summary, Warning
from simulator.measure.series import Band, Staircase, SurvivalCurve, Throughput
from simulator.records import Arm, Plan, Violation
from simulator.report.findings import FaultRow, Findings, UploadRow

SIZE = 3_000_000
DEADLINE = 60.0
BIN = 0.25
IN_FLIGHT = 40_000


@dataclass(frozen=True)
class Walk:
    """One upload on one link."""

    points: tuple[tuple[float, float], ...]
    faults: tuple[Band, ...]
    finished: float | None
    carried: float
    breaks: int


def chances(seed: int) -> Iterator[float]:
    """Yield numbers in (0, 1): the minimal standard generator of Park and Miller (1988)."""
    state = seed * 7919 + 17
    while True:
        state = state * 48271 % 2147483647
        yield state / 2147483647


def walk(user: int, *, resumes: bool, calm: bool) -> Walk:
    """Carry one upload over one user's link: constant rate, stalls and breaks at the same instants."""
    luck = chances(user + 1)
    rate = 150_000 + 200_000 * next(luck)
    faults = () if calm else _faults(luck)
    t, at, carried, breaks = 0.3, 0.0, 0.0, 0
    points = [(0.0, 0.0), (t, 0.0)]
    for fault in (*faults, Band(DEADLINE, DEADLINE, "end")):
        gained = min(max(0.0, fault.t - t) * rate, SIZE - at)
        carried += gained
        at += gained
        if at >= SIZE:
            end = max(t, t + gained / rate)
            points.append((end, SIZE))
            return Walk(tuple(points), faults, end, carried, breaks)
        points.append((fault.t, at))
        if fault.fault in ("reset", "handover"):
            breaks += 1
            at = max(0.0, at - IN_FLIGHT) if resumes else 0.0
            points.append((fault.t, at))
            t = fault.until + 0.7
        else:
            t = max(t, fault.until)
        points.append((t, at))
    return Walk(tuple(points[:-1]), faults, None, carried, breaks)


def _faults(luck: Iterator[float]) -> tuple[Band, ...]:
    found = []
    t = 0.0
    while True:
        t += -math.log(next(luck)) * 6 + 0.5
        kind = next(luck)
        name = "reset" if kind < 0.4 else "handover" if kind < 0.6 else "stall"
        lasts = 0.0 if name == "reset" else 0.4 + 2 * next(luck)
        if t + lasts >= DEADLINE - 1:
            return tuple(found)
        found.append(Band(t, t + lasts, name))
        t += lasts


ARMS = (
    Arm(name="plain", protocol="plain", framing="POST"),
    Arm(name="tus", protocol="tus"),
    Arm(name="plain/calm", protocol="plain", calm_of="plain"),
    Arm(name="tus/calm", protocol="tus", calm_of="tus"),
)


def made_plan(*, users: int = 20, profile: str = "mobile-flaky", server: str = "reference") -> Plan:
    """Return a plan as a run would have written it."""
    return Plan(
        id="20260301-mobile-flaky-3f9c",
        started="2026-03-01T12:00:00Z",
        command=["simsim", "run", profile, "--seed", "1"],
        profile={"name": profile, "uplink": {"median": "2 Mbit/s"}, "breaks": {"mean": "10 s"}},
        seed=1,
        users=users,
        uploads=1,
        duration_s=None,
        spawn_rate=10.0,
        size="3 MB",
        deadline_s=DEADLINE,
        arms=list(ARMS),
        baseline="plain",
        engine="embedded",
        server=server,
        server_version="0.1.0",
        target="http://127.0.0.1:8080/files/",
        workers=1,
        policy={"stall_timeout": 5.0, "backoff": [0.5, 1.0, 2.0]},
        in_flight_bytes=98_304,
        digests=[f"{user:064x}" for user in range(users)],
        versions={"simsim": "0.1.0", "python": "3.11.7"},
        machine={"system": "Linux", "cores": "2"},
    )


@lru_cache
def made_findings(
    *, users: int = 20, profile: str = "mobile-flaky", server: str = "reference", evidence: str = "42"
) -> Findings:
    """Return findings of *users* on breaking links, with names as given."""
    walks = {arm.name: [_walk_of(arm, user) for user in range(users)] for arm in ARMS}
    return Findings(
        summary=_summary(made_plan(users=users, profile=profile, server=server), walks),
        staircases=tuple(
            Staircase(user, arm, SIZE, w.points, w.faults, w.finished)
            for arm, rows in walks.items()
            for user, w in enumerate(rows)
        ),
        curves=tuple(_curve(arm, rows) for arm, rows in walks.items()),
        ideal=_ideal(users),
        throughput=_throughput(walks),
        uploads=tuple(_upload(arm, user, w) for arm, rows in walks.items() for user, w in enumerate(rows)),
        faults=tuple(_fault_rows(walks)),
        violations=(
            Violation(
                t=12.5,
                user=3,
                arm="tus",
                upload=0,
                n=4,
                rule="tus 1.0, PATCH: Upload-Offset",
                evidence=evidence,
            ),
        ),
    )


def empty_findings() -> Findings:
    """Return findings of a run that was broken off before anything moved."""
    whole = made_findings(users=1)
    arms = [
        arm.model_copy(update={"numbers": {}, "outcomes": {}, "uploads": 0}) for arm in whole.summary.arms
    ]
    summary = whole.summary.model_copy(update={"arms": arms, "comparisons": [], "instrument": {}})
    return Findings(summary, (), (), None, Throughput(BIN, (), {}, {}), (), (), ())


def _walk_of(arm: Arm, user: int) -> Walk:
    return walk(user, resumes=arm.protocol == "tus", calm=arm.calm_of is not None)


def _curve(arm: str, walks: list[Walk]) -> SurvivalCurve:
    ends = sorted(w.finished for w in walks if w.finished is not None)
    lost = [DEADLINE] * (len(walks) - len(ends))
    shares = tuple((i + 1) / len(walks) for i in range(len(ends)))
    return SurvivalCurve(arm, len(walks), tuple(ends), shares, tuple(lost))


def _ideal(users: int) -> SurvivalCurve:
    ends = sorted(
        (w.finished or DEADLINE) * 0.82 for w in (walk(u, resumes=True, calm=False) for u in range(users))
    )
    return SurvivalCurve("ideal", users, tuple(ends), tuple((i + 1) / users for i in range(users)), ())


def _throughput(walks: dict[str, list[Walk]]) -> Throughput:
    bins = int(DEADLINE / BIN)
    starts = tuple(i * BIN for i in range(bins))
    rates = {
        arm: tuple(sum(_gained(w, t) for w in rows) / BIN for t in starts) for arm, rows in walks.items()
    }
    states = {
        kind: tuple(_share(walks["tus"], kind, t) for t in starts) for kind in ("handover", "reset", "stall")
    }
    return Throughput(BIN, starts, rates, states)


def _gained(w: Walk, t: float) -> float:
    return max(0.0, _at(w, t + BIN) - _at(w, t))


def _at(w: Walk, t: float) -> float:
    before = (0.0, 0.0)
    for point in w.points:
        if point[0] > t:
            part = (t - before[0]) / (point[0] - before[0])
            return before[1] + part * (point[1] - before[1])
        before = point
    return before[1]


def _share(walks: list[Walk], kind: str, t: float) -> float:
    struck = sum(any(b.fault == kind and b.t < t + BIN and b.until >= t for b in w.faults) for w in walks)
    return struck / len(walks)


def _upload(arm: str, user: int, w: Walk) -> UploadRow:
    done = w.finished is not None
    return UploadRow(
        arm=arm,
        user=user,
        upload=0,
        size=SIZE,
        outcome="completed" if done else "censored",
        why="" if done else "deadline",
        seconds=w.finished or DEADLINE,
        carried=w.carried,
        interruptions=w.breaks,
        restarts=w.breaks if arm.startswith("plain") else 0,
        integrity="intact" if done else "",
    )


def _fault_rows(walks: dict[str, list[Walk]]) -> Iterator[FaultRow]:
    for arm, rows in walks.items():
        for kind in ("handover", "reset", "stall"):
            bands = [b for w in rows for b in w.faults if b.fault == kind]
            if bands:
                seconds = sum(b.until - b.t for b in bands)
                struck = 0 if kind == "stall" else len(bands)
                yield FaultRow(arm, kind, len(bands), seconds, struck, struck * IN_FLIGHT)


def _summary(plan: Plan, walks: dict[str, list[Walk]]) -> Summary:
    arms = [_arm(arm, walks) for arm in ARMS]
    plain, tus = arms[0].numbers["amplification"], arms[1].numbers["amplification"]
    assert plain.value is not None and tus.value is not None
    avoided = 1 - (tus.value - 1) / (plain.value - 1)
    n = plan.users
    return Summary(
        plan=plan,
        status="finished",
        validity="valid",
        warnings=[],
        headline=(
            f"Resumption avoided at least {avoided * 100:.0f} % of the retransmission "
            f"[{avoided * 100 - 2:.0f}–{avoided * 100 + 1:.0f} %]: {tus.value:.2f} against at least "
            f"{plain.value:.2f} bytes carried per byte of payload"
        ),
        arms=arms,
        comparisons=[
            Comparison(
                arm="tus",
                baseline="plain",
                avoided=_number(avoided, "1", n, 0.02, at_least=True),
                saved_bytes=_number((plain.value - tus.value) * SIZE * n, "B", n, 0.2, at_least=True),
                saved_share=_number(1 - tus.value / plain.value, "1", n, 0.2, at_least=True),
            )
        ],
        instrument={
            "event_late_p99": Number(value=0.0011, unit="s", n=311, method="p99 of done less planned"),
            "delivery_late_p99": Number(value=0.0042, unit="s", n=118, method="p99 over samples"),
            "cpu_engine": Number(value=0.31, unit="1", n=60, method="largest of 1 s samples"),
            "rate_ratio_max": Number(value=1.004, unit="1", n=80, method="largest over links"),
            "lag": Number(value=0.0, unit="s", n=118, method="sum over samples"),
        },
    )


def _number(
    value: float,
    unit: str,
    n: int,
    spread: float = 0.0,
    *,
    at_least: bool = False,
    method: str = "BCa bootstrap",
) -> Number:
    bounded = spread > 0 and n >= 5
    low, high = (value * (1 - spread), value * (1 + spread / 2)) if bounded else (None, None)
    return Number(value=value, unit=unit, n=n, low=low, high=high, at_least=at_least, method=method)


def _arm(arm: Arm, walks: dict[str, list[Walk]]) -> ArmSummary:
    rows = walks[arm.name]
    n, done = len(rows), [w for w in rows if w.finished is not None]
    outcomes = {"completed": len(done), "failed": 0, "censored": n - len(done), "corrupted": 0}
    return ArmSummary(
        name=arm.name,
        protocol=arm.protocol,
        calm_of=arm.calm_of,
        uploads=n,
        outcomes=outcomes,
        failures={},
        numbers=_numbers(arm, rows, _wilson(len(done), n)),
    )


def _numbers(arm: Arm, rows: list[Walk], completed: Number) -> dict[str, Number]:
    n = len(rows)
    payload, carried = SIZE * n, sum(w.carried for w in rows)
    ends = sorted(w.finished or math.inf for w in rows)
    cut = math.inf in ends
    stored = sum(w.points[-1][1] if arm.protocol == "tus" or w.finished else 0 for w in rows)
    breaks = sum(w.breaks for w in rows)
    numbers = {
        "completed": completed,
        "payload": _number(payload, "B", n, method="the plan"),
        "carried": _number(carried, "B", n, 0.1, at_least=cut),
        "overhead": _number(9_000.0 * (n + breaks), "B", n, 0.05),
        "stored": _number(stored, "B", n),
        "amplification": _number(carried / payload, "1", n, 0.12, at_least=cut),
        "time_p50": _quantile(ends, 0.50),
        "time_p95": _quantile(ends, 0.95),
        "goodput": _number(SIZE / min(ends[n // 2], DEADLINE), "B/s", n, 0.2),
        "interruptions": _number(float(breaks), "interruptions", n),
        "intact": _number(1.0, "1", len([e for e in ends if e < math.inf])),
        "unverified": _number(0.0, "uploads", n),
        "duplicates": _number(0.0, "copies", n),
        "violations": _number(1.0 if arm.name == "tus" else 0.0, "violations", n),
    }
    return numbers if arm.calm_of else numbers | _of_breaks(arm, n)


def _of_breaks(arm: Arm, n: int) -> dict[str, Number]:
    lost = float(IN_FLIGHT) if arm.protocol == "tus" else 1_240_000.0
    return {
        "retention": _number(0.71 if arm.protocol == "tus" else 0.33, "1", n, 0.12),
        "efficiency": _number(0.82 if arm.protocol == "tus" else 0.41, "1", n, 0.1),
        "lost": _number(lost, "B", n, 0.1, method="median over interruptions"),
        "recovery": _number(1.43, "s", n, 0.2, method="median over interruptions"),
        "recovery_detect": Number(
            value=None, unit="s", n=0, method="no interruption had a fault to pair with"
        ),
    }


def _quantile(ends: list[float], q: float) -> Number:
    at = ends[min(len(ends) - 1, math.ceil(q * len(ends)) - 1)]
    if at == math.inf:
        return Number(value=DEADLINE, unit="s", n=len(ends), at_least=True, method="Kaplan-Meier")
    return _number(at, "s", len(ends), 0.2, method="Kaplan-Meier")


def _wilson(k: int, n: int) -> Number:
    z, p = 1.96, k / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    return Number(value=p, unit="1", n=n, low=max(0.0, low), high=min(1.0, high), method="Wilson")


def warned(findings: Findings, level: str) -> Summary:
    """Return the summary of *findings* with one warning of *level*."""
    warning = Warning(
        level=level,
        seen="the engine's events were 61 ms late (p99)",
        means="faults struck later than planned",
        advice="use fewer users or more workers",
    )
    return findings.summary.model_copy(update={"validity": level, "warnings": [warning]})
