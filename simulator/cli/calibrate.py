"""``simsim calibrate``: an engine measured against what is asked of it, and a run against theory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer


def _option(words: str, *names: str) -> Any:
    return typer.Option(*names, help=words)


Engine = Annotated[str, _option("The engine to measure; `simsim engines list` names them.")]
Quick = Annotated[bool, _option("About 25 s: fewer and shorter probes.", "--quick")]
Seed = Annotated[int, typer.Option(min=0, help="Of the weather of the run against theory.")]
Results = Annotated[Path, _option("Where the result goes: calibration/ENGINE.json and a chart.")]
Json = Annotated[bool, _option("The result as JSON.", "--json")]
Quiet = Annotated[bool, _option("Only the result.", "--quiet", "-q")]


def calibrate(
    engine: Engine = "embedded",
    quick: Quick = False,
    seed: Seed = 1,
    results: Results = Path("results"),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure an engine's own error, then a run against theory. Exit code 1 when a check failed."""
    from simulator import calibrate as room
    from simulator.calibrate import result, theory
    from simulator.links.engines import check_engine
    from simulator.report import said

    check_engine(engine)
    path = result.place(results, engine)

    def told(what: str) -> None:
        if not quiet:
            sys.stderr.write(f"simsim: measuring {what}\n")

    found = room.measure(
        engine, quick=quick, told=told, theory=lambda: theory.compare(engine, quick=quick, seed=seed)
    )
    result.write(found, path)
    print(found.model_dump_json(indent=2) if json else "\n".join(said.lines(found)))
    if not quiet and not json:
        print(path)
    return 0 if found.held else 1
