"""Report: numbers become pictures and words, from records alone.

    records.jsonl -> gather -> Findings -> charts/  terminal  html  markdown

    write(run_dir)         makes every file of a report again
    load_summary(run_dir)  reads the numbers that write() left

Works on a copied folder, with no engine, server or locust installed. The drawing library is loaded
when the first chart is drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import UsageError

if TYPE_CHECKING:
    from simulator.measure.models import Summary
    from simulator.report.charts.chart import Chart
    from simulator.report.findings import Findings

__all__ = ["load_summary", "write"]

SUMMARY = "summary.json"
PAGE = "report.html"


def write(run_dir: Path) -> Path:
    """Make summary.json, charts/, report.html and report.md in *run_dir*; return report.html's path.

    Raises ``UsageError`` when the folder has no usable records or cannot be written to.
    """
    from simulator.report.gather import gather

    findings = gather(run_dir)
    try:
        return _write(run_dir, findings)
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}",
            where=str(error.filename or run_dir),
            mend="copy the run to a folder of your own, or free some space",
        ) from error


def _write(run_dir: Path, findings: Findings) -> Path:
    from simulator.report import html, markdown
    from simulator.report.charts import CHARTS

    _put(run_dir / SUMMARY, findings.summary.model_dump_json(indent=2) + "\n")
    folder = run_dir / "charts"
    folder.mkdir(exist_ok=True)
    svgs = {name: _draw(folder, chart, findings) for name, chart in CHARTS.items()}
    _put(run_dir / "report.md", markdown.page(findings))
    _put(run_dir / PAGE, html.page(findings, svgs))
    return run_dir / PAGE


def _draw(folder: Path, chart: Chart, findings: Findings) -> bytes:
    from simulator.report.charts import style

    figure = chart.draw(findings)
    svg = style.svg(figure)
    (folder / f"{chart.name}.png").write_bytes(style.png(figure))
    (folder / f"{chart.name}.svg").write_bytes(svg)
    _put(folder / f"{chart.name}.csv", chart.table(findings).csv())
    return svg


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def load_summary(run_dir: Path) -> Summary:
    """Return the numbers of the run in *run_dir*, as ``write`` left them.

    Raises ``UsageError`` when there are none, or when they are of another version.
    """
    from simulator.measure.models import Summary

    path = run_dir / SUMMARY
    mend = f"make it again: simsim report {run_dir}"
    try:
        return Summary.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path), mend=mend) from error
    except ValueError as error:
        raise UsageError("is not a summary of this version", where=str(path), mend=mend) from error
