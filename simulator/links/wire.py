"""What parent and child say to each other: lines of JSON over two sockets.

control   parent -> child   {"do": "open", "link": {...}}, {"do": "start", "link": id, "t0": t} ...
          (some engines)    {"do": "strike", "link": id, "fault": kind, "seconds": s}
          (and at last)     {"do": "close"}
          child -> parent   {"link": id, "port": n} or {"link": id, "refused": why}, one for each open
events    child -> parent   one line for each event, as engine.py lists them; closed at the very end
"""

from __future__ import annotations

import json
from typing import Any

from simulator.links.engine import Address, LinkSpec
from simulator.weather.timeline import Timeline

Message = dict[str, Any]


class Lines:
    """Bytes that came, cut into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that *data* completes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in whole]


def encode(message: Message) -> bytes:
    """Return *message* as one line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def spec_out(spec: LinkSpec) -> Message:
    """Return *spec* as plain JSON types."""
    return {
        "id": spec.id,
        "group": spec.group,
        "timeline": spec.timeline.to_dict(),
        "upstream": spec.upstream and list(spec.upstream),
        "listen": list(spec.listen),
        "spares": [list(spare) for spare in spec.spares],
        "allow_remote": spec.allow_remote,
    }


def spec_in(data: Message) -> LinkSpec:
    """Return the spec that ``spec_out`` wrote."""
    return LinkSpec(
        data["id"],
        data["group"],
        Timeline.from_dict(data["timeline"]),
        data["upstream"] and _address(data["upstream"]),
        _address(data["listen"]),
        tuple(map(_address, data["spares"])),
        data["allow_remote"],
    )


def _address(pair: list[Any]) -> Address:
    host, port = pair
    return host, port
