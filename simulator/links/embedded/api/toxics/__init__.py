"""The kinds of toxics, by the name that a client types: a file each.

toxiproxy's own (toxics/*.go) and two of simsim's: ``stall`` and ``cut_after``.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.links.embedded.api.toxics import (
    bandwidth,
    cut_after,
    latency,
    limit_data,
    noop,
    reset_peer,
    slicer,
    slow_close,
    stall,
    timeout,
)
from simulator.links.embedded.api.toxics.kind import Kind

KINDS: Mapping[str, Kind] = {
    "bandwidth": bandwidth.KIND,
    "cut_after": cut_after.KIND,
    "latency": latency.KIND,
    "limit_data": limit_data.KIND,
    "noop": noop.KIND,
    "reset_peer": reset_peer.KIND,
    "slicer": slicer.KIND,
    "slow_close": slow_close.KIND,
    "stall": stall.KIND,
    "timeout": timeout.KIND,
}
