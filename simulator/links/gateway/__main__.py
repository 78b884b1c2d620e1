"""``python -m simulator.links.gateway``: the hop as a process of its own.

stdin    one line of JSON: the routes (steps, upstream, listen) and the buffer's size
stdout   {"ports": [...]} or {"refused": why}, then one line for each firing
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from simulator.links.gateway.core import Core
from simulator.links.gateway.hop import Settings, serve
from simulator.weather.hops import from_plain


def main() -> int:
    """Serve as the line on stdin says."""
    asked = json.loads(sys.stdin.readline())
    routes = [
        (
            Core(from_plain(route["steps"])),
            (route["upstream"][0], route["upstream"][1]),
            tuple(route["listen"]),
        )
        for route in asked["routes"]
    ]
    try:
        serve(routes, Settings(asked["buffer"], _say), lambda ports: _say({"ports": ports}))
    except OSError as error:
        _say({"refused": error.strerror or str(error)})
        return 2
    return 0


def _say(message: Mapping[str, Any]) -> None:
    """Write one line at once: shorter than PIPE_BUF, so it comes whole."""
    os.write(1, json.dumps(message, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
