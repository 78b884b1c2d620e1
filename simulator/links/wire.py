"""What parent and child say to each other: lines of JSON over two sockets.

control   parent -> child   {"do": "open", "link": {...}}, {"do": "start", "link": id, "t0": t} ...
          (and at last)     {"do": "close"}
          child -> parent   {"link": id, "port": n}, one for each open
events    child -> parent   one line for each event, as engine.py lists them; closed at the very end
"""

from __future__ import annotations

import json
from typing import Any

from simulator.links.engine import LinkSpec
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
        "upstream": list(spec.upstream),
    }


def spec_in(data: Message) -> LinkSpec:
    """Return the spec that ``spec_out`` wrote."""
    host, port = data["upstream"]
    return LinkSpec(data["id"], data["group"], Timeline.from_dict(data["timeline"]), (host, port))
