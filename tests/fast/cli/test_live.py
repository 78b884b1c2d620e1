"""The view of a run: lines that say what goes on, or what is waited for."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from simulator.cli.live import View
from simulator.records import Integrity, Link, Outcome, Record, Run, Upload
from tests.helpers.plans import make_plan

RUNNING: tuple[Record, ...] = (
    Run(t=0, event="start", plan=make_plan()),
    Link(t=0.1, user=0, arm="tus"),
    Upload(t=5, started=0.1, user=0, arm="tus", upload=0, size=1000, sha256="", outcome=Outcome.COMPLETED),
)
CHECKING: tuple[Record, ...] = (
    Run(t=6, event="check"),
    Integrity(t=6, user=0, arm="tus", upload=0, how="get", intact=True),
)
WORDS = "checking what the server stored: 1 of 1 uploads checked"


def shown(*records: Record) -> tuple[str, str]:
    """Return the plain line, and the live lines as a terminal shows them."""
    view = View(quiet=True)
    for record in records:
        view.take(record)
    screen = StringIO()
    Console(file=screen, width=100).print(view._picture())
    return view._line(), screen.getvalue()


def test_while_the_swarm_runs_the_arms_are_shown() -> None:
    line, picture = shown(*RUNNING)
    assert "tus 1 completed" in line
    assert "checking" not in line + picture


def test_while_what_was_stored_is_checked_both_views_say_so() -> None:
    line, picture = shown(*RUNNING, *CHECKING)
    assert line == f"   6 s: {WORDS}"
    assert WORDS in picture
    assert "1/1" in picture
