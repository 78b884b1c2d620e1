"""What the links of ``simsim proxy`` do and have done, told from timelines and events. No terminal here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.links.engine import Address, EngineEvent
from simulator.units import format_duration, format_size
from simulator.weather.faults import FAULTS, Shape
from simulator.weather.timeline import Rate, Timeline

CALM = "passes"
END = {"client": "ended by the client", "server": "ended by the server", "run": "open until the end"}


@dataclass
class LinkState:
    """One link. ``begun`` is when its timeline began, in CLOCK_MONOTONIC seconds; bytes are carried ones."""

    name: str
    address: Address
    timeline: Timeline
    begun: float
    up: int = 0
    down: int = 0
    connections: int = 0  # open now
    faults: int = 0
    ended: int = 0  # connections, and what they carried
    ended_up: int = 0
    ended_down: int = 0
    _holding: list[tuple[float, str]] = field(default_factory=list)  # until, fault

    def __post_init__(self) -> None:
        self._timed = [item for item in self.timeline.breaks if item.link_bytes is None]

    def take(self, event: EngineEvent) -> None:
        """Let *event*, which is of this link or a sample, change the picture."""
        _TAKE[event["event"]](self, event)

    def rates(self, now: float) -> tuple[Rate, Rate]:
        """Return the rates in bit/s, uplink first; None for unlimited."""
        if any(FAULTS[kind].shape is Shape.STALL for kind in self._kinds(now)):
            return 0.0, 0.0
        t = now - self.begun
        return self.timeline.uplink.at(t), self.timeline.downlink.at(t)

    def delay(self, now: float) -> float:
        """Return the delay each way in seconds."""
        return self.timeline.delay.at(now - self.begun)

    def doing(self, now: float) -> str:
        """Return in words what fault holds and for how long."""
        holding = [hold for hold in self._holding if hold[0] > now]
        if not holding:
            return CALM
        until, kind = max(holding)
        return f"{kind} {format_duration(until - now)}"

    def coming(self, now: float) -> str:
        """Return in words what the timeline has next."""
        t = now - self.begun
        n = bisect_right(self._timed, t, key=lambda item: item.t)
        if n < len(self._timed):
            return f"{self._timed[n].kind} in {format_duration(self._timed[n].t - t)}"
        left = self.begun + self.timeline.horizon - now
        return f"begins again in {format_duration(left)}" if left > 0 else "nothing"

    def begin_again(self) -> None:
        """Note that the timeline begins again where it ends."""
        self.begun += self.timeline.horizon

    def _kinds(self, now: float) -> list[str]:
        return [kind for until, kind in self._holding if until > now]

    def _take_fault(self, event: EngineEvent) -> None:
        self.faults += 1
        self._holding = [hold for hold in self._holding if hold[0] > event["planned"]]
        self._holding.append((event["until"], event["fault"]))

    def _take_connection(self, event: EngineEvent) -> None:
        self.ended += 1
        self.ended_up += event["carried_up"]
        self.ended_down += event["carried_down"]

    def _take_sample(self, event: EngineEvent) -> None:
        self.up = event["carried_up"].get(self.name, self.up)
        self.down = event["carried_down"].get(self.name, self.down)
        self.connections = event["connections"].get(self.name, self.connections)

    def _take_refused(self, event: EngineEvent) -> None:
        """Count nothing: its connection is told as well."""


_TAKE: Mapping[str, Any] = {
    "fault": LinkState._take_fault,
    "connection": LinkState._take_connection,
    "sample": LinkState._take_sample,
    "refused": LinkState._take_refused,
}


def line_of(event: EngineEvent) -> str:
    """Return one line that says what *event* was; "" for one that comes all the time."""
    words = _WORDS.get(event["event"])
    return words(event) if words is not None else ""


def _fault_words(event: EngineEvent) -> str:
    lasts = event["until"] - event["planned"]
    length = f" for {format_duration(lasts)}" if lasts > 0 else ""
    struck = f": {_count(event['connections'], 'connection')}, {format_size(event['dropped'])} dropped"
    return f"{event['fault']}{length}{struck if event['connections'] else ''}"


def _connection_words(event: EngineEvent) -> str:
    end = END.get(event["end"], f"ended by the {event['end']}")
    if event["end"] == "server" and not event["carried_up"] and not event["carried_down"]:
        end = "ended by the server, or never reached it"
    bytes_ = f"{format_size(event['carried_up'])} up, {format_size(event['carried_down'])} down"
    return f"connection {event['port']} {end}: {bytes_} in {format_duration(event['t'] - event['opened'])}"


def _refused_words(event: EngineEvent) -> str:
    return f"connection {event['port']} cannot have {event['target'] or 'what it asked for'}: {event['why']}"


_WORDS: Mapping[str, Any] = {
    "fault": _fault_words,
    "connection": _connection_words,
    "refused": _refused_words,
}


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def summary(links: list[LinkState], seconds: float, by_hand: int) -> str:
    """Return one line on all *links* once they are closed."""
    up, down = sum(link.ended_up for link in links), sum(link.ended_down for link in links)
    faults = _count(sum(link.faults for link in links), "fault")
    connections = _count(sum(link.ended for link in links), "connection")
    return (
        f"carried {format_size(up)} up and {format_size(down)} down over {connections} "
        f"in {format_duration(seconds)}; {faults}, {by_hand} of them by hand"
    )
