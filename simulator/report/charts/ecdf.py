"""ECDF: the share of uploads finished by each moment (Kaplan-Meier), against what the links allowed."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from simulator.measure.series import SurvivalCurve
from simulator.report import words
from simulator.report.charts import style
from simulator.report.charts.chart import Cell, Chart, Table
from simulator.report.findings import Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _curves(findings: Findings) -> list[SurvivalCurve]:
    """Return the curves of all arms, calm twins among them, in the order of the arms."""
    order = [arm.name for arm in findings.summary.arms]
    return sorted((c for c in findings.curves if c.arm in order), key=lambda c: order.index(c.arm))


def meaning(findings: Findings) -> str:
    """Say by when half of each arm's uploads were through, and how many never were."""
    said = []
    for arm in words.compared(findings.summary):
        half = arm.numbers.get("time_p50")
        median = words.value(half, words.time) if half is not None else words.NOT_MEASURED
        said.append(f"{arm.name} {median} ({arm.outcomes.get('completed', 0)} of {arm.uploads} finished)")
    return f"Half of the uploads had finished after: {'; '.join(said)}. The nearer to the ideal, the better."


def table(findings: Findings) -> Table:
    """Return the steps and censorings of each curve, times in seconds since the upload's start."""
    rows: list[tuple[Cell, ...]] = []
    for curve in [*_curves(findings), *_ideal(findings)]:
        rows += [(curve.arm, "finished", t, share) for t, share in _steps(curve)[1:]]
        rows += [(curve.arm, "censored", t, _share(curve, t)) for t in curve.censored]
    return Table(("curve", "what", "time_s", "share"), tuple(rows))


def _ideal(findings: Findings) -> list[SurvivalCurve]:
    return [findings.ideal] if findings.ideal is not None else []


def _steps(curve: SurvivalCurve) -> list[tuple[float, float]]:
    points = list(zip(curve.times, curve.shares, strict=True))
    return points if points and points[0] == (0.0, 0.0) else [(0.0, 0.0), *points]


def _share(curve: SurvivalCurve, t: float) -> float:
    at = bisect_right(curve.times, t)
    return curve.shares[at - 1] if at else 0.0


def draw(findings: Findings) -> Figure:
    """Draw a step curve for each arm, ticks where uploads were censored, and the ideal in ink."""
    figure, (panel,) = style.sheet(_words(findings), [3.3])
    reach = _reach(findings)
    panel.set_xlim(0, reach)
    panel.set_ylim(0, 1.03)
    panel.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    style.axis_labels(panel, "seconds since the upload's start", "per cent of uploads finished")
    looks = style.looks(findings.summary.arms)
    labels = []
    for curve in _curves(findings):
        labels.append(_draw_curve(panel, curve, looks[curve.arm], reach))
    for curve in _ideal(findings):
        ink = style.Look(style.INK, style.INK, (0, (1, 1.6)), 1.0, 1.4)
        labels.append(_draw_curve(panel, curve, ink, reach))
    style.label_ends(panel, labels)
    if not labels:
        style.nothing(panel)
    return figure


def _words(findings: Findings) -> style.Words:
    subtitle = "Share of uploads finished by each moment · ticks: unfinished when given up (censored)"
    calm = any(arm.calm_of for arm in findings.summary.arms)
    foot = words.setting(findings.summary) + (" · calm: the same links without faults" if calm else "")
    return style.Words("When uploads are through", subtitle, foot)


def _reach(findings: Findings) -> float:
    """Return the end of the time axis: the deadline when somebody met it, else a little past the last."""
    curves = [*_curves(findings), *_ideal(findings)]
    last = max((t for curve in curves for t in (*curve.times, *curve.censored)), default=1.0)
    return max(last * 1.02, 1e-3)


def _draw_curve(panel: Axes, curve: SurvivalCurve, look: style.Look, reach: float) -> style.Label:
    steps = _steps(curve)
    end = max([steps[-1][0], *curve.censored])
    xs, ys = [t for t, _ in steps] + [end], [share for _, share in steps] + [steps[-1][1]]
    panel.plot(
        xs,
        ys,
        drawstyle="steps-post",
        color=look.mark,
        linewidth=look.width,
        linestyle=look.dash,
        alpha=look.alpha,
    )
    shares = [_share(curve, t) for t in curve.censored]
    panel.plot(curve.censored, shares, "|", color=look.mark, markersize=9, markeredgewidth=1.6, clip_on=False)
    return style.Label(_name(curve), min(end, reach), ys[-1], look)


def _name(curve: SurvivalCurve) -> str:
    """Return the label of a curve: its arm, and how far it came when that is not the whole way."""
    share = curve.shares[-1] if curve.shares else 0.0
    return curve.arm if share >= 1 else f"{curve.arm}: {share * 100:.0f} %"


CHART = Chart("ecdf", "When uploads are through", meaning, table, draw)
