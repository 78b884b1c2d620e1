"""Throughput: what the whole swarm's uploads gained over time, and what the links suffered beneath.

A byte counts when the link carried it, if the server acknowledged it then or later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.measure.series import Throughput
from simulator.report import words
from simulator.report.charts import style
from simulator.report.charts.chart import Cell, Chart, Table
from simulator.report.findings import Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MBIT = 1e6 / 8  # bytes
ROW = 0.34  # inches for each kind of fault
WINDOW_S = 1.0  # the bold line is a mean over this much time; the faint one shows the bins themselves


def _arms(findings: Findings) -> list[str]:
    return [arm.name for arm in words.compared(findings.summary) if arm.name in findings.throughput.rates]


def _kinds(series: Throughput) -> list[str]:
    return sorted(kind for kind, shares in series.states.items() if any(shares))


def meaning(findings: Findings) -> str:
    """Say the mean rate of each arm over the time in which it had uploads under way."""
    series = findings.throughput
    said = [f"{name} {_mean(series, name)}" for name in _arms(findings)]
    if not said:
        return "No byte was acknowledged, so there is no throughput to show."
    return f"Bytes that the server kept, of all users together, mean while uploads ran: {'; '.join(said)}."


def _mean(series: Throughput, name: str) -> str:
    rates = series.rates[name]
    last = max((i for i, rate in enumerate(rates) if rate), default=-1)
    if last < 0:
        return "nothing"
    mean = sum(rates[: last + 1]) / (last + 1)
    scale = words.rate(mean)
    return words.tied(f"{scale.digits(mean)} {scale.unit}")


def table(findings: Findings) -> Table:
    """Return one row for each bin: the rate of each arm in B/s, the share of links in each state."""
    series = findings.throughput
    arms, kinds = _arms(findings), _kinds(series)
    header = ("time_s", *(f"{name}_bytes_per_s" for name in arms), *(f"{kind}_share" for kind in kinds))
    columns: list[Sequence[Cell]] = [series.starts]
    columns += [series.rates[name] for name in arms]
    columns += [series.states[kind] for kind in kinds]
    return Table(header, tuple(zip(*columns, strict=True)))


def draw(findings: Findings) -> Figure:
    """Draw the rates above, and beneath them one row for each kind of fault that occurred."""
    series = findings.throughput
    kinds = _kinds(series)
    figure, panels = style.sheet(_words(findings), [2.6, *[ROW] * len(kinds)])
    _rates(panels[0], findings)
    top = max((max(series.states[kind]) for kind in kinds), default=1.0)
    for panel, kind in zip(panels[1:], kinds, strict=True):
        _state(panel, series, kind, top)
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    style.axis_labels(panels[-1], x="seconds since the run's start")
    return figure


def _words(findings: Findings) -> style.Words:
    rows = " · beneath: share of links in each fault" if _kinds(findings.throughput) else ""
    bins = words.tied(f"{findings.throughput.bin_s * 1e3:.0f} ms")
    foot = f"{words.setting(findings.summary)} · bold: mean over {WINDOW_S:g} s; faint: bins of {bins}"
    return style.Words(
        "What the swarm gained, while links failed",
        f"Bytes that the server kept, when the link carried them{rows}",
        foot,
    )


def _rates(panel: Axes, findings: Findings) -> None:
    series = findings.throughput
    looks = style.looks(findings.summary.arms)
    style.axis_labels(panel, y="Mbit/s, all users")
    panel.set_xlim(0, _end(series))
    labels = []
    peak = 0.0
    for name in _arms(findings):
        rates = [rate / MBIT for rate in series.rates[name]]
        smooth = _smoothed(rates, max(1, round(WINDOW_S / series.bin_s)))
        panel.step(series.starts, rates, where="post", color=looks[name].mark, linewidth=0.6, alpha=0.3)
        panel.plot(
            _middles(series), smooth, color=looks[name].mark, linewidth=2.0, linestyle=looks[name].dash
        )
        peak = max(peak, *smooth)
        labels.append(style.Label(name, _end(series), smooth[-1], looks[name]))
    panel.set_ylim(0, peak * 1.25 or 1.0)
    if not labels:
        style.nothing(panel)
    style.label_ends(panel, labels)


def _end(series: Throughput) -> float:
    return series.starts[-1] + series.bin_s if series.starts else 1.0


def _middles(series: Throughput) -> list[float]:
    return [start + series.bin_s / 2 for start in series.starts]


def _smoothed(rates: Sequence[float], width: int) -> list[float]:
    """Return the centred running mean over *width* bins, narrower at the ends."""
    half = width // 2
    windows = [rates[max(0, i - half) : i + half + 1] for i in range(len(rates))]
    return [sum(window) / len(window) for window in windows]


def _state(panel: Axes, series: Throughput, kind: str, top: float) -> None:
    edges = [*series.starts, _end(series)]
    panel.stairs(series.states[kind], edges, fill=True, color=style.FAULT)
    panel.set_xlim(0, _end(series))
    panel.set_ylim(0, top)
    panel.set_yticks([0, top], ["", f"{top * 100:.0f} %"])
    panel.tick_params(axis="y", labelsize=7.5)
    panel.grid(False)
    style.name_row(panel, kind, 0.25)


CHART = Chart("throughput", "The swarm over time", meaning, table, draw)
