"""``simsim profiles``: the networks that ship with simsim, what they say, and what is drawn from them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from simulator.errors import UsageError
from simulator.report.tables import table

if TYPE_CHECKING:
    from simulator.weather import Profile
    from simulator.weather.census import Census

app = typer.Typer(help="List, show, draw and check network profiles.", no_args_is_help=True)

_COUNTED = 200  # users whose weather `show` draws and counts
_COUNTED_S = 60.0  # seconds of it
_MOST_DRAWN = 12  # users in one picture
_NAME = "A shipped profile, or a TOML file (a word with '/' or ending in '.toml')."


@app.command("list")
def list_(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the shipped profiles: rates, delay, and what happens on them."""
    from simulator.weather import load_profile, profile_names

    rows = [_row(load_profile(name)) for name in profile_names()]
    if as_json:
        print(json.dumps([dict(zip(_LISTED, row, strict=True)) for row in rows], indent=2))
        return
    _table(_LISTED, rows)


@app.command()
def show(
    name: str = typer.Argument(help=_NAME),
    seed: int = typer.Option(1, min=0, help="Draw with this seed what is counted."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show every figure of a profile with its source, and what the weather drawn from it amounts to."""
    from simulator.weather import load_profile

    profile = load_profile(name)
    counted = _count(profile, seed)
    if as_json:
        print(json.dumps({**profile.to_dict(), "drawn": _plain(counted)}, indent=2))
        return
    print(f"{profile.name}: {profile.summary}\n")
    _table(("figure", "value", "source", "from"), _figures(profile))
    print()
    _table(("default", "value"), _defaults(profile))
    print()
    _table((f"drawn for {counted.links} users", "value"), _drawn_rows(counted))


@app.command()
def plot(
    name: str = typer.Argument(help=_NAME),
    users: int = typer.Option(5, min=1, max=_MOST_DRAWN, help="Draw the links of this many users."),
    seed: int = typer.Option(1, min=0, help="Draw the weather with this seed."),
    out: Path | None = typer.Option(
        None, "--out", help="Write to this .png or .svg file.", show_default="NAME-timelines.png"
    ),
) -> None:
    """Draw the timelines of some users: uplink rate, faults as bands and marks."""
    from simulator.weather import draw, load_profile

    profile = load_profile(name)
    path = _picture(out or Path(f"{profile.name}-timelines.png"))
    from simulator.report.charts import style, timelines

    horizon = min(profile.workload.longest_s, timelines.LONGEST)
    links = [draw(profile, seed, user, horizon=horizon) for user in range(users)]
    figure = timelines.draw(profile, links, seed)
    _write(path, style.svg(figure) if path.suffix == ".svg" else style.png(figure))
    print(path)


@app.command()
def check(files: list[str] = typer.Argument(help="Profile files.", metavar="FILE...")) -> None:
    """Check profile files; stop at the first that cannot be used, with its place and the mend."""
    from simulator.weather import load_profile

    for file in files:
        profile = load_profile(file if file.endswith(".toml") or "/" in file else f"./{file}")
        without = [path for path in profile.figures() if profile.source(path) is None]
        note = f" ({len(without)} figures without a source: {', '.join(without)})" if without else ""
        print(f"{file}: ok{note}")


_LISTED = ("name", "up", "down", "delay", "summary")


def _row(profile: Profile) -> tuple[str, ...]:
    figures = profile.figures()
    return (profile.name, figures["link.up"], figures["link.down"], figures["link.delay"], profile.summary)


def _figures(profile: Profile) -> list[tuple[str, ...]]:
    """Return a row for each figure; a source that goes on from the row before is not said again."""
    rows: list[tuple[str, ...]] = []
    before = None
    for path, value in profile.figures().items():
        source = profile.source(path)
        kind = "not stated" if source is None else source.kind
        origin = "" if source is None or source is before else source.origin
        rows.append((path, str(value), kind, origin))
        before = source
    return rows


def _defaults(profile: Profile) -> list[tuple[str, ...]]:
    data = profile.to_dict()
    return [
        (f"{table}.{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for table in ("workload", "policy")
        for key, value in data.get(table, {}).items()
    ]


def _count(profile: Profile, seed: int) -> Census:
    """Return what the weather of the first minute amounts to."""
    from simulator.weather import draw
    from simulator.weather.census import census

    upto = min(profile.workload.longest_s, _COUNTED_S)
    return census([draw(profile, seed, user, horizon=upto) for user in range(_COUNTED)], upto)


def _plain(counted: Census) -> dict[str, Any]:
    """Return *counted* for JSON, which has no infinity: None for what never happens."""
    return {key: None if value == math.inf else value for key, value in asdict(counted).items()}


def _drawn_rows(counted: Census) -> list[tuple[str, str]]:
    from simulator.units import format_duration, format_rate

    def every(seconds: float) -> str:
        return "never" if seconds == math.inf else f"every {format_duration(seconds)}"

    return [
        ("a connection is ended", every(counted.ending_every_s)),
        ("  of these ends, silent", f"{counted.silent_share:.0%}"),
        ("nothing moves", every(counted.stall_every_s)),
        ("  for, median", format_duration(counted.stall_median_s) if counted.stall_median_s else "-"),
        ("  share of the time", f"{counted.down_share:.0%}"),
        ("uplink, mean with the gaps", format_rate(counted.uplink_mean)),
    ]


def _picture(path: Path) -> Path:
    if path.suffix not in (".png", ".svg"):
        raise UsageError(
            f"'{path}' is no picture that can be written", where="--out", mend="end it in .png or .svg"
        )
    return path


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"'{path}' cannot be written: {error.strerror}", where="--out") from None


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn by rich on a terminal, aligned columns anywhere else."""
    if sys.stdout.isatty():
        _drawn(header, rows)
        return
    print("\n".join(table((header, *rows))))


def _drawn(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
