"""``simsim servers``: what can be uploaded to, how it is installed, and one by hand."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from simulator.errors import PartDied
from simulator.report.tables import table

if TYPE_CHECKING:
    from simulator.servers.catalog import Entry
    from simulator.servers.server import Target

app = typer.Typer(help="List, install and start the servers of the catalog.", no_args_is_help=True)

_WATCH_EVERY = 0.2  # seconds


@app.command("list")
def list_(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the servers of the catalog: what they speak, and whether they are installed."""
    from simulator.servers import catalog

    rows = [_row(catalog.load(name)) for name in catalog.names()]
    print(json.dumps(rows, indent=2) if as_json else "\n".join(_lines(rows)))


@app.command()
def install(name: str = typer.Argument(help="A server of the catalog, or a TOML file.")) -> None:
    """Install a server at the version that the catalog pins, by its own package manager."""
    from simulator.servers import catalog
    from simulator.servers import install as installing

    entry = catalog.load(name)
    program = installing.install(entry, say=_note)
    version = entry.install.version if entry.install else ""
    print(f"{entry.name} {version} is at {program}")


@app.command("serve")
def serve(
    name: str = typer.Argument(help="A server of the catalog, or a TOML file."),
    port: int = typer.Option(0, min=0, max=65535, help="Listen on this port; 0 takes a free one."),
    folder: Path | None = typer.Option(
        None, "--dir", help="Store uploads here and keep them; else they are thrown away at the end."
    ),
) -> None:
    """Start a server on loopback and leave it running until Ctrl-C."""
    serve_until_interrupted(name, port, folder)


def serve_until_interrupted(name: str, port: int, folder: Path | None) -> None:
    """Run a server in the foreground. Ctrl-C is the ordinary end; raises ``PartDied`` when it ends itself."""
    import tempfile

    from simulator import servers

    with tempfile.TemporaryDirectory(prefix="simsim-") as logs:
        try:
            with servers.start(name, Path(logs), port=port, store=folder) as target:
                _announce(target)
                _watch(target)
        except KeyboardInterrupt:
            _note(f"{name} stopped")
        except PartDied as error:  # its log, whose last lines are said, goes with the folder
            raise PartDied(error.what, mend=error.mend) from error


def _announce(target: Target) -> None:
    for protocol, endpoint in target.endpoints.items():
        worded = f" (worded in {endpoint.framing})" if endpoint.framing else ""
        print(f"{protocol:8}{endpoint.url}{worded}")
    sys.stdout.flush()  # whoever started us waits for these lines
    _note(f"{target.name} {target.version} stores in {target.store}; Ctrl-C ends it")


def _watch(target: Target) -> None:
    while target.child is not None:
        target.child.check()
        time.sleep(_WATCH_EVERY)


def _row(entry: Entry) -> dict[str, Any]:
    from simulator.servers import install, process

    program = install.found(entry)
    here = program is not None or not entry.needs_installing
    return {
        "name": entry.name,
        "installed": here,
        "version": process.version_of(entry, program) if here else None,
        "pinned": entry.install.version if entry.install else None,
        "speaks": list(entry.speaks),
        "licence": entry.licence,
        "summary": entry.summary,
    }


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    lines = [("name", "installed", "speaks", "licence", "summary")]
    for row in rows:
        missing = f"no: simsim servers install {row['name']}"
        state = row["version"] if row["installed"] else missing
        lines.append((row["name"], state, ", ".join(row["speaks"]), row["licence"], row["summary"]))
    return table(lines)


def _note(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
