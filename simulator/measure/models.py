"""What a report says: every figure with its unit, n and interval. Data only; ``summary`` fills it in."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from simulator.records import Plan


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(_Model):
    """One figure. ``value`` of None is "not measured" (why: ``method``); ``at_least`` marks a lower bound.

    ``low`` and ``high`` bound the 95 % interval, None when none may be drawn (fewer than 5 users).
    """

    value: float | None
    unit: str  # "1" for ratios, "B", "s", "B/s", "uploads" ...
    n: int
    low: float | None = None
    high: float | None = None
    at_least: bool = False
    method: str = ""


class ArmSummary(_Model):
    """The numbers of one arm, by name (the names are listed in ``NUMBERS``)."""

    name: str
    protocol: str
    calm_of: str | None
    uploads: int
    outcomes: dict[str, int]  # completed, failed, censored, corrupted
    failures: dict[str, int]  # why -> count
    numbers: dict[str, Number]


class Comparison(_Model):
    """One arm against the baseline, over the same users and the same weather."""

    arm: str
    baseline: str
    avoided: Number  # share of the baseline's retransmission that this arm did not carry
    saved_bytes: Number
    saved_share: Number  # of the baseline's carried bytes


class HopStep(_Model):
    """One step of the run's hop: what it does, and how often it fired, in all and for each arm."""

    id: str
    does: str
    fired: int
    by_arm: dict[str, int]


class Warning(_Model):
    """What was seen, what it may mean, what to do. ``invalid`` ones void the run."""

    level: str  # note, degraded, invalid
    seen: str
    means: str
    advice: str


class Summary(_Model):
    """Everything a report says, made from records alone."""

    plan: Plan
    status: str  # finished, interrupted, invalid
    validity: str  # valid, degraded, invalid
    warnings: list[Warning]
    headline: str
    arms: list[ArmSummary]
    comparisons: list[Comparison]
    hop: list[HopStep] = []
    # event_late_p99, delivery_late_p99, cpu by part, rate_ratio_max, lag, stall_max
    instrument: dict[str, Number]


NUMBERS = {
    "completed": "share of uploads that the client saw completed and that are intact",
    "payload": "P, bytes of the representations",
    "sent": "S, body bytes the client's sockets accepted",
    "carried": "C, body bytes that left the link's bottleneck",
    "overhead": "H, head and answer bytes, both directions",
    "stored": "D, bytes of which the server acknowledged storage",
    "retransmitted": "R = C - P of completed uploads",
    "amplification": "sum C / sum P",
    "time_p50": "completion time, median by Kaplan-Meier",
    "time_p95": "completion time, 95th percentile by Kaplan-Meier",
    "time_mean": "completion time, mean; only where every upload was completed",
    "efficiency": "T*/T, median over completed uploads",
    "goodput": "P/T, median over completed uploads",
    "retention": "goodput / goodput of the calm twin, ratio of the paired medians",
    "lost": "bytes carried but not kept, per interruption, mean",
    "recovery": "fault to first new byte stored, median",
    "recovery_detect": "fault to the client's notice, median",
    "recovery_backoff": "waiting by policy, median",
    "recovery_reconnect": "dialling, median",
    "recovery_query": "asking for the offset, median",
    "recovery_blocked": "refused by the server for now, median",
    "recovery_resend": "from the resuming request to the first new byte stored, median",
    "interruptions": "attempts that ended before their end",
    "restarts": "uploads begun again from byte 0",
    "duplicates": "complete copies on the server beyond one per upload",
    "intact": "share of checked uploads whose stored bytes are those sent",
    "unverified": "completed uploads whose stored bytes could not be read",
    "violations": "breaches of the protocol by the server",
}
