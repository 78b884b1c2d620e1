"""What clients upload to: the interface of a server, whether we started it or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Endpoint:
    """One protocol at a server: where it is spoken, and how ``plain`` is worded there."""

    url: str
    framing: str = ""


@dataclass(frozen=True)
class Target:
    """A server that answers: its name and version, what it speaks, and where its store lies.

    ``store`` is None when the stored bytes cannot be read here; ``pid`` is None when it is not ours.
    """

    name: str
    version: str
    endpoints: dict[str, Endpoint]  # by protocol
    store: Path | None = None
    pid: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())
