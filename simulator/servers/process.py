"""Servers that we start: the command of a catalog entry, from its port to its end.

entry -> command -> Child -> ready? -> Target ... stop
                      |         |
                      |         +-- port taken: once more with another one
                      +-- ended before: PartDied, with the last lines of its log
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from simulator import __version__
from simulator.children import Child
from simulator.errors import PartDied, UsageError
from simulator.servers.buckets import make_bucket
from simulator.servers.catalog import Entry, Ready, Speaks, load
from simulator.servers.install import program_of
from simulator.servers.server import Endpoint, Target

_TRIES = 5  # a free port can be taken by another between our look and the server's bind
_TAKEN = re.compile(r"address (is )?already in use|EADDRINUSE", re.IGNORECASE)  # C and Go; Node


@contextmanager
def start(
    name_or_path: str, folder: Path, *, host: str = "127.0.0.1", port: int = 0, store: Path | None = None
) -> Iterator[Target]:
    """Start a server of the catalog (or of a user's TOML file) and yield it once it answers.

    Its log is ``folder/server.log``. It stores in *store*, which is kept, or else in
    ``folder/store``, which is removed at the end. *port* 0 lets a free one be chosen.

    Raises ``UsageError`` when it cannot be started as asked, ``PartDied`` when it ended, or did not
    answer in time. Whether it still lives is for the caller to ask: ``target.child.check()``.
    """
    entry = load(name_or_path)
    program = program_of(entry)
    if port:
        _refuse_taken(host, port)
    kept, store = store is not None, store or folder / "store"
    for each in (folder, store):
        _make(each)
    try:
        child, port = _launch(entry, program, host, port, store.absolute(), folder / "server.log")
        with child:
            yield _target(entry, program, f"http://{host}:{port}", store, child)
    finally:
        if not kept:
            shutil.rmtree(store)


def _launch(
    entry: Entry, program: str | None, host: str, port: int, store: Path, log: Path
) -> tuple[Child, int]:
    """Return the server and its port, as soon as it answers."""
    tries = 1 if port else _TRIES
    while True:
        tries -= 1
        asked = port or (0 if entry.ready.tells_port else free_port(host))
        words: dict[str, object] = {
            "python": sys.executable,
            "bin": program,
            "packages": program,
            "here": entry.here,
        }
        words |= {"host": host, "port": asked, "dir": store}
        command = [part.format_map(words) for part in entry.command]
        # Python buffers what it prints to a file, and the ready line would never be seen.
        child = Child(f"server '{entry.name}'", command, log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            return child, _await_ready(entry.ready, child, host, asked)
        except BaseException as error:  # Ctrl-C too: nothing may be left behind
            child.stop()
            if not (isinstance(error, PartDied) and _TAKEN.search(child.output().decode(errors="replace"))):
                raise
            if not tries:
                raise _taken(host, asked) from error


def _await_ready(ready: Ready, child: Child, host: str, port: int) -> int:
    """Return the server's port once it answers."""
    try:
        if ready.line is None:
            _await_answer(f"http://{host}:{port}{ready.http}", child, ready.timeout_s)
            return port
        match = child.wait_for_line(re.compile(ready.line), ready.timeout_s)
    except TimeoutError as error:
        lines = " | ".join(child.last_lines()) or "it wrote nothing"
        raise PartDied(f"{child.name} was not ready: {error}: {lines}", where=str(child.log)) from error
    if not ready.tells_port:
        return port
    told = match["port"] or ""
    if not told.isdecimal():
        raise PartDied(f"{child.name} told the port '{told}', which is no number", where=str(child.log))
    return int(told)


def _await_answer(url: str, child: Child, timeout: float) -> None:
    give_up = time.monotonic() + timeout
    while True:
        child.check()
        try:
            httpx.get(url, timeout=1.0, trust_env=False)
            return
        except httpx.TransportError as error:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{url} did not answer within {timeout:g} s") from error
        time.sleep(0.02)


def _target(entry: Entry, program: str | None, origin: str, store: Path, child: Child) -> Target:
    endpoints = {name: _endpoint(origin, said) for name, said in entry.speaks.items()}
    if "s3" in endpoints:
        make_bucket(endpoints["s3"])
    target = Target(entry.name, version_of(entry, program), endpoints, pid=child.pid, child=child)
    if entry.store is None:
        return target
    return replace(target, store=store, layout=entry.store.layout, side_files=entry.store.side_files)


def _endpoint(origin: str, said: Speaks) -> Endpoint:
    credentials = None if said.credentials is None else said.credentials.credentials
    return Endpoint(origin + said.path, said.framing, credentials)


def version_of(entry: Entry, program: str | None) -> str:
    """Return the version that the server's program tells, or ``"unknown"``."""
    said = entry.version
    if said.is_ is not None:
        return said.is_.format(simsim=__version__, pinned=entry.install.version if entry.install else "")
    return _printed_version(entry, program) or _embedded_version(entry, program) or "unknown"


def _printed_version(entry: Entry, program: str | None) -> str | None:
    if entry.version.command is None:
        return None
    command = [part.format(python=sys.executable, bin=program) for part in entry.version.command]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # no version is no reason not to run; the report says "unknown"
    match = re.search(entry.version.pattern, told.stdout + told.stderr)
    return match[1] if match else None


def _embedded_version(entry: Entry, program: str | None) -> str | None:
    if entry.version.embedded is None or program is None:
        return None
    match = re.search(entry.version.embedded.encode(), Path(program).read_bytes())
    return match[1].decode(errors="replace") if match else None


def free_port(host: str) -> int:
    """Return a port of *host* that nothing listened on a moment ago."""
    with socket.create_server((host, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _refuse_taken(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise _taken(host, port, os.strerror(error.errno or 0)) from error


def _taken(host: str, port: int, why: str = "Address already in use") -> UsageError:
    return UsageError(
        f"cannot listen on {host}:{port}: {why}", mend="choose another port, or 0 for a free one"
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder: {error.strerror}", where=str(folder)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError("the folder cannot be written", where=str(folder))
