"""With many busy connections each moves longer pieces, so that all wake-ups together stay in time.

The embedded engine's sampler does the same for links.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from simulator.links.embedded.crossing import Crossing
from simulator.links.embedded.loop import Loop
from simulator.links.embedded.sampler import EVERY, WAKES
from simulator.links.link import TICK


class Pacer:
    """Sets the pace of all that *crossings* returns, every ``EVERY`` seconds."""

    def __init__(self, loop: Loop, crossings: Callable[[], Iterable[Crossing]]) -> None:
        self._loop, self._crossings = loop, crossings
        self._carried: dict[Crossing, int] = {}
        self.pace()

    def pace(self) -> None:
        """Look how many are busy, set their pace, and plan the next look."""
        carried = {
            each: each.up.direction.carried + each.down.direction.carried for each in self._crossings()
        }
        busy = sum(total != self._carried.get(each, 0) for each, total in carried.items() if not each.direct)
        self._carried = carried
        tick = max(TICK, busy / WAKES)
        for each in carried:
            each.up.direction.pace(tick)
            each.down.direction.pace(tick)
        self._loop.at(monotonic() + EVERY, self.pace)
