"""Staircase: the offset that the server holds against time, for the user in whom the arms differ most.

Plain falls to zero at each break; a resumable protocol only pauses. Beneath, the faults of that
user's link, one row for each kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from simulator.measure.series import Band, Staircase
from simulator.report import words
from simulator.report.charts import style
from simulator.report.charts.chart import Cell, Chart, Table
from simulator.report.findings import Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.2  # inches for each kind of fault


def _lines(findings: Findings) -> list[Staircase]:
    """Return the lines of the telling user, arms in their order; calm twins have nothing to tell here."""
    user = _telling_user(findings)
    order = [arm.name for arm in words.compared(findings.summary)]
    own = [line for line in findings.staircases if line.user == user and line.arm in order]
    first: dict[str, Staircase] = {}
    for line in own:
        first.setdefault(line.arm, line)  # of several uploads, the first
    return sorted(first.values(), key=lambda line: order.index(line.arm))


def _telling_user(findings: Findings) -> int | None:
    """Return the user whose baseline fell deepest in sum; the lowest number among equals."""
    lost: dict[int, float] = {}
    for line in findings.staircases:
        if line.arm == findings.summary.plan.baseline:
            lost[line.user] = max(lost.get(line.user, 0.0), _fallen(line.points))
    if not lost:
        return min((line.user for line in findings.staircases), default=None)
    return min(lost, key=lambda user: (-lost[user], user))


def _fallen(points: Sequence[tuple[float, float]]) -> float:
    return sum(max(0.0, a[1] - b[1]) for a, b in pairwise(points))


def _falls(line: Staircase) -> int:
    return sum(1 for a, b in pairwise(line.points) if b[1] < a[1])


def _faults(lines: Sequence[Staircase]) -> tuple[Band, ...]:
    """Return the faults of the link that lived longest: all arms of a user have the same timeline."""
    return max((line.faults for line in lines), key=len, default=())


def meaning(findings: Findings) -> str:
    """Say whose upload is drawn, why, and how each arm fared."""
    lines = _lines(findings)
    if not lines:
        return "No upload came far enough to be drawn."
    fates = "; ".join(f"{line.arm} {_fate(line)}" for line in lines)
    return (
        f"User {lines[0].user}, chosen because {findings.summary.plan.baseline} lost most here"
        f" (so not a typical one): {fates}."
    )


def _squared(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return *points* with every fall made upright: an offset holds until the instant at which it falls."""
    squared = list(points[:1])
    for (_, before), (t, offset) in pairwise(points):
        if offset < before:
            squared.append((t, before))
        squared.append((t, offset))
    return squared


def _fate(line: Staircase) -> str:
    falls = _falls(line)
    lost = f"fell back {falls} time{'' if falls == 1 else 's'}" if falls else "never fell back"
    end = "did not finish" if line.finished is None else f"finished after {_seconds(line.finished)}"
    return f"{lost} and {end}"


def _seconds(t: float) -> str:
    return f"{t:.1f} s"


def table(findings: Findings) -> Table:
    """Return the points of each line and the faults of the link, in seconds since the link's start."""
    lines = _lines(findings)
    rows: list[tuple[Cell, ...]] = []
    for line in lines:
        rows += [(line.user, line.arm, "offset", t, None, offset) for t, offset in _squared(line.points)]
    for band in _faults(lines):
        rows.append((lines[0].user, band.fault, "fault", band.t, band.until, None))
    return Table(("user", "series", "what", "time_s", "until_s", "offset_bytes"), tuple(rows))


def draw(findings: Findings) -> Figure:
    """Draw the lines of one user with the faults of its link beneath."""
    lines = _lines(findings)
    bands = _faults(lines)
    kinds = sorted({band.fault for band in bands})
    figure, panels = style.sheet(_words(findings, lines), [2.9, max(1, len(kinds)) * ROW + 0.08])
    above, below = panels
    _offsets(above, findings, lines, bands)
    _fault_rows(below, kinds, bands, above.get_xlim())
    return figure


def _words(findings: Findings, lines: Sequence[Staircase]) -> style.Words:
    whose = f"user {lines[0].user}, whose {findings.summary.plan.baseline} lost most" if lines else "no user"
    return style.Words(
        "What the server holds, while the link breaks",
        f"Bytes of one upload held by the server against time: {whose}",
        f"{words.setting(findings.summary)} · a line that falls to zero shows bytes carried, void at a break",
    )


def _offsets(panel: Axes, findings: Findings, lines: Sequence[Staircase], bands: Sequence[Band]) -> None:
    looks = style.looks(findings.summary.arms)
    size = max((line.size for line in lines), default=1)
    scale = words.size(size)
    ends = [line.points[-1][0] for line in lines if line.points]
    panel.set_xlim(0, max(ends, default=1) * 1.02)
    panel.set_ylim(0, size * scale.factor * 1.08)
    style.axis_labels(panel, y=f"{scale.unit} held by the server")
    panel.tick_params(labelbottom=False)
    if not lines:
        style.nothing(panel)
        return
    for band in bands:
        _behind(panel, band)
    _whole(panel, size * scale.factor)
    labels = []
    for line in lines:
        look, points = looks[line.arm], _squared(line.points)
        xs, ys = [t for t, _ in points], [offset * scale.factor for _, offset in points]
        panel.plot(xs, ys, color=look.mark, linewidth=look.width, linestyle=look.dash, zorder=3)
        if xs:
            labels.append(_end(panel, line, look, xs[-1], ys[-1]))
    style.label_ends(panel, labels)


def _whole(panel: Axes, size: float) -> None:
    panel.axhline(size, color=style.INK, linewidth=0.9, linestyle=(0, (1, 2)))
    panel.text(panel.get_xlim()[1], size * 1.012, "the whole upload", size=8, color=style.INK, ha="right")


def _behind(panel: Axes, band: Band) -> None:
    if band.until > band.t:
        panel.axvspan(band.t, band.until, color=style.BAND, linewidth=0, zorder=0)
    else:
        panel.axvline(band.t, color=style.FAULT, linewidth=0.7, alpha=0.6, zorder=1)


def _end(panel: Axes, line: Staircase, look: style.Look, x: float, y: float) -> style.Label:
    done = line.finished is not None
    panel.plot([x], [y], "o" if done else "x", color=look.mark, markersize=6, zorder=4, clip_on=False)
    fate = f"in {_seconds(line.finished)}" if line.finished is not None else "unfinished"
    return style.Label(f"{line.arm}\n{fate}", x, y, look)


def _fault_rows(panel: Axes, kinds: Sequence[str], bands: Sequence[Band], reach: tuple[float, float]) -> None:
    panel.set_xlim(*reach)
    panel.set_ylim(len(kinds) - 0.5 if kinds else 0.5, -0.5)
    panel.grid(False)
    panel.spines["left"].set_visible(False)
    panel.set_yticks([])
    for row, kind in enumerate(kinds):
        style.name_row(panel, kind, 1 - (row + 0.5) / len(kinds))
    style.axis_labels(panel, x="seconds since the link's start")
    for band in bands:
        row = kinds.index(band.fault)
        if band.until > band.t:
            panel.barh(row, band.until - band.t, left=band.t, height=0.55, color=style.FAULT, linewidth=0)
        else:
            panel.plot([band.t], [row], "|", color=style.INK, markersize=8, markeredgewidth=1.6)
    if not kinds:
        panel.text(0.5, 0.5, "no faults", transform=panel.transAxes, size=8.5, color=style.SOFT, ha="center")


CHART = Chart("staircase", "One upload, second by second", meaning, table, draw)
