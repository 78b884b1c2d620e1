"""``python -m simulator.servers.reference``: the server as a process of its own.

One line on stdout when it is ready, ``listening on http://HOST:PORT`` (or https); everything else on stderr.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import NoReturn

from simulator.errors import SimsimError
from simulator.servers.reference.misbehave import explained, habits
from simulator.servers.reference.resource import Limits
from simulator.servers.reference.shell import Options, run
from simulator.units import parse_size


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")  # one line, without the usage


def main() -> int:
    """Serve as the command line says; return the exit code."""
    try:
        run(options(sys.argv[1:]), announce)
    except SimsimError as exc:
        sys.stderr.write(f"error: {exc}\n")
        return exc.exit_code
    return 0


def announce(url: str) -> None:
    """Say on stdout that the server is ready."""
    sys.stdout.write(f"listening on {url}\n")
    sys.stdout.flush()


def options(words: list[str]) -> Options:
    """Return what *words* of a command line ask for.

    Exits with 2 and one line when they make no sense, or raises ``UsageError``, which comes to that.
    """
    parser = _Parser(prog="python -m simulator.servers.reference", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=1080, help="port; 0 for any that is free")
    parser.add_argument("--dir", type=Path, required=True, help="where uploads are stored")
    parser.add_argument("--fsync", action="store_true", help="sync to disk before an offset is promised")
    parser.add_argument("--max-size", type=_size, metavar="SIZE", help="bytes, or such as '5 GB'")
    parser.add_argument("--expires", type=_seconds, metavar="SECONDS", help="life of an unfinished upload")
    parser.add_argument("--idle-timeout", type=_seconds, default=60.0, metavar="SECONDS")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="PEM certificate and chain: serve https")
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="its PEM key, where it is not in the same file"
    )
    parser.add_argument("--max-append-size", type=_size, metavar="SIZE", help="content of one ietf request")
    parser.add_argument("--whole-urls", action="store_true", help="tus: Location is a URL, not a path")
    parser.add_argument(
        "--misbehave", action="append", default=[], metavar="WORD[=VALUE]", help=f"repeatable. {explained()}"
    )
    given = parser.parse_args(words)
    return Options(
        host=given.host,
        port=given.port,
        directory=given.dir,
        fsync=given.fsync,
        limits=Limits(given.max_size, given.expires, given.max_append_size, whole_urls=given.whole_urls),
        habits=habits(given.misbehave),
        idle_s=given.idle_timeout,
        certificate=given.cert,
        key=given.key,
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 0 to 65535")
    return int(text)


def _size(text: str) -> int:
    try:
        size = int(text) if text.isdecimal() else parse_size(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc
    if size <= 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size above 0")
    return size


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
