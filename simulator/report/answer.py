"""The answer as a small table: a row for each thing that a reader asks first, a column for each arm.

Terminal, Markdown and HTML show this same table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.measure.models import ArmSummary, Summary
from simulator.report import words

Cell = Callable[[Summary, ArmSummary], str]


@dataclass(frozen=True)
class Row:
    """One line of the table; with ``counts``, only where an arm has counted something by that name."""

    label: str
    cell: Cell
    counts: str | None = None

    def shown(self, arms: Sequence[ArmSummary]) -> bool:
        """Return whether the row has anything to say."""
        found = [arm.numbers.get(self.counts) for arm in arms] if self.counts else []
        return self.counts is None or any(number is not None and number.value for number in found)


@dataclass(frozen=True)
class Answer:
    """The arms' names and, for each row, its label and a cell for each arm."""

    arms: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def answer(summary: Summary) -> Answer:
    """Return the table of *summary*; calm twins have no column, they show in the retention row."""
    arms = words.compared(summary)
    rows = [row for row in ROWS if row.shown(arms)]
    return Answer(
        tuple(arm.name for arm in arms),
        tuple((row.label, tuple(row.cell(summary, arm) for arm in arms)) for row in rows),
    )


def _number(name: str) -> Cell:
    """Return the cell that says the number *name* with its interval."""
    return lambda _, arm: _said(arm, name, words.whole)


def _bare(name: str) -> Cell:
    """Return the cell that says the number *name* alone; its interval stands in the report's tables."""
    return lambda _, arm: _said(arm, name, words.value)


def _said(arm: ArmSummary, name: str, say: Callable[..., str]) -> str:
    number = arm.numbers.get(name)
    return words.NOT_MEASURED if number is None else say(number, words.SAID[name].form)


def _retention(summary: Summary, arm: ArmSummary) -> str:
    """Say which share of its calm twin's goodput the arm kept, and what that twin reached."""
    said = _said(arm, "retention", words.whole)
    twin = words.calm_twin(summary, arm)
    goodput = twin.numbers.get("goodput") if twin else None
    if goodput is None or goodput.value is None or said == words.NOT_MEASURED:
        return said
    return f"{said} of {words.value(goodput, words.rate)}"


ROWS = (
    Row("completed", lambda _, arm: words.completed(arm)),
    Row("carried per payload", _number("amplification")),
    Row("time to finish, p50", _bare("time_p50")),
    Row("time to finish, p95", _bare("time_p95")),
    Row("goodput", _bare("goodput")),
    Row("goodput retention", _retention),
    Row("efficiency, of ideal", _number("efficiency")),
    Row("recovery, p50", _bare("recovery")),
    Row("lost per interruption", _bare("lost")),
    Row("integrity", lambda _, arm: words.integrity(arm)),
    Row("duplicates", _bare("duplicates"), counts="duplicates"),
    Row("violations", _bare("violations"), counts="violations"),
)
