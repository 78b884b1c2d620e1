"""The engines by the name that a user types, one row each: what makes one, and what it cannot do.

The URL of a toxiproxy's API is the name of an engine too: ``http://127.0.0.1:8474``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator import __version__
from simulator.errors import UsageError, did_you_mean
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import Engine
from simulator.links.toxiproxy import ToxiproxyEngine, bounds, server
from simulator.programs import Say
from simulator.weather import Profile


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    """One row. ``make`` is given the run's name.

    ``program`` is what it needs on this machine, and ``install`` brings it at ``version`` (told each step).
    ``ready`` and ``refuse`` raise ``UsageError``: where the engine cannot be had, and for a profile
    that asks for what it cannot do. ``approximates`` says what it does less than exactly.
    """

    summary: str
    version: str
    make: Callable[[str], Engine]
    ready: Callable[[], object] = _nothing
    program: str | None = None
    install: Callable[[Say], str] | None = None
    refuse: Callable[[Profile], None] = _nothing
    approximates: Callable[[Profile], list[str]] = lambda _profile: []


def _toxiproxy(url: str | None) -> Kind:
    return Kind(
        "the Go server: what it cannot do is refused, what it approximates is said",
        server.VERSION,
        lambda run: ToxiproxyEngine(url, run),
        server.program if url is None else lambda: server.check_running(url),
        server.PROGRAM,
        server.install,
        bounds.refuse,
        bounds.approximations,
    )


ENGINES: Mapping[str, Kind] = {
    "embedded": Kind("in the box: plays every fault", __version__, lambda _run: EmbeddedEngine()),
    "toxiproxy": _toxiproxy(None),
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
    return _toxiproxy(name)
