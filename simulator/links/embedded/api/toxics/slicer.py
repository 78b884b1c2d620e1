"""``slicer``: bytes arrive in slices of ``average_size`` +- ``size_variation`` bytes.

``delay`` is the time from one to the next, in microseconds.
"""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import LONGEST_MS, US, Attribute, Kind, Shape, Values

LARGEST = 2**31 - 1  # bytes


def _shape(values: Values) -> Shape:
    return Shape(slice=values["average_size"], variation=values["size_variation"], pause=values["delay"] * US)


def _why_not(values: Values) -> str | None:
    if values["size_variation"] > values["average_size"]:
        return "size_variation must not exceed average_size"
    return None


KIND = Kind(
    "slicer",
    (
        Attribute("average_size", LARGEST, least=1),
        Attribute("size_variation", LARGEST),
        Attribute("delay", LONGEST_MS * 1000),
    ),
    _shape,
    why_not=_why_not,
)
