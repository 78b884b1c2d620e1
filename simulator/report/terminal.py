"""The answer in the terminal: a headline, a column for each arm, and how far the run can be trusted.

The page is laid out as lines of styled spans. Without colour the spans are joined as they are;
with colour, rich turns the same spans into escape codes, so both have the same letters.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from simulator.measure.models import Summary, Warning
from simulator.report import words
from simulator.report.answer import answer

GAP = 2
COLUMN = 17  # columns that an arm needs: "20/20 (84–100 %)" and one to spare
NARROWEST = 40  # columns; no page is laid out for less
STYLES = {"valid": "green", "degraded": "bold yellow", "invalid": "bold red"}
DOUBTFUL = ("invalid", "degraded")  # levels of warnings that stand before the headline, worst first
MEANING = {
    "degraded": "the instrument was strained; the figures below may be off.",
    "invalid": "a part of the run failed; the figures below prove nothing.",
}


@dataclass(frozen=True)
class Span:
    """A run of letters in one style (rich's words for it; empty for none)."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


def render(summary: Summary, *, width: int, colour: bool) -> str:
    """Return the answer of a run in at most *width* columns (40 at least), without a newline at its end."""
    lines = list(_page(summary, max(width, NARROWEST)))
    return _coloured(lines) if colour else "\n".join(_letters(line) for line in lines)


def _letters(line: Line) -> str:
    return "".join(span.text for span in line).rstrip()


def _coloured(lines: Sequence[Line]) -> str:
    from rich.color import ColorSystem
    from rich.style import Style

    def paint(span: Span) -> str:
        return Style.parse(span.style).render(span.text, color_system=ColorSystem.STANDARD)

    return "\n".join("".join(paint(span) if span.style else span.text for span in line) for line in lines)


def _page(summary: Summary, width: int) -> Iterator[Line]:
    yield from _doubts(summary, width)
    yield from _wrapped(summary.headline, width, "bold")
    yield ()
    yield from _tables(summary, width)
    yield from _failures(summary, width)
    yield from _hop(summary, width)
    yield from _notes(summary, width)
    yield ()
    yield from _wrapped(words.state_line(summary), width, STYLES.get(words.verdict(summary), "bold yellow"))


def _doubts(summary: Summary, width: int) -> Iterator[Line]:
    """Yield what keeps the run from being valid: it is read before the headline."""
    doubts = list(_doubt_lines(summary, width))
    yield from doubts
    if doubts:
        yield ()


def _doubt_lines(summary: Summary, width: int) -> Iterator[Line]:
    if summary.status == "interrupted":
        said = "INTERRUPTED: the run was ended early; below is what it had shown by then."
        yield from _wrapped(said, width, "bold yellow")
    if summary.validity == "valid":
        return
    style = STYLES.get(summary.validity, "bold red")
    meaning = MEANING.get(summary.validity, "")
    yield from _wrapped(f"{summary.validity.upper()}: {meaning}", width, style)
    for level in DOUBTFUL:
        for warning in summary.warnings:
            if warning.level == level:
                yield from _wrapped(advice(warning), width, style, indent="  ")


def advice(warning: Warning) -> str:
    """Return what was seen, what it means and what to do, as one sentence."""
    parts = [warning.seen, warning.means, f"do: {warning.advice}" if warning.advice else ""]
    return "; ".join(part.rstrip(". \n") for part in parts if part)


def _notes(summary: Summary, width: int) -> Iterator[Line]:
    for warning in summary.warnings:
        if warning.level not in DOUBTFUL:
            yield ()
            yield from _wrapped(f"note: {advice(warning)}", width, "dim")


def _hop(summary: Summary, width: int) -> Iterator[Line]:
    for step in summary.hop:
        style = "" if step.fired else "yellow"
        yield from _wrapped(f"hop: {step.id}: {words.fired(step)}", width, style, indent="  ")


def _failures(summary: Summary, width: int) -> Iterator[Line]:
    for arm in words.compared(summary):
        for why, count in sorted(arm.failures.items()):
            yield from _wrapped(f"{arm.name}: {count} × {why}", width, "yellow", indent="  ")


def _wrapped(text: str, width: int, style: str, indent: str = "") -> Iterator[Line]:
    for line in _broken(_clean(text), width - len(indent)):
        yield (Span(indent + line, style),)


def _broken(text: str, width: int) -> list[str]:
    """Return *text* as lines of at most *width*, numbers kept with their units."""
    lines = textwrap.wrap(text, width, break_on_hyphens=False)
    return [line.replace(words.TIE, " ") for line in lines] or [""]


def _clean(text: str) -> str:
    """Return *text* on one line and without control letters: names and evidence are not ours."""
    return "".join(letter if letter.isprintable() or letter == words.TIE else " " for letter in text)


def _tables(summary: Summary, width: int) -> Iterator[Line]:
    """Yield the arms side by side, in as many tables as the width asks for."""
    found = answer(summary)
    labels = ["", *_short([label for label, _ in found.rows])]
    columns = [
        [_clean(cell) for cell in (name, *(cells[i] for _, cells in found.rows))]
        for i, name in enumerate(found.arms)
    ]
    first = max(map(len, labels))
    fit = max(1, (width - first) // (GAP + COLUMN))
    for start in range(0, len(columns), fit):
        if start:
            yield ()
        yield from _table(labels, columns[start : start + fit], first, width - first)


def _short(labels: Sequence[str]) -> Iterator[str]:
    """Yield *labels*, blank where one begins as the one before it: ``"..., p50"`` over ``"     p95"``."""
    before = ""
    for label in labels:
        head, comma, _ = label.rpartition(", ")
        same = comma and before.startswith(head + comma)
        yield label.replace(head + comma, " " * len(head + comma)) if same else label
        before = label


def _table(labels: Sequence[str], columns: Sequence[list[str]], first: int, room: int) -> Iterator[Line]:
    widths = _fitted([max(map(len, column)) for column in columns], room)
    for number, label in enumerate(labels):
        cells = [_broken(column[number], wide) for column, wide in zip(columns, widths, strict=True)]
        style = "bold" if number == 0 else ""
        yield from _row(label.ljust(first), cells, widths, style)


def _row(label: str, cells: Sequence[list[str]], widths: Sequence[int], style: str) -> Iterator[Line]:
    """Yield one row; a cell too wide for its column goes on in the next line."""
    for number, texts in enumerate(zip_longest(*cells, fillvalue="")):
        padded = [" " * GAP + text.ljust(wide) for text, wide in zip(texts, widths, strict=True)]
        yield Span(label if number == 0 else " " * len(label), "dim"), Span("".join(padded).rstrip(), style)


def _fitted(wanted: Sequence[int], room: int) -> list[int]:
    """Return the width of each column: what it wants where *room* allows, else an equal share of the rest."""
    left, widths = room, dict[int, int]()
    for done, i in enumerate(sorted(range(len(wanted)), key=lambda i: wanted[i])):
        share = left // (len(wanted) - done) - GAP
        widths[i] = max(1, min(wanted[i], share))
        left -= widths[i] + GAP
    return [widths[i] for i in range(len(wanted))]
