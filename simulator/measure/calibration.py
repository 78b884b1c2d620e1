"""What an engine's calibration found: asked, got, error and verdict, and theory against measurement.

Data only. The tolerances are two: what a quiet machine should show, and what a busy one still may.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

FORMAT = 1


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reading(_Model):
    """One quantity: what was asked, what was got, and the error against two tolerances.

    ``unit`` is of ``asked`` and ``got`` ("bit/s", "s", "B", "1"), ``error_unit`` of the other three;
    "1" there is a share of what was asked. ``got`` of None was not to be had (why: ``note``).
    """

    quantity: str
    setting: str  # under what the quantity was measured
    unit: str
    asked: float
    got: float | None
    error_unit: str
    error: float | None = None
    quiet: float
    noisy: float
    n: int
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return ``held``, ``noisy`` (held on a busy machine), ``failed``, or ``not had``."""
        if self.error is None:
            return "not had"
        size = abs(self.error)
        return "held" if size <= self.quiet else "noisy" if size <= self.noisy else "failed"


class TheoryRow(_Model):
    """A closed form against what a run measured; ``low`` and ``high`` bound the 95 % interval.

    ``bound`` marks an expected value that is an upper bound and not the value itself.
    """

    quantity: str
    arm: str
    unit: str
    expected: float
    value: float | None
    low: float | None
    high: float | None
    n: int
    bound: bool = False

    @property
    def verdict(self) -> str:
        """Return ``held`` where the interval covers what theory expects (or lies below its bound).

        One in twenty such intervals misses by chance, so a miss within twice its reach is ``near``,
        and only one beyond that has ``failed``.
        """
        if self.low is None or self.high is None or self.value is None:
            return "not had"
        if self.bound:
            return "held" if self.value <= self.expected else "failed"
        if self.low <= self.expected <= self.high:
            return "held"
        wide = (2 * self.low - self.value, 2 * self.high - self.value)
        return "near" if wide[0] <= self.expected <= wide[1] else "failed"


class Calibration(_Model):
    """One engine, measured on one machine at one time."""

    format: int = FORMAT
    engine: str
    started: str  # ISO 8601, UTC
    simsim: str
    quick: bool
    seconds: float
    readings: list[Reading]
    theory: list[TheoryRow] = []
    strained: str = ""  # why the run against theory was degraded

    @property
    def held(self) -> bool:
        """Whether nothing failed."""
        rows: list[Reading | TheoryRow] = [*self.readings, *self.theory]
        return all(row.verdict != "failed" for row in rows)

    def quote(self) -> str:
        """Return the one line that every report's foot quotes."""
        rows: list[Reading | TheoryRow] = [*self.readings, *self.theory]
        had = [row for row in rows if row.verdict != "not had"]
        held = sum(row.verdict != "failed" for row in had)
        failed = ", ".join(sorted({row.quantity for row in had if row.verdict == "failed"}))
        when = self.started.replace("T", " ").removesuffix("+00:00")
        words = f"engine {self.engine} calibrated {when} UTC: {held} of {len(had)} checks held"
        return f"{words}; failed: {failed}" if failed else words
