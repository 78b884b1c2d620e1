"""The programs of the catalog's servers: found and installed as ``programs`` does for all."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from simulator.errors import UsageError
from simulator.programs import Say, find_program, install_with_go
from simulator.servers.catalog import Entry


def program_of(entry: Entry) -> str | None:
    """Return the path of the program that *entry* runs, None when it needs none.

    Raises ``UsageError`` when it, or what its command begins with, is not installed.
    """
    first = entry.command[0]
    if "{" not in first and shutil.which(first) is None:
        raise UsageError(
            f"server '{entry.name}' cannot be started: no program '{first}'",
            where="command.0",
            mend="install it, or put it on the PATH",
        )
    if entry.program is None:
        return None
    found = find_program(entry.program)
    if found is None:
        mend = (
            f"simsim servers install {entry.name}" if entry.install else "install it, or put it on the PATH"
        )
        raise UsageError(f"server '{entry.name}' is not installed: no program '{entry.program}'", mend=mend)
    return found


def install(entry: Entry, say: Say) -> str:
    """Install the pinned version of *entry*'s program and return its path; *say* is told each step.

    Raises ``UsageError`` when there is nothing to install, or it failed; what the package manager
    wrote is in a log that the message names.
    """
    if entry.install is None or entry.program is None:
        raise UsageError(
            f"server '{entry.name}' has nothing to install", mend=f"simsim servers serve {entry.name}"
        )
    _INSTALLERS[entry.install.with_](f"{entry.install.package}@{entry.install.version}", say)
    return program_of(entry) or ""


_INSTALLERS: dict[str, Callable[[str, Say], None]] = {"go": install_with_go}
