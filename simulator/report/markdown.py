"""report.md: the answer for a pull request, in GitHub's Markdown.

All that is not ours (names, evidence) is escaped, so that it can neither end a table's cell nor
become markup, a mention or an issue's link.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from simulator.measure.models import Number, Summary
from simulator.report import terminal, words
from simulator.report.answer import answer
from simulator.report.charts import CHARTS
from simulator.report.findings import Findings
from simulator.report.html import NumberRow, number_row, number_rows

_MARKUP = re.compile(r"[\\`*_\[<|~&$]")
_CALLS = re.compile(r"[@#](?=\w)")  # a mention or an issue: broken by a space of no width after the sign
_NO_WIDTH = "\N{ZERO WIDTH SPACE}"


def text(raw: str) -> str:
    """Return *raw* on one line, with no letter that means anything to Markdown or HTML."""
    line = " ".join(raw.replace(words.TIE, "\0").split()).replace("\0", words.TIE)
    return _CALLS.sub(rf"\g<0>{_NO_WIDTH}", _MARKUP.sub(r"\\\g<0>", line))


def page(findings: Findings) -> str:
    """Return the page."""
    return "\n".join(_lines(findings)) + "\n"


def _lines(findings: Findings) -> Iterator[str]:
    summary = findings.summary
    yield from _doubts(summary)
    yield f"### {text(summary.headline)}"
    yield ""
    yield from _answer(summary)
    yield ""
    yield text(words.state_line(summary))
    yield ""
    yield from _hop(summary)
    yield from _notes(summary)
    yield from _meanings(findings)
    yield ""
    yield from _details("All numbers", list(_numbers(summary)))
    yield from _details("Set-up", list(_setup(summary)))


def _doubts(summary: Summary) -> Iterator[str]:
    if summary.status == "interrupted":
        yield "> **INTERRUPTED:** the run was ended early; below is what it had shown by then."
        yield ""
    if summary.validity == "valid":
        return
    yield f"> **{text(summary.validity.upper())}:** {terminal.MEANING.get(summary.validity, '')}"
    for warning in summary.warnings:
        if warning.level in terminal.DOUBTFUL:
            yield f"> {text(terminal.advice(warning))}"
    yield ""


def _notes(summary: Summary) -> Iterator[str]:
    for warning in summary.warnings:
        if warning.level not in terminal.DOUBTFUL:
            yield f"Note: {text(terminal.advice(warning))}"
            yield ""


def _answer(summary: Summary) -> Iterator[str]:
    found = answer(summary)
    yield from table(("", *found.arms), [(label, *cells) for label, cells in found.rows])


def _hop(summary: Summary) -> Iterator[str]:
    if summary.hop:
        yield from table(
            ("step of the hop", "does", "fired"), [(s.id, s.does, words.fired(s)) for s in summary.hop]
        )
        yield ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table whose cells are escaped here."""
    yield f"| {' | '.join(text(cell) for cell in header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(text(cell) for cell in row)} |"


def _meanings(findings: Findings) -> Iterator[str]:
    for name, chart in CHARTS.items():
        yield f"- [{chart.title}](charts/{name}.png): {text(chart.meaning(findings))}"


def _details(summary: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"<details><summary>{summary}</summary>"
    yield ""
    yield from lines
    yield "</details>"


def _numbers(summary: Summary) -> Iterator[str]:
    header = ("", "value", "95 % interval", "n", "how")
    for comparison in summary.comparisons:
        named: dict[str, Number] = {
            "avoided": comparison.avoided,
            "saved_bytes": comparison.saved_bytes,
            "saved_share": comparison.saved_share,
        }
        rows = [_cells(number_row(name, number)) for name, number in named.items()]
        yield f"**{text(comparison.arm)} against {text(comparison.baseline)}**"
        yield ""
        yield from table(header, rows)
        yield ""
    for arm in summary.arms:
        yield f"**{text(arm.name)}**"
        yield ""
        yield from table(header, [_cells(row) for row in number_rows(arm)])
        yield ""


def _cells(row: NumberRow) -> tuple[str, ...]:
    return row.label, row.value, row.interval, str(row.n), row.method


def _setup(summary: Summary) -> Iterator[str]:
    plan = summary.plan
    pairs = [
        ("command", shlex.join(plan.command)),
        ("profile", words.profile_name(summary)),
        ("server", words.server_name(summary)),
        ("engine", plan.engine),
        ("machine", ", ".join(f"{name} {value}" for name, value in plan.machine.items())),
        ("versions", ", ".join(f"{name} {value}" for name, value in plan.versions.items())),
        ("instrument", words.calibration(summary)),
    ]
    yield from table(("", ""), pairs)
    yield ""
