"""``slow_close``: the end of the stream arrives ``delay`` milliseconds later."""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import LONGEST_MS, MS, Attribute, Kind, Shape, Values


def _shape(values: Values) -> Shape:
    return Shape(close_delay=values["delay"] * MS)


KIND = Kind("slow_close", (Attribute("delay", LONGEST_MS),), _shape)
