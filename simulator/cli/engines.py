"""``simsim engines``: what makes links, and how what is no part of simsim is installed."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer

from simulator.report.tables import table

app = typer.Typer(help="List and install the engines that make links.", no_args_is_help=True)


@app.command("list")
def list_(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the engines, and whether they are installed."""
    from simulator.links.engines import ENGINES

    rows = [_row(name) for name in ENGINES]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    lines = [("name", "installed", "summary")]
    for row in rows:
        state = row["program"] or row["version"] if row["installed"] else f"no: {_command(row['name'])}"
        lines.append((row["name"], state, row["summary"]))
    print("\n".join(table(lines)))


@app.command()
def install(name: str = typer.Argument(help="An engine: toxiproxy.")) -> None:
    """Install an engine at the version that simsim is tried with, by its own package manager."""
    from simulator.errors import UsageError, did_you_mean
    from simulator.links.engines import ENGINES

    if name not in ENGINES:
        raise UsageError(f"there is no engine '{name}'", where="NAME", mend=did_you_mean(name, ENGINES))
    kind = ENGINES[name]
    if kind.install is None:
        raise UsageError(f"the engine '{name}' has nothing to install", mend=f"simsim run --engine {name}")
    path = kind.install(_note)
    print(f"{name} {kind.version} is at {path}")


def _row(name: str) -> dict[str, Any]:
    from simulator.links.engines import ENGINES
    from simulator.programs import find_program

    kind = ENGINES[name]
    program = None if kind.program is None else find_program(kind.program)
    return {
        "name": name,
        "installed": kind.program is None or program is not None,
        "program": program,
        "version": kind.version,
        "summary": kind.summary,
    }


def _command(name: str) -> str:
    return f"simsim engines install {name}"


def _note(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
