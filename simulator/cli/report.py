"""``simsim report``: every number, chart and page of a run, made again from its records."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

_LATEST = Path("results/latest")


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run, copied from anywhere.")] = _LATEST,
    json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the answer, without the page's path.")
    ] = False,
) -> int:
    """Make the numbers, charts and pages of a run again, and print the answer."""
    from simulator import report as room

    room.write(run)
    show(run, json=json, quiet=quiet)
    return 0


def show(folder: Path, *, json: bool, quiet: bool = False) -> None:
    """Print the answer of the run in *folder*, whose report is made, and where its page lies.

    With *json* the whole summary instead; with *quiet* the answer alone.
    """
    from simulator.report import PAGE, load_summary, terminal

    summary = load_summary(folder)
    if json:
        print(summary.model_dump_json(indent=2))
        return
    # 100 columns hold two arms without a break; a wider page is harder to read, not easier.
    width = min(shutil.get_terminal_size().columns, 100) if sys.stdout.isatty() else 100
    print(terminal.render(summary, width=width, colour=_wants_colour()))
    if not quiet:
        print(folder / PAGE)


def _wants_colour() -> bool:
    """Return whether stdout is a terminal whose user has not asked for no colour (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
