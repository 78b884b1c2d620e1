"""The HTTP-aware hop in tests: before a server, with a script, and what it said it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from simulator.links.gateway.core import Core, Passage
from simulator.links.gateway.process import Firing, Gateway, Route
from simulator.links.gateway.script import parse_script
from simulator.links.gateway.verbs import Fields, Fired, Head, Pass, Verb
from simulator.weather.hops import Step
from tests.helpers.runs import until


def steps(*tables: str) -> tuple[Step, ...]:
    """Return the steps of a script whose tables are *tables*."""
    return parse_script("".join(f"[[step]]\n{table}\n" for table in tables), "script.toml")


def head(method: str = "PATCH", target: str = "/files/1", length: int | None = 100, **fields: str) -> Head:
    """Return a request's head; ``upload_offset="5"`` becomes a field."""
    rows: Fields = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in fields.items())
    return Head(rows, method, target, length)


def arrive(core: Core, asked: Head, *, connection: int = 0, now: float = 0.0) -> Passage:
    """Return the passage of a request on a connection that was opened at 0."""
    return core.arrive(asked, connection=connection, opened=0.0, now=now)


def fired(verbs: list[Verb]) -> list[str]:
    """Return the ids of the steps that fired."""
    return [verb.step for verb in verbs if isinstance(verb, Fired)]


def passed(verbs: list[Verb]) -> bytes:
    """Return the bytes that pass."""
    return b"".join(verb.data for verb in verbs if isinstance(verb, Pass))


@dataclass
class Hopping:
    """A hop under way: where it listens, and its firings so far."""

    gateway: Gateway
    port: int
    log: Path
    firings: list[Firing] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        """Where to dial."""
        return "127.0.0.1", self.port

    def steps(self) -> list[str]:
        """Return the ids of the steps that fired so far, in order."""
        return [firing["step"] for firing in self.firings]

    def await_fired(self, count: int = 1) -> None:
        """Wait until so many firings were told."""
        until(lambda: len(self.firings) >= count)


@contextmanager
def hopping(
    folder: Path, upstream: tuple[str, int], script: tuple[Step, ...] = (), *, buffer: int = 65536
) -> Iterator[Hopping]:
    """Run a hop with *script* before *upstream*; it may not fail, nor say anything on stderr."""
    log = folder / "gateway.log"
    told: list[Firing] = []
    with Gateway([Route(script, upstream)], buffer=buffer, log=log, sink=told.append) as gateway:
        yield Hopping(gateway, gateway.ports[0], log, told)
        gateway.check()
    assert log.read_text() == ""
