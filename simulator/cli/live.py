"""The view of a run while it runs: live lines on a terminal, plain lines elsewhere, all on stderr."""

from __future__ import annotations

import sys
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from simulator.cli.progress import Progress
from simulator.records import Record
from simulator.units import format_size

EVERY_LIVE = 0.25  # seconds
EVERY_PLAIN = 5.0
SPARK_WIDTH = 30


class View:
    """Shows a run's progress; ``take`` may be called from any thread. A context manager."""

    def __init__(self, *, quiet: bool) -> None:
        self._progress = Progress()
        self._turn = Lock()
        self._stop = Event()
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._thread = Thread(target=self._show, name="view", daemon=True)

    def take(self, record: Record) -> None:
        """Let *record* change what is shown."""
        with self._turn:
            self._progress.take(record)

    def __enter__(self) -> Self:
        if not self._quiet:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        try:
            if self._thread.is_alive():
                self._thread.join()
        except KeyboardInterrupt:
            if error is None:
                raise
            # One more Ctrl-C on the way out must not take the place of what is to be said.

    def _show(self) -> None:
        if self._console.is_terminal:
            with Live(console=self._console, auto_refresh=False, transient=True) as live:
                while not self._stop.wait(EVERY_LIVE):
                    live.update(self._picture(), refresh=True)
        else:
            while not self._stop.wait(EVERY_PLAIN):
                sys.stderr.write(self._line() + "\n")

    def _picture(self) -> Group:
        with self._turn:
            progress = self._progress
            table = Table(box=None, pad_edge=False, header_style="dim")
            for column in ("", "completed", "carried", "again", "sending", "waiting", "through"):
                table.add_column(column, justify="left" if not column else "right")
            for name, arm in progress.arms.items():
                sending, waiting, through = progress.states(name)
                cells = [format_size(arm.carried), format_size(arm.again), sending, waiting, through]
                done = f"{arm.completed}/{arm.ended}" if arm.ended else "0"
                table.add_row(name, done, *(str(cell) for cell in cells))
            table.add_row("links hit", Text(progress.sparkline(SPARK_WIDTH), style="yellow"))
            table.add_row("elapsed", f"{progress.now:.0f} s", f"of about {progress.longest:.0f} s")
            return (
                Group(table, Text(progress.waits_for, style="bold")) if progress.waits_for else Group(table)
            )

    def _line(self) -> str:
        with self._turn:
            progress = self._progress
            if progress.waits_for:
                return f"{progress.now:4.0f} s: {progress.waits_for}"
            arms = [
                f"{name} {arm.completed} completed, {format_size(arm.carried)} carried, "
                f"{format_size(arm.again)} again"
                for name, arm in progress.arms.items()
                if "/" not in name
            ]
        return f"{progress.now:4.0f} s of about {progress.longest:.0f} s: {'; '.join(arms) or 'starting'}"
