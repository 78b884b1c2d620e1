"""Cost: bytes carried for each byte of payload, by arm: what was kept, what was carried in vain, heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.measure.models import ArmSummary, Number
from simulator.report import words
from simulator.report.charts import style
from simulator.report.charts.chart import Chart, Table
from simulator.report.findings import Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.62  # inches for each arm


@dataclass(frozen=True)
class _Bar:
    """One arm's cost in bytes per byte of payload; the three parts add up to the bar's length."""

    arm: str
    kept: float  # the server acknowledged it, and it counted once
    again: float  # carried again or in vain
    heads: float
    total: Number  # kept + again, with its interval


def _bars(findings: Findings) -> list[_Bar]:
    return [bar for arm in words.compared(findings.summary) if (bar := _bar(arm)) is not None]


def _bar(arm: ArmSummary) -> _Bar | None:
    total = arm.numbers.get("amplification")
    if total is None or total.value is None:
        return None
    kept = min(_per_payload(arm, "stored", default=1.0), 1.0, total.value)
    return _Bar(arm.name, kept, total.value - kept, _per_payload(arm, "overhead", default=0.0), total)


def _per_payload(arm: ArmSummary, name: str, *, default: float) -> float:
    """Return the number *name* over the payload, or *default* where either was not measured."""
    part, payload = arm.numbers.get(name), arm.numbers.get("payload")
    if part is None or part.value is None or payload is None or not payload.value:
        return default
    return part.value / payload.value


def meaning(findings: Findings) -> str:
    """Say what each arm carried for a byte of payload."""
    said = [f"{bar.arm} {words.whole(bar.total, words.ratio)}" for bar in _bars(findings)]
    if not said:
        return "No bytes were carried, so there is no cost to show."
    return f"Bytes carried per byte of payload: {'; '.join(said)}. The ideal is 1; the rest was sent in vain."


def table(findings: Findings) -> Table:
    """Return the parts of each bar, in bytes per byte of payload."""
    header = ("arm", "kept", "retransmitted", "heads", "carried", "low", "high", "at_least", "n")
    rows = tuple(
        (b.arm, b.kept, b.again, b.heads, b.total.value, b.total.low, b.total.high, _yes(b.total), b.total.n)
        for b in _bars(findings)
    )
    return Table(header, rows)


def _yes(number: Number) -> str:
    return "yes" if number.at_least else "no"


def draw(findings: Findings) -> Figure:
    """Draw a bar for each arm, the first on top."""
    bars = _bars(findings)
    figure, (panel,) = style.sheet(_words(findings, bars), [max(1, len(bars)) * ROW + 0.3])
    looks = style.looks(findings.summary.arms)
    reach = max([_length(bar) for bar in bars], default=1.0)
    panel.set_xlim(0, max(reach * 1.04, 1.2))
    panel.set_ylim(len(bars) - 0.5 if bars else 0.5, -0.75)
    panel.grid(False)
    panel.set_yticks(range(len(bars)), [bar.arm for bar in bars], fontweight="bold")
    panel.tick_params(axis="y", length=0, labelsize=9.5)
    style.axis_labels(panel, x="bytes carried per byte of payload")
    if not bars:
        style.nothing(panel)
    for row, bar in enumerate(bars):
        _draw_bar(panel, row, bar, looks[bar.arm])
        panel.get_yticklabels()[row].set_color(looks[bar.arm].text)
    panel.axvline(1, color=style.INK, linewidth=1.0, linestyle=(0, (1, 2)), zorder=5)
    panel.text(1, -0.62, " ideal: 1", size=8.5, color=style.INK, va="center", ha="left")
    return figure


def _words(findings: Findings, bars: Sequence[_Bar]) -> style.Words:
    parts = "solid: kept by the server · hatched: carried again or in vain · grey: heads and answers"
    bounds = any(bar.total.low is not None for bar in bars)
    whisker = (
        "whisker: 95 % interval, an arrow at a lower bound" if bounds else "no intervals: fewer than 5 users"
    )
    foot = f"{words.setting(findings.summary)} · {whisker}"
    return style.Words("What each byte of payload cost", parts, foot)


def _length(bar: _Bar) -> float:
    return max(bar.kept + bar.again + bar.heads, bar.total.high or 0.0)


def _draw_bar(panel: Axes, row: int, bar: _Bar, look: style.Look) -> None:
    tall = 0.5
    panel.barh(row, bar.kept, height=tall, color=look.mark, linewidth=0)
    again: dict[str, Any] = {"left": bar.kept, "height": tall, "linewidth": 0}
    panel.barh(row, bar.again, color=look.mark, alpha=0.2, **again)
    panel.barh(row, bar.again, facecolor="none", edgecolor=look.mark, hatch="////", **again)
    panel.barh(row, bar.heads, left=bar.kept + bar.again, height=tall, color=style.FAULT, linewidth=0)
    _whisker(panel, row, bar.total)
    panel.text(
        1.02,
        row,
        words.value(bar.total, words.ratio) + _bounds(bar.total),
        transform=panel.get_yaxis_transform(),
        size=9,
        color=look.text,
        va="center",
        linespacing=1.3,
    )


def _bounds(number: Number) -> str:
    bounds = words.interval(number, words.ratio)
    return f"\n[{bounds}]" if bounds else ""


def _whisker(panel: Axes, row: int, total: Number) -> None:
    if total.low is None or total.high is None:
        return
    panel.plot([total.low, total.high], [row, row], color=style.INK, linewidth=1.4, zorder=6)
    caps = [total.low] if total.at_least else [total.low, total.high]
    panel.plot(caps, [row] * len(caps), "|", color=style.INK, markersize=8, markeredgewidth=1.4, zorder=6)
    if total.at_least:  # the bar is a lower bound: its end is open
        panel.plot([total.high], [row], ">", color=style.INK, markersize=5, zorder=6, clip_on=False)


CHART = Chart("cost", "What each byte cost", meaning, table, draw)
