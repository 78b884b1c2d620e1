"""Calibration: each quantity's error as a share of what a busy machine may show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.measure.calibration import Calibration, Reading
from simulator.report.charts import style
from simulator.report.charts.chart import Cell, Table
from simulator.report.said import error_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.235  # inches
MOST = 1.5  # of the tolerance; what is beyond is drawn at the edge
TONES = {"held": "#009e73", "noisy": "#e69f00", "failed": "#d55e00"}  # Okabe and Ito


def table(found: Calibration) -> Table:
    """Return a row for each reading; the units are the reading's own."""
    rows: list[tuple[Cell, ...]] = [
        (r.quantity, r.unit, r.asked, r.got, r.error_unit, r.error, r.quiet, r.noisy, r.n, r.verdict)
        for r in found.readings
    ]
    header = ("quantity", "unit", "asked", "got", "error_unit", "error", "quiet", "noisy", "n", "verdict")
    return Table(header, tuple(rows))


def draw(found: Calibration) -> Figure:
    """Draw a dot for each reading, between no error and the wider tolerance, a tick at the narrower one."""
    readings = [reading for reading in found.readings if reading.error is not None]
    figure, (panel,) = style.sheet(_words(found), [ROW * max(1, len(readings))], left=1.75)
    panel.set_xlim(0, MOST)
    panel.set_ylim(len(readings) - 0.5, -0.5)
    panel.axvline(1.0, color=style.FAULT, linewidth=1)
    panel.set_yticks(range(len(readings)), [_name(reading) for reading in readings])
    panel.set_xticks([0, 0.5, 1], ["none", "", "tolerance of\na busy machine"])
    for row, reading in enumerate(readings):
        share = _share(reading)
        tone = TONES[reading.verdict]
        panel.plot([0, share], [row, row], color=tone, linewidth=2, alpha=0.5)
        panel.plot([share], [row], "o", color=tone, markersize=6, clip_on=False)
        if reading.noisy:
            panel.plot([reading.quiet / reading.noisy], [row], "|", color=style.INK, markersize=8)
        panel.text(MOST * 1.02, row, error_text(reading), size=8.5, color=style.SOFT, va="center")
    return figure


def _words(found: Calibration) -> style.Words:
    held = sum(reading.verdict in ("held", "noisy") for reading in found.readings)
    subtitle = f"{held} of {len(found.readings)} readings held · tick: the tolerance of a quiet machine"
    return style.Words(f"The error of the engine {found.engine}", subtitle, found.quote())


def _name(reading: Reading) -> str:
    from simulator.report.said import asked_text

    return f"{reading.quantity}, {asked_text(reading)}" if reading.asked else reading.quantity


def _share(reading: Reading) -> float:
    """Return the error in tolerances; where none is allowed, none or the edge."""
    error = abs(reading.error or 0.0)
    if not reading.noisy:
        return MOST if error else 0.0
    return min(MOST, error / reading.noisy)
