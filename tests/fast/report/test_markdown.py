"""report.md: GitHub's tables, and names that cannot break out of them."""

from __future__ import annotations

import dataclasses

import pytest

from simulator.report import markdown
from tests.helpers.made_summary import made_findings, warned


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<b>", r"\<b>"),
        ("*_`[x](y)", r"\*\_\`\[x](y)"),
        ("two\nlines", "two lines"),
        ("@someone", "@\u200bsomeone"),
        ("#12", "#\u200b12"),
        ("&lt;", r"\&lt;"),
        ("97\N{NO-BREAK SPACE}%", "97\N{NO-BREAK SPACE}%"),
        ("\\|", r"\\\|"),
    ],
)
def test_letters_that_mean_something_are_escaped(raw: str, escaped: str) -> None:
    assert markdown.text(raw) == escaped


def test_every_line_of_a_table_has_the_same_number_of_cells() -> None:
    findings = made_findings(users=2, profile="a|b\n|c", server="| x |")
    tables = [line for line in markdown.page(findings).splitlines() if line.startswith("|")]
    widths = {line.replace("\\|", "").count("|") for line in tables}
    assert widths == {3, 4, 6}  # set-up, answer, numbers


def test_the_headline_comes_first() -> None:
    assert markdown.page(made_findings()).startswith("### Resumption avoided")


def test_anything_but_valid_stands_before_the_headline() -> None:
    findings = made_findings(users=2)
    page = markdown.page(dataclasses.replace(findings, summary=warned(findings, "degraded")))
    assert page.startswith("> **DEGRADED:**")
