"""Packages that are no program: a folder of simsim's own, filled by the manager that the server comes from.

    npm      node_modules/
    pip      a venv, for the server's own Python
    maven    *.jar, with what they depend on

A folder holds one list of pinned packages, which its last file names: a folder without it was not
finished, and one with another list is of another version.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from simulator.errors import UsageError
from simulator.programs import Say, cache, made, run

_COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_LIST = "packages.txt"

Command = list[str]


@dataclass(frozen=True)
class Manager:
    """One package manager: its program, how it writes a version, and the commands that fill a folder."""

    program: str
    at: str
    commands: Callable[[Path, Sequence[str]], list[Command]]


def _npm(folder: Path, packages: Sequence[str]) -> list[Command]:
    options = ["--no-package-lock", "--no-audit", "--no-fund", "--engine-strict"]
    return [["npm", "install", "--prefix", str(folder), *options, *packages]]


def _pip(folder: Path, packages: Sequence[str]) -> list[Command]:
    options = ["--quiet", "--disable-pip-version-check"]
    return [
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", *options, *packages],
    ]


def _maven(folder: Path, packages: Sequence[str]) -> list[Command]:
    pom = folder / "pom.xml"
    pom.write_text(_pom(packages))
    return [["mvn", "--batch-mode", "--quiet", "-f", str(pom), _COPY_JARS, f"-DoutputDirectory={folder}"]]


def _pom(packages: Sequence[str]) -> str:
    needed = [
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, name, version in (escape(package).split(":") for package in packages)
    ]
    itself = "<groupId>simsim</groupId><artifactId>packages</artifactId><version>0</version>"
    lines = ["<project><modelVersion>4.0.0</modelVersion>", itself, "<dependencies>", *needed]
    return "\n".join([*lines, "</dependencies>", "</project>", ""])


MANAGERS = {
    "npm": Manager("npm", "@", _npm),
    "pip": Manager(sys.executable, "==", _pip),
    "maven": Manager("mvn", ":", _maven),
}


def folder_of(name: str) -> Path:
    """Return the folder of the packages that are wanted as *name*."""
    return cache() / "packages" / name


def found(name: str, packages: Sequence[str]) -> str | None:
    """Return the folder with exactly *packages*, None when they are not installed."""
    try:
        listed = (folder_of(name) / _LIST).read_text().splitlines()
    except FileNotFoundError:
        return None
    return str(folder_of(name)) if listed == list(packages) else None


def bring(manager: str, name: str, packages: Sequence[str], say: Say) -> str:
    """Return the folder of *packages*, filled by *manager* unless it is; *say* is told each step.

    Raises ``UsageError``; what the package manager wrote is in a log that the message names.
    """
    here = found(name, packages)
    if here is not None:
        return here
    chosen, folder = MANAGERS[manager], folder_of(name)
    if shutil.which(chosen.program) is None:
        raise UsageError(f"there is no {chosen.program} here", mend=f"install {manager}, then try again")
    if folder.exists():
        shutil.rmtree(folder)
    say(f"{manager} installs {' '.join(packages)} (into {folder})")
    for command in chosen.commands(made(folder), packages):
        run(command, f"{manager}-{name}", {})
    (folder / _LIST).write_text("".join(f"{package}\n" for package in packages))
    return str(folder)
