"""What clients upload to: the interface of a server, whether we started it or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from simulator.children import Child
from simulator.trust import Credentials, Trust


@dataclass(frozen=True)
class Endpoint:
    """One protocol at a server: where it is spoken, how ``plain`` is worded there, what signs requests."""

    url: str
    framing: str = ""
    credentials: Credentials | None = None


@dataclass(frozen=True)
class Target:
    """A server that answers: its name and version, what it speaks, and where its store lies.

    ``store`` is None when the stored bytes cannot be read here; ``pid`` and ``child`` are None when
    it is not ours. ``layout`` is where in the store the upload ``{id}`` lies (the last segment of
    its Location), and files that end in one of ``side_files`` are the server's own notes. ``trust`` is
    whom it is believed when its URLs are https.
    """

    name: str
    version: str
    endpoints: dict[str, Endpoint]  # by protocol
    store: Path | None = None
    pid: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())
    trust: Trust = field(default_factory=Trust)
    layout: str = "{id}"
    side_files: tuple[str, ...] = ()
    child: Child | None = field(default=None, compare=False, repr=False)
