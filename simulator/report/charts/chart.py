"""What a chart is: a name, words, the table it is drawn from, and one function that draws it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.report.findings import Findings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """The data of one chart. Each header names its unit where the column has one (``time_s``)."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> str:
        """Return the table as CSV with a header line, times to the microsecond."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows([_text(cell) for cell in row] for row in self.rows)
        return out.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.6f}".rstrip("0")
    return str(cell)


@dataclass(frozen=True)
class Chart:
    """One chart: ``meaning`` says in a sentence what it shows in this run, ``draw`` makes the figure."""

    name: str
    title: str
    meaning: Callable[[Findings], str]
    table: Callable[[Findings], Table]
    draw: Callable[[Findings], Figure]
