"""The engines by the name that a user types: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.errors import UsageError, did_you_mean
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import Engine

ENGINES: Mapping[str, Callable[[], Engine]] = {"embedded": EmbeddedEngine}


def check_engine(name: str) -> None:
    """Raise ``UsageError`` for an engine that simsim has not."""
    if name not in ENGINES:
        mend = did_you_mean(name, ENGINES)
        raise UsageError(f"there is no engine '{name}'", where="--engine", mend=mend)


def make_engine(name: str) -> Engine:
    """Start the engine *name*."""
    return ENGINES[name]()
