"""``bandwidth``: each connection gets ``rate`` KB/s (1000 bytes); 0 stalls it."""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import Attribute, Kind, Shape, Values

FASTEST = 10**9  # KB/s


def _shape(values: Values) -> Shape:
    return Shape(rate=values["rate"] * 8000)


KIND = Kind("bandwidth", (Attribute("rate", FASTEST),), _shape)
