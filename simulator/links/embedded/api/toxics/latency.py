"""``latency``: bytes arrive ``latency`` +- ``jitter`` milliseconds later."""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import LONGEST_MS, MS, Attribute, Kind, Shape, Values


def _shape(values: Values) -> Shape:
    return Shape(delay=values["latency"] * MS, jitter=values["jitter"] * MS)


KIND = Kind("latency", (Attribute("latency", LONGEST_MS), Attribute("jitter", LONGEST_MS)), _shape)
