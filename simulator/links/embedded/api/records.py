"""Proxies and toxics as data: what the API shows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulator.links.embedded.api.toxics.kind import Kind
from simulator.links.engine import Address

STREAMS = {"upstream": True, "downstream": False}


@dataclass(eq=False)
class Toxic:
    """One toxic of a proxy. ``stream`` is as the client wrote it, ``up`` what it means."""

    name: str
    kind: Kind
    stream: str
    up: bool
    toxicity: float
    values: dict[str, int]

    def shown(self) -> dict[str, Any]:
        """Return what the API shows."""
        return {
            "attributes": dict(self.values),
            "name": self.name,
            "type": self.kind.name,
            "stream": self.stream,
            "toxicity": int(self.toxicity)
            if self.toxicity.is_integer()
            else self.toxicity,  # Go's 1, not 1.0
        }


class Live(Protocol):
    """One proxy made real."""

    def open(self, address: Address) -> Address:
        """Listen at *address*; return where. Raises ``OSError`` when that cannot be."""

    def close(self) -> None:
        """Close the listener and all connections."""

    def follow(self) -> None:
        """Do to live connections what the proxy's toxics now say."""

    def strike(self, fault: str, seconds: float) -> tuple[int, int]:
        """Let a row of ``weather.faults`` begin; return the connections ended and the bytes dropped."""

    def counters(self) -> Mapping[str, Any]:
        """Return bytes and connections so far."""

    def play(self, timeline: Any, asked: Mapping[str, Any]) -> None:
        """Put the proxy's link under a drawn timeline (``Timeline.to_dict``) from now on."""

    def playing(self) -> Mapping[str, Any] | None:
        """Return what was asked of the timeline that plays, and what it did; None when none does."""

    def calm(self) -> None:
        """End the timeline."""


@dataclass(eq=False)
class Proxy:
    """One proxy. ``listen`` is what was asked until it listens, then where it does."""

    name: str
    listen: str
    upstream: str
    live: Live = field(init=False)
    enabled: bool = False
    toxics: list[Toxic] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return what the API shows."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": self.shown_toxics(),
        }

    def shown_toxics(self) -> list[dict[str, Any]]:
        """Return what the API shows of the toxics: those upstream first."""
        return [toxic.shown() for up in (True, False) for toxic in self.toxics if toxic.up is up]

    def toxic(self, name: str) -> Toxic | None:
        """Return the toxic *name* of either stream, None when there is none."""
        return next((toxic for toxic in self.toxics if toxic.name == name), None)
