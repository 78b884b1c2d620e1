"""The page in the terminal: what stands where, and within which width."""

from __future__ import annotations

import re

import pytest

from simulator.measure.models import Warning
from simulator.report.terminal import render
from tests.helpers.made_summary import made_findings, warned

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", range(40, 121, 7))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    page = render(warned(made_findings(), "degraded"), width=width, colour=False)
    assert max(map(len, page.splitlines())) <= width


def test_an_absurd_width_still_gives_a_page() -> None:
    summary = made_findings().summary
    assert render(summary, width=1, colour=False) == render(summary, width=40, colour=False)


def test_colour_changes_no_letter() -> None:
    summary = warned(made_findings(), "invalid")
    plain, coloured = (render(summary, width=80, colour=colour) for colour in (False, True))
    assert "\x1b[" not in plain
    assert "\x1b[1;31m" in coloured
    assert [line.rstrip() for line in ESCAPES.sub("", coloured).splitlines()] == plain.splitlines()


def test_a_valid_run_begins_with_its_headline() -> None:
    assert render(made_findings().summary, width=100, colour=False).startswith("Resumption avoided")


@pytest.mark.parametrize("level", ["degraded", "invalid"])
def test_anything_but_valid_is_printed_first(level: str) -> None:
    page = render(warned(made_findings(), level), width=100, colour=False)
    assert page.startswith(level.upper())
    assert page.index("use fewer users") < page.index("Resumption avoided")


def test_an_interrupted_run_says_so_first_and_last() -> None:
    summary = made_findings().summary.model_copy(update={"status": "interrupted"})
    page = render(summary, width=100, colour=False)
    assert page.startswith("INTERRUPTED")
    assert page.splitlines()[-1].startswith("interrupted, valid · 20 users")


def test_a_note_stands_below_the_table() -> None:
    note = Warning(level="note", seen="seen", means="means", advice="advice")
    summary = made_findings().summary.model_copy(update={"warnings": [note]})
    page = render(summary, width=100, colour=False)
    assert page.startswith("Resumption")
    assert page.index("integrity") < page.index("note: seen; means; do: advice")


def test_calm_twins_have_no_column_but_show_in_the_retention_row() -> None:
    page = render(made_findings().summary, width=100, colour=False)
    assert "/calm" not in page
    assert re.search(r"goodput retention +\d+ % .* of 1\.84 Mbit/s", page)


def test_counts_that_are_zero_everywhere_have_no_row() -> None:
    page = render(made_findings().summary, width=100, colour=False)
    assert "violations" in page
    assert "duplicates" not in page


def test_failures_are_told_with_their_reason() -> None:
    summary = made_findings().summary
    arms = [summary.arms[0].model_copy(update={"failures": {"413 Content Too Large": 2}}), *summary.arms[1:]]
    page = render(summary.model_copy(update={"arms": arms}), width=100, colour=False)
    assert "plain: 2 × 413 Content Too Large" in page


def test_names_that_are_not_ours_cannot_move_the_cursor() -> None:
    summary = made_findings().summary.model_copy(update={"headline": "a\x1b[2Jb\x07\u202ec"})
    page = render(summary, width=100, colour=False)
    assert not [letter for letter in page if not letter.isprintable() and letter != "\n"]


def test_more_arms_than_fit_come_in_a_second_table() -> None:
    summary = made_findings().summary
    arms = [summary.arms[0].model_copy(update={"name": name}) for name in "abcdefg"]
    page = render(summary.model_copy(update={"arms": arms}), width=80, colour=False)
    heads = [line.split() for line in page.splitlines() if set(line.split()) & set("abcdefg")]
    assert [name for head in heads for name in head] == list("abcdefg")
    assert len(heads) > 1
