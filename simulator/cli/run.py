"""``simsim run``: a swarm of upload clients over emulated links, and the answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

STATUS = {"finished": 0, "interrupted": 130, "invalid": 3}


def _option(words: str, *names: str) -> Any:
    return typer.Option(*names, help=words)


_SIZES = "'3 MB', '1 MB..5 MB', 'lognormal(3 MB, 0.5)', or the path of a file."

Profile = Annotated[str, typer.Argument(help="A shipped profile, or the path of a TOML file.")]
Seed = Annotated[int, _option("Of the weather; the same seed, the same links.")]
Engine = Annotated[
    str, _option("What makes the links: embedded, toxiproxy, or the URL of a toxiproxy that runs.")
]
Workers = Annotated[int, _option("Processes that run users.")]
Calm = Annotated[bool, _option("Also run each arm without faults, for retention.", "--calm/--no-calm")]
Users = Annotated[int | None, _option("Users per arm.")]
Uploads = Annotated[int | None, _option("Uploads per user.")]
For = Annotated[str | None, _option("Upload again and again for so long.", "--for")]
Size = Annotated[str | None, _option(_SIZES)]
SpawnRate = Annotated[float | None, _option("Users started per second.")]
Deadline = Annotated[str | None, _option("An upload unfinished by then is censored.")]
Protocol = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol",
        "--protocols",
        help="An arm: plain, tus, ietf:6, tus:checksum=sha1+parallel=4. Again for each, or with commas.",
        show_default="plain,tus",
    ),
]
Piece = Annotated[str | None, _option("Send in pieces of this size.")]
StallTimeout = Annotated[str | None, _option("Give an attempt up when nothing moves for so long.")]
Server = Annotated[
    str | None, typer.Option(help="A server of the catalog, or its TOML file.", show_default="reference")
]
Against = Annotated[str | None, _option("URL of a server that already runs.")]
Header = Annotated[list[str] | None, _option("'Name: value' with every request.")]
Ca = Annotated[
    Path | None, _option("PEM file of authorities to trust instead of the public ones, for an https target.")
]
Insecure = Annotated[bool, _option("Do not check the certificate of an https target.", "--insecure")]
AllowRemote = Annotated[bool, _option("Let --against and --engine leave this machine.", "--allow-remote")]
HopScript = Annotated[str | None, _option("An HTTP-aware hop before the server: a script.", "--hop")]
Results = Annotated[Path, _option("Where run folders go.")]
Quiet = Annotated[bool, _option("Only the answer.", "--quiet", "-q")]
Json = Annotated[bool, _option("The summary as JSON.", "--json")]


def run(
    profile: Profile,
    users: Users = None,
    uploads: Uploads = None,
    for_: For = None,
    size: Size = None,
    spawn_rate: SpawnRate = None,
    deadline: Deadline = None,
    seed: Seed = 1,
    protocol: Protocol = None,
    piece: Piece = None,
    stall_timeout: StallTimeout = None,
    server: Server = None,
    against: Against = None,
    header: Header = None,
    ca: Ca = None,
    insecure: Insecure = False,
    allow_remote: AllowRemote = False,
    engine: Engine = "embedded",
    hop: HopScript = None,
    workers: Workers = 1,
    calm: Calm = True,
    results: Results = Path("results"),
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Send a swarm of upload clients through flaky links at a server, and print what resumption saved."""
    from simulator import pipeline
    from simulator.cli import options
    from simulator.cli.live import View
    from simulator.cli.report import show
    from simulator.swarm.arms import names
    from simulator.swarm.planning import Asked

    asked = Asked(
        profile=profile,
        protocols=names(["plain,tus"] if protocol is None else protocol),
        seed=seed,
        users=users,
        uploads=uploads,
        duration_s=options.duration(for_, "--for"),
        spawn_rate=spawn_rate,
        size=size,
        deadline_s=options.duration(deadline, "--deadline"),
        piece=options.size(piece, "--piece"),
        stall_timeout_s=options.duration(stall_timeout, "--stall-timeout"),
        workers=workers,
        calm=calm,
        engine=engine,
        server=server,
        against=against,
        allow_remote=allow_remote,
        hop=hop,
        headers=options.headers(header or []),
        ca=ca,
        insecure=insecure,
        command=("simsim", *options.without_secrets(sys.argv[1:])),
    )
    with View(quiet=quiet or json) as view:
        ended = pipeline.run(asked, results, view.take)
    show(ended.folder, json=json)
    return STATUS[ended.status]
