"""The live picture of ``simsim proxy`` on a terminal: what each link does, has carried, and what happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from simulator.cli.linkstate import CALM, LinkState
from simulator.links.addresses import address_text
from simulator.units import format_duration, format_rate, format_size

LINES = 8  # of what happened last


@dataclass(frozen=True)
class Column:
    """One column: what its cell says of a link at an instant, and the least width of a terminal for it."""

    title: str
    cell: Callable[[LinkState, float], str | Text]
    justify: Literal["left", "right"] = "right"
    least: int = 0


def _now(link: LinkState, now: float) -> Text:
    doing = link.doing(now)
    return Text(doing, style="green" if doing == CALM else "yellow")


COLUMNS = (
    Column("link", lambda link, _: link.name, "left"),
    Column("dial", lambda link, _: address_text(link.address), "left", least=120),
    Column("now", _now, "left"),
    Column("up", lambda link, now: format_rate(link.rates(now)[0])),
    Column("down", lambda link, now: format_rate(link.rates(now)[1])),
    Column("delay", lambda link, now: format_duration(link.delay(now)), least=100),
    Column("carried up", lambda link, _: format_size(link.up)),
    Column("carried down", lambda link, _: format_size(link.down), least=80),
    Column("open", lambda link, _: str(link.connections)),
    Column("next", lambda link, now: link.coming(now), "left", least=100),
)


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
        columns = [column for column in COLUMNS if column.least <= self._live.console.width]
        table.add_column("")
        for column in columns:
            table.add_column(column.title, justify=column.justify, no_wrap=True)
        for link in links:
            marked = ">" if link in chosen else ""
            table.add_row(marked, *(column.cell(link, now) for column in columns))
        said = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in self._said]
        self._live.update(Group(table, *said, Text(self._help, style="bold")), refresh=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)
