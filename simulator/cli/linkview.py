"""The live picture of ``simsim proxy`` on a terminal: what each link does, has carried, and what happened."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from simulator.cli.linkstate import LinkState
from simulator.links.addresses import address_text
from simulator.units import format_duration, format_rate, format_size

COLUMNS = ("", "link", "dial", "now", "up", "down", "delay", "carried up", "carried down", "open", "next")
RIGHT = COLUMNS[4:10]
LINES = 8  # of what happened last


class LinkView:
    """A table that is drawn anew with each ``show``. A context manager, gone from the screen at its end."""

    def __init__(self, help_line: str) -> None:
        self._help = help_line
        self._said: deque[str] = deque(maxlen=LINES)
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)

    def say(self, line: str) -> None:
        """Show *line* below the table for a while."""
        self._said.append(line)

    def show(self, links: list[LinkState], chosen: list[LinkState], now: float) -> None:
        """Draw *links* as they are at *now*; keys go to the *chosen*."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in COLUMNS:
            table.add_column(column, justify="right" if column in RIGHT else "left", no_wrap=True)
        for link in links:
            table.add_row(*_cells(link, link in chosen, now))
        said = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in self._said]
        self._live.update(Group(table, *said, Text(self._help, style="bold")), refresh=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)


def _cells(link: LinkState, chosen: bool, now: float) -> list[str | Text]:
    up, down = link.rates(now)
    doing = link.doing(now)
    return [
        ">" if chosen else "",
        link.name,
        address_text(link.address),
        Text(doing, style="green" if doing == "passes" else "yellow"),
        format_rate(up),
        format_rate(down),
        format_duration(link.delay(now)),
        format_size(link.up),
        format_size(link.down),
        str(link.connections),
        link.coming(now),
    ]
