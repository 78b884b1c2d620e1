"""``stall`` (simsim's own): nothing moves and nothing is lost until the toxic is removed."""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import Kind, Shape, Values


def _shape(_values: Values) -> Shape:
    return Shape(rate=0)


KIND = Kind("stall", (), _shape)
