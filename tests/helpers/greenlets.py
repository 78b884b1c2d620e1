"""A program that uploads from greenlets, in a patched process; prints what it saw as JSON.

python -m gevent.monkey --module tests.helpers.greenlets crowd WAITER HOST PORT UPLOADS SIZE
python -m gevent.monkey --module tests.helpers.greenlets kill  WAITER HOST PORT UPLOADS SIZE
python -m gevent.monkey --module tests.helpers.greenlets close WAITER HOST PORT UPLOADS SIZE
python -m gevent.monkey --module tests.helpers.greenlets tls   WAITER HOST PORT UPLOADS SIZE CA-FILE
"""

from __future__ import annotations

import gc
import json
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import httpx

from simulator.swarm.hub import HubWaiter
from simulator.transport import LinkTransport, PollWaiter, Waiter, cause_of

PIECE = 65536


def body(size: int, begun: list[int]) -> Iterator[bytes]:
    begun.append(size)
    piece = bytes(PIECE)
    while size:
        yield piece[:size]
        size -= min(size, PIECE)


def upload(transport: LinkTransport, url: str, size: int, begun: list[int]) -> int:
    with httpx.Client(transport=transport, trust_env=False, timeout=httpx.Timeout(None)) as client:
        headers = {"Content-Length": str(size)}
        return client.put(url, content=body(size, begun), headers=headers).status_code


def tick(lateness: list[float]) -> None:
    while True:
        due = time.monotonic() + 0.001
        gevent.sleep(0.001)
        lateness.append(time.monotonic() - due)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def outcome(greenlet: Any) -> str:
    if greenlet.exception is None:
        return str(greenlet.value)
    return f"{type(greenlet.exception).__name__} {cause_of(greenlet.exception)}"


def crowd(transports: list[LinkTransport], url: str, size: int) -> dict[str, Any]:
    lateness: list[float] = []
    ticker = gevent.spawn(tick, lateness)
    begun = time.monotonic()
    uploads = [gevent.spawn(upload, transport, url, size, []) for transport in transports]
    gevent.joinall(uploads)
    ticker.kill()
    late = sorted(lateness)
    return {
        "outcomes": [outcome(one) for one in uploads],
        "seconds": time.monotonic() - begun,
        "ticks": len(late),
        "late_p99": late[int(len(late) * 0.99)],
    }


def in_mid_upload(transports: list[LinkTransport], url: str, size: int) -> list[Any]:
    begun: list[int] = []
    uploads = [gevent.spawn(upload, transport, url, size, begun) for transport in transports]
    while len(begun) < len(transports):
        gevent.sleep(0.01)
    gevent.sleep(0.2)  # until the buffers are full
    return uploads


def kill(transports: list[LinkTransport], url: str, size: int) -> dict[str, Any]:
    uploads = in_mid_upload(transports, url, size)
    open_then = descriptors()
    gevent.killall(uploads)
    return {"outcomes": [outcome(one) for one in uploads], "descriptors_then": open_then}


def close(transports: list[LinkTransport], url: str, size: int) -> dict[str, Any]:
    gevent.get_hub().exception_stream = None  # the failures are what is asked for
    uploads = in_mid_upload(transports, url, size)
    for transport in transports:
        transport.close()
    gevent.joinall(uploads, timeout=30)
    return {"outcomes": [outcome(one) for one in uploads]}


def main() -> None:
    what, how, host, port, count, size, *authority = sys.argv[1:]
    waiter: Waiter = HubWaiter() if how == "hub" else PollWaiter()
    context: ssl.SSLContext | bool = ssl.create_default_context(cafile=authority[0]) if authority else True
    url = f"{'https' if authority else 'http'}://upload.example/"
    address = (host, int(port))
    socket.create_connection(address).close()  # the hub's own descriptors are open from here on
    before = descriptors()
    transports = [LinkTransport(dial=address, waiter=waiter, verify=context) for _ in range(int(count))]
    work = {"crowd": crowd, "kill": kill, "close": close, "tls": crowd}[what]
    seen = work(transports, url, int(size))
    gc.collect()
    gevent.sleep(0.05)  # gevent puts the close of a descriptor that is waited for off to its loop
    seen["leaked_descriptors"] = descriptors() - before
    seen["leaked_watchers"] = len(getattr(waiter, "kept", ()))
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
