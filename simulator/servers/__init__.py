"""Servers: what clients upload to: the interface, supervision, the catalog, and one in the box.

``integrity.check`` reads afterwards what a server stored. The rooms' own modules are imported when
they are needed: the server in the box is started as ``python -m simulator.servers.reference`` and
would otherwise pay for httpx, numpy and pydantic at every start.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.servers.catalog import Entry
    from simulator.servers.server import Target
    from simulator.trust import Trust


def check_installed(name_or_path: str) -> Entry:
    """Return what the catalog, or a file, says of a server.

    Raises ``UsageError`` for a server that is not known, or whose program is not here.
    """
    from simulator.servers import catalog, install

    entry = catalog.load(name_or_path)
    install.program_of(entry)
    return entry


def start(
    name_or_path: str, folder: Path, *, host: str = "127.0.0.1", port: int = 0, store: Path | None = None
) -> AbstractContextManager[Target]:
    """Start a server of the catalog, or of a TOML file; see ``process.start``."""
    from simulator.servers import process

    return process.start(name_or_path, folder, host=host, port=port, store=store)


def external(
    url: str,
    headers: tuple[tuple[str, str], ...] = (),
    *,
    protocols: Collection[str] = ("plain", "tus"),
    allow_remote: bool = False,
    trust: Trust | None = None,
) -> Target:
    """Return the server that somebody else runs at *url*; see ``against.external``."""
    from simulator.servers import against

    return against.external(url, headers, protocols=protocols, allow_remote=allow_remote, trust=trust)
