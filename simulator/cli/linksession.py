"""``simsim proxy`` while it runs: plays the timelines, obeys the keys, tells what happens."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from simulator.cli.keys import Keyboard
from simulator.cli.linkstate import LinkState, line_of, summary
from simulator.links.addresses import address_text
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import EngineEvent, LinkSpec

TURN = 0.05  # seconds between looks at keys and events
SHOW = 0.25
AHEAD = 5.0  # seconds before the end of a timeline at which the engine is told to begin it again
WHEN = {"fault": "issued", "connection": "t", "refused": "t"}  # the instant of an event


@dataclass(frozen=True)
class Strike:
    """What a key does to the chosen links."""

    fault: str
    seconds: float
    words: str


STRIKES: Mapping[str, Strike] = {
    "c": Strike("reset", 0, "cut"),
    "s": Strike("stall", 5, "stall 5 s"),
    "h": Strike("handover", 1, "hand over"),
    "d": Strike("down", 5, "down 5 s"),
}
ONE = {str(n): n - 1 for n in range(1, 10)}
ALL, QUIT = "0", "q"


class Teller(Protocol):
    """What shows the links to a person. A context manager."""

    def say(self, line: str) -> None:
        """Tell what happened."""
        ...

    def show(self, links: list[LinkState], chosen: list[LinkState], now: float) -> None:
        """Show how things are."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlainTeller:
    """A line on stderr for each event, and no picture."""

    def say(self, line: str) -> None:
        """Write *line*."""
        print(line, file=sys.stderr, flush=True)

    def show(self, links: list[LinkState], chosen: list[LinkState], now: float) -> None:
        """Show nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LinkSession:
    """Links that run until somebody ends them, or for *seconds*."""

    def __init__(self, engine: EmbeddedEngine, specs: list[LinkSpec], seconds: float | None) -> None:
        self._engine = engine
        addresses = engine.open(specs)
        self._began = monotonic()
        self._end = None if seconds is None else self._began + seconds
        self.links = [LinkState(s.id, addresses[s.id], s.timeline, self._began) for s in specs]
        self._by_name = {link.name: link for link in self.links}
        self._told = dict.fromkeys(self._by_name, self._began)  # for when the engine knows to begin
        self._chosen = self.links[:1]
        self._by_hand = 0

    def start(self) -> None:
        """Begin every timeline, and print the addresses."""
        for link in self.links:
            self._engine.start(link.name, link.begun)
            print(address_text(link.address))
        sys.stdout.flush()  # whoever started us waits for these lines

    def run(self, keyboard: Keyboard, teller: Teller) -> None:
        """Serve until the key to quit or the end of the time."""
        shown = 0.0
        while self._end is None or monotonic() < self._end:
            if any([self._press(key, teller) for key in keyboard.wait(TURN)]):
                return
            self._hear(self._engine.events(0), teller)
            self._begin_again(teller)
            if monotonic() - shown > SHOW:
                shown = monotonic()
                teller.show(self.links, self._chosen, shown)

    def close(self, teller: Teller) -> str:
        """End the links; return a line on all that they did."""
        ended = monotonic()
        self._hear(self._engine.close(), teller)
        return summary(self.links, ended - self._began, self._by_hand)

    def _press(self, key: str, teller: Teller) -> bool:
        """Do what *key* says; return whether that is to quit."""
        if key in STRIKES:
            for link in self._chosen:
                self._engine.strike(link.name, STRIKES[key].fault, STRIKES[key].seconds)
                self._by_hand += 1
        elif key == ALL:
            self._chosen = self.links
        elif ONE.get(key, len(self.links)) < len(self.links):
            self._chosen = [self.links[ONE[key]]]
        elif key != QUIT and key.isprintable():
            teller.say(f"{key!r} is no key; {help_line(len(self.links))}")
        return key == QUIT

    def _hear(self, events: list[EngineEvent], teller: Teller) -> None:
        for event in events:
            for link in self._concerned(event):
                link.take(event)
                if words := line_of(event):
                    self._say(teller, event[WHEN[event["event"]]], link, words)

    def _concerned(self, event: EngineEvent) -> list[LinkState]:
        return [self._by_name[event["link"]]] if "link" in event else self.links

    def _begin_again(self, teller: Teller) -> None:
        """Begin timelines that are over again, on the instant: the engine is told beforehand."""
        now = monotonic()
        for link in self.links:
            over = link.begun + link.timeline.horizon
            if now > over - AHEAD and self._told[link.name] < over:
                self._told[link.name] = over
                self._engine.start(link.name, over)
            if now >= over:
                link.begin_again()
                self._say(teller, over, link, "the weather begins again")

    def _say(self, teller: Teller, when: float, link: LinkState, words: str) -> None:
        teller.say(f"{when - self._began:8.1f} s  link {link.name}  {words}")


def help_line(links: int) -> str:
    """Return what the keys do."""
    strikes = ", ".join(f"{key} {strike.words}" for key, strike in STRIKES.items())
    which = f", 1-{min(9, links)} choose a link, {ALL} all" if links > 1 else ""
    return f"keys: {strikes}{which}, {QUIT} quit"
