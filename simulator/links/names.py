"""Names become numbers, in the order in which they shall be tried."""

from __future__ import annotations

import socket
from typing import Any

from simulator.links.engine import Address


def resolve(host: str, port: int) -> tuple[Address, ...]:
    """Return all addresses of *host* as numbers, those of IPv4 first; this may take seconds.

    Servers that bind to a name often listen on its IPv4 address alone. Raises ``OSError`` when
    there is none.
    """
    try:
        found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or longer than 63 characters (RFC 1035, 2.3.4)
        raise OSError(f"no name can be written like this: {error}") from error
    found.sort(key=lambda row: row[0] != socket.AF_INET)
    return tuple(dict.fromkeys((str(row[4][0]), port) for row in found))
