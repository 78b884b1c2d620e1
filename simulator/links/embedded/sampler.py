"""What all links did since the last look: bytes, lateness, lag. It also sets their pace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from time import monotonic

from simulator.links.embedded.relay import Relay, Shop
from simulator.links.link import TICK

EVERY = 0.25  # seconds
WAKES = 4_000  # a second, of all busy links together: each costs 50 to 100 us, half of it the kernel's

Sums = dict[str, int]  # by group


class Sampler:
    """Posts a ``sample`` event every 250 ms.

    With many busy links each moves longer pieces, so that their wake-ups together stay within
    what the process can serve in time.
    """

    def __init__(self, shop: Shop, relays: Mapping[str, Relay]) -> None:
        self._shop = shop
        self._relays = relays
        self._carried: dict[str, int] = {}
        self._lag = 0.0

    def sample(self) -> None:
        """Post one, and plan the next."""
        now = monotonic()
        up, down, connections, lag = self._look()
        late = sorted(self._shop.late)
        self._shop.late.clear()
        self._shop.post(
            {
                "event": "sample",
                "t": now,
                "carried_up": up,
                "carried_down": down,
                "connections": connections,
                "late_p50": _quantile(late, 0.5),
                "late_p99": _quantile(late, 0.99),
                "lag": lag - self._lag,
            }
        )
        self._lag = lag
        self._shop.loop.at(now + EVERY, self.sample)

    def _look(self) -> tuple[Sums, Sums, Sums, float]:
        """Return what was carried either way and how many connections are open, by group, and the lag."""
        carried_up, carried_down, connections = Counter[str](), Counter[str](), Counter[str]()
        lag, busy = 0.0, 0
        for relay in self._relays.values():
            up, down = relay.up.direction, relay.down.direction
            carried_up[relay.group] += up.carried
            carried_down[relay.group] += down.carried
            connections[relay.group] += len(relay.connections)
            lag += up.lag + down.lag
            total = up.carried + down.carried
            busy += total != self._carried.get(relay.id, 0)
            self._carried[relay.id] = total
        self._pace(max(TICK, busy / WAKES))
        return carried_up, carried_down, connections, lag

    def _pace(self, tick: float) -> None:
        for relay in self._relays.values():
            relay.up.direction.pace(tick)
            relay.down.direction.pace(tick)


def _quantile(ordered: list[float], q: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None
