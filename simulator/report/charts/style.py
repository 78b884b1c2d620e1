"""The look of every chart: one palette, one sheet layout, one way to save.

Colours are Okabe and Ito's ("Color Universal Design", 2008), safe for colour-blind readers; a
protocol has the same colour on every chart. Matplotlib is loaded only when a sheet is made, through
``Figure`` itself: no pyplot, no state shared between charts.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.measure.models import ArmSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1c2024"  # text and the ideal
SOFT = "#5c666f"  # secondary text
RULE = "#d4d9de"  # axes and grid
BAND = "#e9ecef"  # faults behind a curve
FAULT = "#8a949e"  # faults as marks
PAPER = "#ffffff"

DPI = 160
WIDTH = 7.5  # inches: 1200 pixels, shown at 800 its 9 point text is 13 pixels high
LEFT, RIGHT = 0.78, 1.42  # inches; the right margin holds the direct labels
HEAD, FOOT = 0.92, 0.94  # inches; title and subtitle above, x label and foot line below
FOOT_CHARS = 138  # of the foot line's type fit on the sheet
GAP = 0.2  # inches between panels


@dataclass(frozen=True)
class Tone:
    """The colour of a protocol's marks, and a darker one in which its name can be read on paper."""

    mark: str
    text: str


TONES = {
    "plain": Tone("#d55e00", "#a84a00"),  # vermillion
    "tus": Tone("#0072b2", "#00609a"),  # blue
    "ietf": Tone("#009e73", "#00714f"),  # bluish green
    "google": Tone("#cc79a7", "#9b4475"),  # reddish purple
    "s3": Tone("#e69f00", "#855c00"),  # orange
}
OTHER = Tone("#56b4e9", "#1b6f9f")  # sky blue: a protocol that has no colour of its own yet

_DASHES: tuple[Any, ...] = ("-", (0, (6, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
CALM_DASH = (0, (2.5, 2))


@dataclass(frozen=True)
class Look:
    """How one arm is drawn: its protocol's colour; a dash of its own among arms of one protocol."""

    mark: str
    text: str
    dash: Any
    alpha: float
    width: float


def looks(arms: Sequence[ArmSummary]) -> dict[str, Look]:
    """Return the look of each arm by name; calm twins have their arm's colour, lighter and dashed."""
    drawn: dict[str, Look] = {}
    seen: dict[str, int] = {}
    for arm in arms:
        tone = TONES.get(arm.protocol, OTHER)
        if arm.calm_of is not None:
            drawn[arm.name] = Look(tone.mark, tone.text, CALM_DASH, 0.55, 1.3)
            continue
        turn = seen.get(arm.protocol, 0)
        seen[arm.protocol] = turn + 1
        drawn[arm.name] = Look(tone.mark, tone.text, _DASHES[turn % len(_DASHES)], 1.0, 2.0)
    return drawn


@dataclass(frozen=True)
class Words:
    """What is written around a chart: its title, what the eye should do, and the foot line."""

    title: str
    subtitle: str
    foot: str


def sheet(words: Words, heights: Sequence[float], *, left: float = LEFT) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel for each of *heights* (inches), top first, all of one width."""
    from matplotlib.figure import Figure

    tall = HEAD + sum(heights) + GAP * (len(heights) - 1) + FOOT
    figure = Figure(figsize=(WIDTH, tall), dpi=DPI, facecolor=PAPER)
    panels = []
    top = tall - HEAD
    for height in heights:
        box = (left / WIDTH, (top - height) / tall, (WIDTH - left - RIGHT) / WIDTH, height / tall)
        panels.append(figure.add_axes(box))
        _plain(panels[-1])
        top -= height + GAP
    _write(figure, words, tall)
    return figure, panels


def _write(figure: Figure, words: Words, tall: float) -> None:
    edge = 0.18 / WIDTH
    figure.text(edge, 1 - 0.34 / tall, words.title, size=12, weight="bold", color=INK)
    figure.text(edge, 1 - 0.60 / tall, words.subtitle, size=9, color=SOFT)
    foot = "\n".join(textwrap.wrap(words.foot, FOOT_CHARS, max_lines=2, placeholder=" …"))
    figure.text(edge, 0.14 / tall, foot, size=7.5, color=SOFT, linespacing=1.35)


def _plain(panel: Axes) -> None:
    panel.set_facecolor("none")
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        panel.spines[side].set_color(RULE)
    panel.tick_params(color=RULE, labelcolor=SOFT, labelsize=8.5, length=3)
    panel.grid(axis="y", color=RULE, linewidth=0.6)
    panel.set_axisbelow(True)


def name_row(panel: Axes, name: str, place: float = 0.0) -> None:
    """Write *name* right of a row of faults, at *place* (0 bottom to 1 top) of the panel."""
    panel.text(1.03, place, name, transform=panel.transAxes, size=8.5, color=SOFT, va="center")


def axis_labels(panel: Axes, x: str = "", y: str = "") -> None:
    """Name the axes, each with its unit; the y label lies flat above its axis, where it is read."""
    panel.set_xlabel(x, size=9, color=SOFT, labelpad=5)
    if y:
        panel.text(0, 1.0, y, transform=panel.transAxes, size=8.5, color=SOFT, va="bottom", ha="left")


def nothing(panel: Axes) -> None:
    """Say in an empty panel that it is empty."""
    panel.text(0.5, 0.5, "nothing to draw", transform=panel.transAxes, size=9, color=SOFT, ha="center")


@dataclass(frozen=True)
class Label:
    """A direct label for a curve of one look that ends at (x, y) in data coordinates."""

    text: str
    x: float
    y: float
    look: Look


def label_ends(panel: Axes, labels: Sequence[Label], *, line_height: float = 0.17) -> None:
    """Write each label right of the panel beside its curve's end, pushed apart so that none overlap.

    *line_height* is inches per line of text. Each has a sample of its curve, and a thin leader to its end.
    """
    low, high = panel.get_ylim()
    box = panel.get_position()
    inches = box.height * panel.get_figure().get_size_inches()[1]  # type: ignore[union-attr]
    ends = [(label.y - low) / (high - low) * inches for label in labels]
    tall = [line_height * (label.text.count("\n") + 1) for label in labels]
    for label, end, place in zip(labels, ends, spread(ends, tall, inches), strict=True):
        _leader(panel, label, end / inches, place / inches)
        _sample(panel, label.look, place / inches)
        _beside(panel, label.text, place / inches, label.look.text)


def _beside(panel: Axes, text: str, place: float, color: str) -> None:
    across = panel.transAxes
    panel.text(1.085, place, text, transform=across, size=8.5, color=color, va="center", linespacing=1.25)


def _sample(panel: Axes, look: Look, place: float) -> None:
    panel.plot(
        [1.03, 1.072],
        [place, place],
        transform=panel.transAxes,
        color=look.mark,
        linewidth=look.width,
        linestyle=look.dash,
        alpha=look.alpha,
        clip_on=False,
    )


def _leader(panel: Axes, label: Label, end: float, place: float) -> None:
    left, right = panel.get_xlim()
    start = (label.x - left) / (right - left)
    panel.plot(
        [start, max(start, 1.0), 1.022],
        [end, end, place],
        transform=panel.transAxes,
        color=label.look.mark,
        linewidth=0.6,
        alpha=0.6,
        clip_on=False,
        linestyle=(0, (1, 2)),
    )


def spread(wanted: Sequence[float], tall: Sequence[float], room: float) -> list[float]:
    """Return centres near *wanted* for boxes *tall* high, in order, none overlapping, within *room*."""
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    places = list(wanted)
    floor = -0.1
    for i in order:
        places[i] = max(places[i], floor + tall[i] / 2)
        floor = places[i] + tall[i] / 2
    ceiling = max(room + 0.1, floor if sum(tall) > room + 0.2 else 0.0)
    for i in reversed(order):
        places[i] = min(places[i], ceiling - tall[i] / 2)
        ceiling = places[i] - tall[i] / 2
    return places


_SALT: Any = {"svg.hashsalt": "simsim", "svg.fonttype": "path"}
# No date and no version of the drawing library: the same records make the same bytes.
_PNG_METADATA: Mapping[str, Any] = {"Software": None}
_SVG_METADATA: Mapping[str, Any] = {"Date": None, "Creator": None}


def png(figure: Figure) -> bytes:
    """Return *figure* as PNG, the same bytes each time."""
    return _saved(figure, "png", _PNG_METADATA)


def svg(figure: Figure) -> bytes:
    """Return *figure* as SVG, the same bytes each time."""
    return _saved(figure, "svg", _SVG_METADATA)


def _saved(figure: Figure, form: str, metadata: Mapping[str, Any]) -> bytes:
    import matplotlib
    from matplotlib.text import Text

    for text in figure.findobj(Text):  # names are the user's: a dollar sign in one is not mathematics
        text.set_parse_math(False)
    out = io.BytesIO()
    with matplotlib.rc_context(_SALT), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # drawn as boxes
        figure.savefig(out, format=form, dpi=DPI, metadata=dict(metadata), facecolor=PAPER)
    return out.getvalue()
