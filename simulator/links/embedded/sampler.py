"""What all links did since the last look: bytes, lateness, lag. It also sets their pace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from time import monotonic

from simulator.links.embedded.relay import Relay, Shop
from simulator.links.link import TICK

EVERY = 0.25  # seconds
WAKES = 4_000  # a second, of all busy links together: each costs 50 to 100 us, half of it the kernel's


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
        carried, lag = self._look()
        late = sorted(self._shop.late)
        self._shop.late.clear()
        self._shop.post(
            {
                "event": "sample",
                "t": now,
                "carried_up": carried,
                "late_p50": _quantile(late, 0.5),
                "late_p99": _quantile(late, 0.99),
                "lag": lag - self._lag,
            }
        )
        self._lag = lag
        self._shop.loop.at(now + EVERY, self.sample)

    def _look(self) -> tuple[dict[str, int], float]:
        carried: Counter[str] = Counter()
        lag, busy = 0.0, 0
        for relay in self._relays.values():
            up, down = relay.up.direction, relay.down.direction
            carried[relay.group] += up.carried
            lag += up.lag + down.lag
            total = up.carried + down.carried
            busy += total != self._carried.get(relay.id, 0)
            self._carried[relay.id] = total
        self._pace(max(TICK, busy / WAKES))
        return dict(carried), lag

    def _pace(self, tick: float) -> None:
        for relay in self._relays.values():
            relay.up.direction.pace(tick)
            relay.down.direction.pace(tick)


def _quantile(ordered: list[float], q: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None
