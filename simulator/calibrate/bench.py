"""Where a probe's links lie: an engine of its own, a server behind it, and a common start."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from simulator.calibrate.ends import PATIENCE, End
from simulator.links.engine import Address, Engine, EngineEvent, LinkSpec
from simulator.weather.timeline import Break, Jitter, RateCurve, StepCurve, Timeline

AHEAD = 0.25  # seconds between the opening of the links and their zero
QUEUE = 65536  # bytes


@dataclass
class Scene:
    """Links that play, and what the engine says of them."""

    engine: Engine
    addresses: list[Address]
    t0: float
    said: list[EngineEvent] = field(default_factory=list)

    def until(self, t: float) -> None:
        """Sleep until the links' time is *t*."""
        time.sleep(max(0.0, self.t0 + t - time.monotonic()))

    def counts(self) -> bool:
        """Whether the engine counts bytes: one that does says a sample within a second."""
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            self.said += self.engine.events(0.2)
            if any(event["event"] == "sample" for event in self.said):
                return True
        return False

    def events(self, what: str, n: int) -> list[EngineEvent]:
        """Return the events of one sort, having waited for *n* of them, or as long as patience lasts."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = [event for event in self.said if event["event"] == what]
            if len(found) >= n or time.monotonic() > deadline:
                return found
            self.said += self.engine.events(0.2)


class Bench:
    """What probes share: the engine under test, and how thorough to be.

    ``late`` gathers the lateness of every fault that any probe had played: issued less planned, seconds.
    """

    def __init__(self, make: Callable[[], Engine], *, quick: bool) -> None:
        self.quick = quick
        self.late: list[float] = []
        self._make = make

    @contextmanager
    def scene(self, timelines: Sequence[Timeline], server: End) -> Iterator[Scene]:
        """Yield *timelines* as links to *server*, started together."""
        with self._make() as engine:
            specs = [LinkSpec(str(n), "probe", line, server.address) for n, line in enumerate(timelines)]
            addresses = engine.open(specs)
            t0 = time.monotonic() + AHEAD
            for spec in specs:
                engine.start(spec.id, t0)
            scene = Scene(engine, [addresses[spec.id] for spec in specs], t0)
            yield scene
            scene.said += engine.close()
        faults = (event for event in scene.said if event["event"] == "fault")
        self.late += [event["issued"] - event["planned"] for event in faults]


def flat(
    rate: float | None = None,
    delay: float = 0.0,
    *,
    jitter: Jitter | None = None,
    breaks: Sequence[Break] = (),
    stalls: Sequence[tuple[float, float]] = (),
) -> Timeline:
    """Return the timeline of a link that does the same all the time, but for its breaks and *stalls*."""
    curve = RateCurve.constant(rate).change(stalls, lambda _: 0.0)
    held = [Break(begin, "stall", end) for begin, end in stalls]
    still = jitter or Jitter(0.0)
    return Timeline(
        600.0, curve, curve, StepCurve((0.0,), (delay,)), still, QUEUE, tuple(sorted([*breaks, *held]))
    )


def quantile(values: Sequence[float], q: float) -> float:
    """Return the *q*-quantile of *values*, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
