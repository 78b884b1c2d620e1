"""The toxiproxy server that an engine drives: one of its own, or one that somebody else runs."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from simulator.children import Child
from simulator.errors import PartDied, UsageError
from simulator.links.addresses import is_loopback
from simulator.links.engine import Address
from simulator.links.toxiproxy import beside
from simulator.links.toxiproxy.ports import Ports
from simulator.programs import Say, find_program, install_renamed_with_go

PROGRAM = "toxiproxy-server"
VERSION = "v2.12.0"  # pinned: `@latest` resolves to v2.5.0
PACKAGE = f"github.com/Shopify/toxiproxy/v2/cmd/server@{VERSION}"  # the program that it builds is `server`
PORT = 8474  # toxiproxy's own default
PATIENCE = 20.0  # seconds until a server that was started must answer, on a busy machine
BUSY = "Server finished with error"  # it lives on without its API when the port is taken


@dataclass(frozen=True)
class Server:
    """A toxiproxy server that answers. ``child`` is the process where it is ours."""

    address: Address
    version: str
    child: Child | None = None

    @property
    def words(self) -> str:
        """Return how messages call it."""
        return f"toxiproxy at {self.address[0]}:{self.address[1]}"

    def check(self) -> None:
        """Raise ``PartDied`` when a server of ours has ended."""
        if self.child is not None:
            self.child.check()


def program() -> str:
    """Return the path of toxiproxy-server. Raises ``UsageError`` where it is not installed."""
    found = find_program(PROGRAM)
    if found is None:
        raise UsageError(
            f"the engine 'toxiproxy' is not installed: no program '{PROGRAM}'",
            where="--engine",
            mend="simsim engines install toxiproxy",
        )
    return found


def install(say: Say) -> str:
    """Install the pinned version and return its path; *say* is told each step. Raises ``UsageError``."""
    install_renamed_with_go(PACKAGE, PROGRAM, say)
    return program()


def check_running(url: str) -> Server:
    """Return the server at *url*. Raises ``UsageError`` when no toxiproxy answers there."""
    address = address_of(url)
    version = _version(address)
    if version is None:
        host, port = address
        raise UsageError(
            f"no toxiproxy answers at {host}:{port}", where=f"--engine {url}", mend="is it running?"
        )
    return Server(address, version)


@contextmanager
def own() -> Iterator[Server]:
    """Start a server on a free port of loopback; it ends with the context, and with this process."""
    with TemporaryDirectory(prefix="simsim-toxiproxy-") as folder, closing(Ports("127.0.0.1")) as ports:
        address = "127.0.0.1", ports.take()
        command = [program(), "-host", address[0], "-port", str(address[1])]
        # At the level of warnings it would write a line for each update.
        with Child(PROGRAM, command, Path(folder) / "toxiproxy.log", env={"LOG_LEVEL": "error"}) as child:
            yield _answering(address, child)


@contextmanager
def running(url: str) -> Iterator[Server]:
    """Give the server at *url*, which somebody else runs. Raises ``UsageError`` when it does not answer."""
    yield check_running(url)


def address_of(url: str, *, allow_remote: bool = True) -> Address:
    """Return host and port of the API at *url*, numeric. Raises ``UsageError`` for what cannot be one."""
    where, example = "--engine", f"write it as http://127.0.0.1:{PORT}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORT
    except ValueError as error:
        raise UsageError(f"this is not a URL: {error}", where=where, mend=example) from error
    if parts.scheme != "http" or not host or parts.path.strip("/") or parts.query or parts.username:
        raise UsageError("this is not the URL of a toxiproxy's API", where=where, mend=example)
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        what = f"'{host}' has no address of IPv4, all that toxiproxy-python speaks: {error.strerror}"
        raise UsageError(what, where=where, mend=example) from error
    address = str(found[0][4][0]), port
    if not allow_remote and not is_loopback(address[0]):
        what = f"'{host}' is another machine ({address[0]})"
        raise UsageError(what, where=where, mend="add --allow-remote if it is yours")
    return address


def _answering(address: Address, child: Child) -> Server:
    """Return the server once it answers. Raises ``PartDied`` when it does not."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        child.check()
        if BUSY.encode() in child.output():
            break
        version = _version(address)
        if version is not None and BUSY.encode() not in child.output():
            return Server(address, version, child)
        time.sleep(0.02)
    raise PartDied(f"{PROGRAM} did not come up on port {address[1]}: {' | '.join(child.last_lines())}")


def _version(address: Address) -> str | None:
    """Return the version of the toxiproxy at *address*, None where nobody answers as one."""
    try:
        told = beside.by_library(beside.library_for(*address).version)
        return None if told is None else str(json.loads(told)["version"])
    except (beside.ApiFailed, ValueError, KeyError, TypeError):
        return None
