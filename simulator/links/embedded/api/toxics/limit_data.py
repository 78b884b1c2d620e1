"""``limit_data``: the connection is closed once ``bytes`` have passed since the toxic came."""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import MOST_BYTES, Attribute, Gate, Kind, Lane, Values


class Limit(Gate):
    """Lets the first ``bytes`` in. At 0 it closes at the first byte that comes, as toxiproxy's."""

    def __init__(self, lane: Lane, values: Values) -> None:
        super().__init__(lane, values)
        self._passed = 0

    def let(self, data: bytes) -> bytes:
        passed = data[: max(0, self.values["bytes"] - self._passed)]
        self._passed += len(passed)
        self.over = self._passed >= self.values["bytes"]
        return passed


KIND = Kind("limit_data", (Attribute("bytes", MOST_BYTES),), gate=Limit)
