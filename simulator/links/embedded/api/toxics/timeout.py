"""``timeout``: nothing gets through, and after ``timeout`` milliseconds without a byte the connection closes.

0 never closes it. What is sent meanwhile is taken and dropped; removing the toxic closes the connection.
"""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import LONGEST_MS, MS, Attribute, Gate, Kind, Lane, Values


class Timeout(Gate):
    """Drops everything. Each byte begins the time anew, as toxiproxy's does."""

    def __init__(self, lane: Lane, values: Values) -> None:
        super().__init__(lane, values)
        self._since = 0.0
        self._waits = False

    def come(self) -> None:
        self.lane.empty()
        self._restart()

    def let(self, data: bytes) -> bytes:
        self._restart()
        return data[:0]

    def change(self, values: Values) -> None:
        super().change(values)
        self._restart()

    def go(self) -> None:
        self.lane.shut()

    def _restart(self) -> None:
        self._since = self.lane.time()
        if not self._waits:
            self._wait()

    def _wait(self) -> None:
        left = self._since + self.values["timeout"] * MS - self.lane.time()
        self._waits = self.values["timeout"] > 0
        if self._waits and left > 0:
            self.lane.after(left, self._wait)
        elif self._waits:
            self.lane.shut()


KIND = Kind("timeout", (Attribute("timeout", LONGEST_MS),), gate=Timeout)
