"""Findings: all that a report shows, gathered from the records of one run.

records.jsonl --> Dataset --> Summary, series, tables --> charts, terminal, HTML, Markdown
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.measure.models import ArmSummary, Summary
from simulator.measure.series import Staircase, SurvivalCurve, Throughput
from simulator.records import Violation


@dataclass(frozen=True)
class UploadRow:
    """One upload: how it ended and what it took. ``seconds`` and ``carried`` are None when unknown."""

    arm: str
    user: int
    upload: int
    size: int
    outcome: str  # completed, failed, censored, corrupted
    why: str
    seconds: float | None  # first byte to the end; for a censored upload, until it was given up
    carried: float | None  # bytes
    interruptions: int
    restarts: int
    integrity: str  # intact, corrupted, unverified, or "" when nobody looked


@dataclass(frozen=True)
class FaultRow:
    """The faults of one kind on the links of one arm."""

    arm: str
    fault: str
    count: int
    seconds: float  # in force, all links together
    connections: int | None  # struck; None where the engine cannot count them
    dropped: int | None  # bytes thrown away on the links


@dataclass(frozen=True)
class Findings:
    """What the charts and pages are drawn from; every part was made from records alone."""

    summary: Summary
    staircases: tuple[Staircase, ...]
    curves: tuple[SurvivalCurve, ...]
    ideal: SurvivalCurve | None
    throughput: Throughput
    uploads: tuple[UploadRow, ...]
    faults: tuple[FaultRow, ...]
    violations: tuple[Violation, ...]

    def arm(self, name: str) -> ArmSummary | None:
        """Return the numbers of the arm *name*."""
        return next((arm for arm in self.summary.arms if arm.name == name), None)
