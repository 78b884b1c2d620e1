"""report.html: one self-contained page. The template holds the words' order, this module what fills it.

The charts are set into the page as SVG whose colours are the page's own variables, so that they
follow its light and dark dress. All that is not ours (names, evidence, logs) is escaped by Jinja.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from simulator.measure.models import NUMBERS, ArmSummary, Number
from simulator.report import terminal, words
from simulator.report.answer import answer
from simulator.report.charts import CHARTS, style
from simulator.report.findings import Findings


@dataclass(frozen=True)
class NumberRow:
    """One number as a table shows it; every cell is text."""

    label: str
    means: str
    value: str
    interval: str
    n: int
    method: str


@dataclass(frozen=True)
class Figure:
    """One chart in the page."""

    name: str
    title: str
    meaning: str
    svg: Markup


def page(findings: Findings, svgs: Mapping[str, bytes]) -> str:
    """Return the page; *svgs* are the charts by name, as ``style.svg`` saved them."""
    summary, plan = findings.summary, findings.summary.plan
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            summary=summary,
            plan=plan,
            verdict=words.verdict(summary),
            state=words.state_line(summary),
            doubts=[warning for warning in summary.warnings if warning.level in terminal.DOUBTFUL],
            notes=[warning for warning in summary.warnings if warning.level not in terminal.DOUBTFUL],
            doubt_means=terminal.MEANING,
            answer=answer(summary),
            figures=[_figure(name, findings, svg) for name, svg in svgs.items()],
            comparisons=[(c, list(_comparison(c))) for c in summary.comparisons],
            arms=[(arm, list(number_rows(arm))) for arm in summary.arms],
            instrument=[number_row(name, number) for name, number in sorted(summary.instrument.items())],
            uploads=findings.uploads,
            faults=findings.faults,
            violations=findings.violations,
            command=shlex.join(plan.command),
            profile=words.profile_name(summary),
            server=words.server_name(summary),
            drawn=json.dumps(plan.profile, indent=2, ensure_ascii=False),
            setup=list(_setup(findings)),
            words=words,
            advice=terminal.advice,
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("simulator.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=lambda value: _measured(value, words.time),
        size=lambda value: _measured(value, words.size),
        unbroken=_unbroken,
    )
    return environment


def _unbroken(cell: str) -> Markup:
    """Return *cell* escaped, with what stands in brackets kept on one line."""
    return Markup(_BRACKETS.sub(r'<span class="no-wrap">\g<0></span>', str(escape(cell))))


_BRACKETS = re.compile(r"[\[(][^])]*[])]")


def _measured(value: float | None, form: words.Form) -> str:
    return words.value(Number(value=value, unit="", n=1), form)


def number_rows(arm: ArmSummary) -> Iterator[NumberRow]:
    """Yield a row for each number of *arm*, in the order of ``NUMBERS``, unknown names last."""
    order = list(NUMBERS)
    place = {name: order.index(name) if name in NUMBERS else len(order) for name in arm.numbers}
    for name in sorted(arm.numbers, key=lambda name: (place[name], name)):
        yield number_row(name, arm.numbers[name])


def number_row(name: str, number: Number) -> NumberRow:
    """Return *number* as a table shows it."""
    said = words.how(name, number.unit)
    missing = number.value is None
    return NumberRow(
        label=said.label,
        means=NUMBERS.get(name, ""),
        value="not measured" if missing else words.with_unit(number, said.form),
        interval=words.interval(number, said.form) or words.NOT_MEASURED,
        n=number.n,
        method=number.method,
    )


def _comparison(comparison: Any) -> Iterator[NumberRow]:
    for name in ("avoided", "saved_bytes", "saved_share"):
        yield number_row(name, getattr(comparison, name))


def _setup(findings: Findings) -> Iterator[tuple[str, str]]:
    """Yield what was run, where and with what, as names and texts."""
    plan = findings.summary.plan
    workload = f"{plan.uploads} per user" if plan.duration_s is None else f"for {plan.duration_s:g} s"
    yield "run", f"{plan.id}, begun {plan.started}"
    yield "users", f"{plan.users}, {plan.spawn_rate:g} started per second, on {plan.workers} worker(s)"
    yield "uploads", f"{workload}, size {plan.size}, deadline {plan.deadline_s:g} s"
    yield "arms", ", ".join(arm.name for arm in plan.arms) + f"; baseline {plan.baseline}"
    yield "server", f"{words.server_name(findings.summary)} at {plan.target}"
    yield "link engine", plan.engine
    yield "in-flight allowance", _measured(float(plan.in_flight_bytes), words.size)
    yield "policy", ", ".join(f"{name} {value}" for name, value in plan.policy.items())
    yield "machine", _pairs(plan.machine)
    yield "versions", _pairs(plan.versions)
    yield "timelines", _digests(plan.digests)


def _pairs(pairs: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in pairs.items())


def _digests(digests: Sequence[str]) -> str:
    shown = ", ".join(digest[:12] for digest in digests[:4])
    more = f" and {len(digests) - 4} more" if len(digests) > 4 else ""
    return f"SHA-256 {shown}{more}; whole in run.json" if digests else "none recorded"


def _figure(name: str, findings: Findings, svg: bytes) -> Figure:
    chart = CHARTS[name]
    meaning = chart.meaning(findings)
    return Figure(name, chart.title, meaning, inline(svg, name, chart.title, meaning))


_VARIABLES = {
    style.INK: "--ink",
    style.SOFT: "--soft",
    style.RULE: "--rule",
    style.BAND: "--band",
    style.FAULT: "--fault",
    style.PAPER: "--paper",
    **{tone.mark: f"--{name}" for name, tone in (*style.TONES.items(), ("other", style.OTHER))},
    **{tone.text: f"--{name}-text" for name, tone in (*style.TONES.items(), ("other", style.OTHER))},
}
_COLOUR = re.compile("|".join(_VARIABLES))
_HEAD = re.compile(r"^.*?<svg\b[^>]*?(viewBox=\"[^\"]*\")[^>]*>", re.DOTALL)
_NOISE = re.compile(r"<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)
_ID = re.compile(r'(\bid="|href="#|url\(#)')


def inline(svg: bytes, name: str, title: str, text: str) -> Markup:
    """Return *svg* to be set into a page: named for screen readers, its ids and colours made the page's."""
    body = _NOISE.sub("", svg.decode())
    body = _ID.sub(rf"\g<1>{name}-", body)
    body = _COLOUR.sub(lambda match: f"var({_VARIABLES[match[0]]})", body)
    head = (
        rf'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" \1 '
        rf'role="img" aria-labelledby="{name}-title {name}-desc">'
    )
    said = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(text)}</desc>'
    opened = _HEAD.match(body)
    if opened is None:
        raise ValueError(f"the chart {name} is not an SVG with a viewBox")
    return Markup(opened.expand(head) + said + body[opened.end() :])
