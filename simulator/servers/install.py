"""What the catalog's servers run, found and installed: a program (``programs``), or ``packages``."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from simulator.errors import UsageError
from simulator.programs import Say, find_program, install_with_cargo, install_with_go
from simulator.servers import packages
from simulator.servers.catalog import Entry


def found(entry: Entry) -> str | None:
    """Return the path of what *entry* runs: its program, or the folder of its packages. None: not here."""
    if entry.install is not None and not entry.install.brings_program:
        return packages.found(entry.name, entry.install.packages)
    return None if entry.program is None else find_program(entry.program)


def program_of(entry: Entry) -> str | None:
    """Return the path of what *entry* runs (see ``found``), None when it needs nothing installed.

    Raises ``UsageError`` when it, or what its command begins with, is not installed.
    """
    first = entry.command[0]
    if "{" not in first and shutil.which(first) is None:
        raise UsageError(
            f"server '{entry.name}' cannot be started: no program '{first}'",
            where="command.0",
            mend="install it, or put it on the PATH",
        )
    here = found(entry)
    if here is None and entry.needs_installing:
        mend = (
            f"simsim servers install {entry.name}" if entry.install else "install it, or put it on the PATH"
        )
        lacking = f"program '{entry.program}'" if entry.program else f"packages of {entry.name}"
        raise UsageError(f"server '{entry.name}' is not installed: no {lacking}", mend=mend)
    return here


def install(entry: Entry, say: Say) -> str:
    """Install the pinned version of what *entry* runs and return its path; *say* is told each step.

    Raises ``UsageError`` when there is nothing to install, or it failed; what the package manager
    wrote is in a log that the message names.
    """
    asked = entry.install
    if asked is None:
        raise UsageError(
            f"server '{entry.name}' has nothing to install", mend=f"simsim servers serve {entry.name}"
        )
    if asked.brings_program:
        _INSTALLERS[asked.with_](asked.packages[0], say)
    else:
        packages.bring(asked.with_, entry.name, asked.packages, say)
    return program_of(entry) or ""


_INSTALLERS: dict[str, Callable[[str, Say], None]] = {
    "go": install_with_go,
    "cargo": install_with_cargo,
}
