"""Where a calibration lies: ``calibration/<engine>.json`` beside the runs, with its chart as PNG and CSV."""

from __future__ import annotations

from pathlib import Path

from simulator.measure.calibration import Calibration
from simulator.report.charts import calibration as chart
from simulator.report.charts import style
from simulator.swarm.results import calibration_file, unwritable


def place(results: Path, engine: str) -> Path:
    """Make room for a calibration of *engine* and return its path. Raises ``UsageError``."""
    path = calibration_file(results, engine)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise unwritable(results, error) from error
    return path


def write(found: Calibration, path: Path) -> None:
    """Write *found* to *path*, its chart beside it."""
    path.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".png").write_bytes(style.png(chart.draw(found)))
    path.with_suffix(".csv").write_text(chart.table(found).csv(), encoding="utf-8", newline="\n")
