"""Timelines: what the links of some users do, drawn before anything runs (``simsim profiles plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from simulator.report.charts import style
from simulator.units import format_rate
from simulator.weather import Profile, Timeline
from simulator.weather.timeline import Break, RateCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST = 120.0  # seconds shown at most: more would not be legible
PANEL = 0.86  # inches
HEADROOM = 1.35  # of the highest rate: marks stand above all curves
MARKS = 0.89  # of the panel's height

_BLUE, _VERMILLION, _ORANGE, _PURPLE = "#0072b2", "#d55e00", "#e69f00", "#cc79a7"
_GREEN, _SKY, _YELLOW = "#009e73", "#56b4e9", "#f0e442"


@dataclass(frozen=True)
class _Look:
    """How one fault kind is drawn: a mark where it strikes, a band while it lasts, or both."""

    mark: str
    colour: str
    band: float = 0.0  # opacity


_LOOKS = {
    "reset": _Look("v", _VERMILLION),
    "close": _Look("s", _ORANGE),
    "handover": _Look("X", _PURPLE, 0.45),
    "stall": _Look("", style.FAULT, 0.45),
    "slow": _Look("", _YELLOW, 0.45),
    "spike": _Look("", _SKY, 0.6),
    "down": _Look("", _GREEN, 0.45),
    "down-silent": _Look("", _GREEN, 0.25),
    "cut-after": _Look("D", style.INK),
}
_OTHER = _Look("o", style.INK, 0.3)


def draw(profile: Profile, timelines: Sequence[Timeline], seed: int) -> Figure:
    """Draw the uplink of each of *timelines*, user 0 on top, with its faults as bands and marks."""
    shown = min(profile.workload.longest_s, LONGEST)
    words = style.Words(
        f"{profile.name}: what the links of {len(timelines)} users do",
        "line: uplink rate · band: while a fault lasts · mark: where one strikes",
        _foot(profile, timelines, seed),
    )
    figure, panels = style.sheet(words, [PANEL] * len(timelines))
    top = _top(timelines, shown)
    for user, (panel, timeline) in enumerate(zip(panels, timelines, strict=True)):
        _draw_link(panel, timeline, shown, top)
        style.axis_labels(panel, y=f"user {user}" + (", Mbit/s" if user == 0 and top else ""))
        if user < len(panels) - 1:
            panel.tick_params(labelbottom=False)
    style.axis_labels(panels[-1], x="seconds since the link's start")
    _key(panels[0], _kinds(timelines, shown))
    return figure


def _foot(profile: Profile, timelines: Sequence[Timeline], seed: int) -> str:
    link = profile.link
    waits = any(item.link_bytes is not None for line in timelines for item in line.breaks)
    hollow = " · hollow: waits for bytes carried, shown at the earliest" if waits else ""
    return f"seed {seed} · median uplink {format_rate(link.up)}, downlink {format_rate(link.down)}{hollow}"


def _top(timelines: Sequence[Timeline], shown: float) -> float:
    """Return the highest rate shown, in Mbit/s; 0 when every rate is unlimited or zero."""
    rates = (rate for line in timelines for _, _, rate in _steps(line.uplink, shown) if rate is not None)
    return max(rates, default=0.0) / 1e6


def _steps(curve: RateCurve, shown: float) -> list[tuple[float, float, float | None]]:
    """Return (from, to, rate) of each part of the curve up to *shown*."""
    edges = [*(t for t in curve.times if t < shown), shown]
    return [(a, b, curve.at(a)) for a, b in pairwise(edges)]


def _draw_link(panel: Axes, timeline: Timeline, shown: float, top: float) -> None:
    ceiling = (top or 1.0) * HEADROOM
    panel.set_xlim(0, shown)
    panel.set_ylim(0, ceiling)
    panel.locator_params(axis="y", nbins=3)
    if not top:
        panel.set_yticks([])
    _draw_rate(panel, timeline.uplink, shown, ceiling)
    for item in timeline.breaks:
        _draw_fault(panel, timeline, item, shown)


def _draw_rate(panel: Axes, curve: RateCurve, shown: float, ceiling: float) -> None:
    steps = _steps(curve, shown)
    starts = [start for start, _, _ in steps]
    heights = [ceiling / HEADROOM if rate is None else rate / 1e6 for _, _, rate in steps]
    panel.step([*starts, shown], [*heights, heights[-1]], where="post", color=_BLUE, linewidth=1.3, zorder=3)
    if curve.unlimited:
        panel.text(shown / 2, ceiling / 2, "unlimited", size=8.5, color=style.SOFT, ha="center", va="center")


def _draw_fault(panel: Axes, timeline: Timeline, item: Break, shown: float) -> None:
    look = _LOOKS.get(item.kind, _OTHER)
    waits = item.link_bytes is not None
    start = timeline.uplink.finish(0.0, item.link_bytes or 0) if waits else item.t
    if start >= shown:
        return
    if look.band and item.until > item.t:
        stop = min(start + item.until - item.t, shown)
        panel.axvspan(start, stop, color=look.colour, alpha=look.band, linewidth=0, zorder=1)
    if look.mark:
        _mark(panel, look, start, hollow=waits)


def _mark(panel: Axes, look: _Look, x: float, *, hollow: bool) -> None:
    panel.plot(
        [x],
        [MARKS],
        marker=look.mark,
        markersize=6,
        markeredgecolor=look.colour,
        markeredgewidth=1.2 if hollow else 0,
        markerfacecolor="none" if hollow else look.colour,
        transform=panel.get_xaxis_transform(),
        clip_on=False,
        linestyle="none",
        zorder=5,
    )


def _kinds(timelines: Sequence[Timeline], shown: float) -> list[str]:
    """Return the kinds that are shown, in the order of the table of looks."""
    seen = {item.kind for line in timelines for item in line.breaks if item.t < shown}
    return [*(kind for kind in _LOOKS if kind in seen), *sorted(seen - _LOOKS.keys())]


def _key(panel: Axes, kinds: Sequence[str]) -> None:
    """Name the kinds right of the first panel, each beside a sample."""
    for row, kind in enumerate(kinds):
        look = _LOOKS.get(kind, _OTHER)
        place = 1.0 - row * 0.2 / PANEL
        _sample(panel, look, place)
        panel.text(1.075, place, kind, transform=panel.transAxes, size=8.5, color=style.INK, va="center")


def _sample(panel: Axes, look: _Look, place: float) -> None:
    across = panel.transAxes
    if look.band:
        panel.plot([1.025, 1.06], [place, place], transform=across, color=look.colour, alpha=look.band,
                   linewidth=8, solid_capstyle="butt", clip_on=False)  # fmt: skip
    if look.mark:
        panel.plot([1.0425], [place], marker=look.mark, color=look.colour, markersize=6, transform=across,
                   markeredgewidth=0, clip_on=False)  # fmt: skip
