"""The engines by the name that a user types, one row each: what makes one, and what it cannot do.

The URL of a toxiproxy's API is the name of an engine too: ``http://127.0.0.1:8474``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.errors import UsageError, did_you_mean
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import Engine
from simulator.links.toxiproxy import ToxiproxyEngine, bounds, server
from simulator.weather import Profile


def _nothing(_profile: Profile) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    """One row. ``make`` is given the run's name.

    ``ready`` and ``refuse`` raise ``UsageError``: where the engine cannot be had, and for a profile
    that asks for what it cannot do. ``approximates`` says what it does less than exactly.
    """

    make: Callable[[str], Engine]
    ready: Callable[[], object]
    refuse: Callable[[Profile], None] = _nothing
    approximates: Callable[[Profile], list[str]] = lambda _profile: []


ENGINES: Mapping[str, Kind] = {
    "embedded": Kind(lambda _run: EmbeddedEngine(), lambda: None),
    "toxiproxy": Kind(
        lambda run: ToxiproxyEngine(None, run), server.program, bounds.refuse, bounds.approximations
    ),
}


def check_engine(name: str, *, allow_remote: bool = False) -> None:
    """Raise ``UsageError`` for an engine that simsim has not, or that cannot be had here."""
    if "://" in name:
        server.address_of(name, allow_remote=allow_remote)
    elif name not in ENGINES:
        mend = f"{did_you_mean(name, ENGINES)} or the URL of a toxiproxy, http://127.0.0.1:{server.PORT}"
        raise UsageError(f"there is no engine '{name}'", where="--engine", mend=mend)
    _kind(name).ready()


def refuse(name: str, profile: Profile) -> None:
    """Raise ``UsageError`` for a profile that asks for what the engine *name* cannot do."""
    _kind(name).refuse(profile)


def approximations(name: str, profile: Profile) -> list[str]:
    """Return what the engine *name* does less than exactly of *profile*, in words."""
    return _kind(name).approximates(profile)


def make_engine(name: str, run: str = "") -> Engine:
    """Start the engine *name*; *run* is how others may know whose it is."""
    return _kind(name).make(run)


def _kind(name: str) -> Kind:
    if "://" not in name:
        return ENGINES[name]
    return Kind(
        lambda run: ToxiproxyEngine(name, run),
        lambda: server.check_running(name),
        bounds.refuse,
        bounds.approximations,
    )
