"""``simsim engine``: the engine in the box under toxiproxy's HTTP API, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def engine(
    listen: Annotated[str, typer.Option(help="Address of the API.")] = "127.0.0.1:8474",
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, help="Seed of what chance decides (toxicity, jitter, slices); drawn if not given."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="JSON file of proxies to begin with, as for POST /populate.")
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let proxies listen at addresses other than loopback.")
    ] = False,
) -> None:
    """Serve toxiproxy's HTTP API until Ctrl-C: its clients work unchanged, and can do more."""
    import secrets

    from simulator.links.embedded.api.serve import Options, run

    chosen = secrets.randbits(32) if seed is None else seed
    options = Options(listen, chosen, allow_remote=allow_remote, config=config)
    run(options, lambda url: typer.echo(f"listening on {url}, seed {chosen}"))
