"""The answer as text: in the terminal, for a pull request, and as the data of the charts."""

from __future__ import annotations

import pytest

from simulator.report import markdown
from simulator.report.charts import CHARTS
from simulator.report.terminal import render
from tests.golden.conftest import Check
from tests.helpers.made_summary import empty_findings, made_findings, warned


@pytest.mark.parametrize("width", [100, 80, 40])
def test_the_terminal_shows_an_arm_in_each_column(golden: Check, width: int) -> None:
    golden(f"terminal-{width}.txt", render(made_findings().summary, width=width, colour=False) + "\n")


@pytest.mark.parametrize("level", ["degraded", "invalid"])
def test_the_terminal_says_first_what_keeps_a_run_from_being_valid(golden: Check, level: str) -> None:
    golden(f"terminal-{level}.txt", render(warned(made_findings(), level), width=80, colour=False) + "\n")


def test_the_terminal_shows_colour_without_moving_a_letter(golden: Check) -> None:
    golden("terminal-colour.txt", render(warned(made_findings(), "degraded"), width=80, colour=True) + "\n")


def test_the_terminal_shows_a_run_in_which_nothing_moved(golden: Check) -> None:
    golden("terminal-empty.txt", render(empty_findings().summary, width=80, colour=False) + "\n")


def test_the_terminal_shows_few_users_without_intervals(golden: Check) -> None:
    golden("terminal-few.txt", render(made_findings(users=3).summary, width=80, colour=False) + "\n")


def test_markdown_for_a_pull_request(golden: Check) -> None:
    golden("report.md", markdown.page(made_findings()))


@pytest.mark.parametrize("name", CHARTS)
def test_the_data_of_each_chart(golden: Check, name: str) -> None:
    golden(f"{name}.csv", CHARTS[name].table(made_findings(users=6)).csv())
