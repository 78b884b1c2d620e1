"""``cut_after`` (simsim's own): both ends are reset once exactly ``bytes`` more were handed over."""

from __future__ import annotations

import math

from simulator.links.embedded.api.toxics.kind import MOST_BYTES, Attribute, Gate, Kind, Values


class CutAfter(Gate):
    """Sets the lane's limit."""

    def come(self) -> None:
        self.lane.cut_after(self.values["bytes"])

    def change(self, values: Values) -> None:
        super().change(values)
        self.lane.cut_after(values["bytes"])

    def go(self) -> None:
        self.lane.cut_after(math.inf)


KIND = Kind("cut_after", (Attribute("bytes", MOST_BYTES, least=1),), gate=CutAfter)
