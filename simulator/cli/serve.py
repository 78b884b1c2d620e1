"""``simsim serve``: the server in the box, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def serve(
    directory: Annotated[
        Path, typer.Option("--dir", help="Where uploads are stored; made if it is not there.")
    ] = Path("uploads"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let --host be reached from other machines.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")] = 1080,
    fsync: Annotated[
        bool, typer.Option("--fsync", help="Sync to disk before an offset is promised.")
    ] = False,
    max_size: Annotated[
        str, typer.Option(help="Largest upload, such as '5 GB'; no limit if not given.")
    ] = "",
    max_append_size: Annotated[
        str, typer.Option(help="Most content of one request of the IETF draft, such as '8 MB'.")
    ] = "",
    whole_urls: Annotated[
        bool,
        typer.Option("--whole-urls", help="Let tus's Location be a URL, for clients that take no path."),
    ] = False,
    expires: Annotated[str, typer.Option(help="Life of an unfinished upload, such as '1 h'.")] = "",
    idle_timeout: Annotated[str, typer.Option(help="When a silent connection is ended.")] = "60 s",
    cert: Annotated[
        Path | None, typer.Option(help="PEM certificate, its chain after it: serve https.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The certificate's PEM key, if it is not in the same file.")
    ] = None,
    misbehave: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD[=VALUE]",
            help="Be wrong in a known way, for tests: see docs/misbehave.md. Repeatable.",
        ),
    ] = None,
) -> None:
    """Serve plain, tus, the IETF draft, google and s3 until Ctrl-C; docs/protocols.md names the paths."""
    from simulator.servers.loopback import refuse_remote
    from simulator.servers.reference.misbehave import habits
    from simulator.servers.reference.resource import Limits
    from simulator.servers.reference.shell import Options, run
    from simulator.units import parse_duration, parse_size

    if not allow_remote:
        refuse_remote(host, "--host", "add --allow-remote if other machines may upload here")
    size = _within("--max-size", max_size, parse_size) if max_size else None
    life = _within("--expires", expires, parse_duration) if expires else None
    idle = _within("--idle-timeout", idle_timeout, parse_duration)
    most = _within("--max-append-size", max_append_size, parse_size) if max_append_size else None
    limits = Limits(
        None if size is None else int(size),
        life,
        None if most is None else int(most),
        whole_urls=whole_urls,
    )
    options = Options(
        host,
        port,
        directory,
        fsync=fsync,
        limits=limits,
        habits=habits(misbehave or []),
        idle_s=idle,
        certificate=cert,
        key=key,
    )
    run(options, lambda url: typer.echo(f"listening on {url}"))


# The least and the most of each, in bytes or seconds; beyond ten years a date would not fit into its field.
_LIMITS = {
    "--max-size": (1, 10**15, "from 1 B to 1000000 GB"),
    "--max-append-size": (1, 10**15, "from 1 B to 1000000 GB"),
    "--expires": (0.1, 10 * 365 * 86400.0, "from 100 ms to 87600 h"),
    "--idle-timeout": (0.1, 86400.0, "from 100 ms to 24 h"),
}


def _within(option: str, text: str, parse: Callable[[str], float]) -> float:
    from simulator.errors import UsageError

    try:
        value = parse(text)
    except ValueError as exc:
        raise UsageError(str(exc), where=option) from exc
    low, high, words = _LIMITS[option]
    if not low <= value <= high:
        raise UsageError(f"'{text}' is out of reach", where=option, mend=words)
    return value
