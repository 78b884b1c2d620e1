"""Ports for proxies, kept from others while toxiproxy does not listen on them.

A proxy that is disabled gives its port up, and any client's connect might draw it meanwhile. A socket
that is bound and never listens holds it: with SO_REUSEADDR on both, as Go sets it, toxiproxy can listen.
"""

from __future__ import annotations

import random
import socket

from simulator.links.addresses import is_loopback
from simulator.links.embedded.kernel import family

SOME = range(12_000, 32_000)  # of another machine's ports: below what Linux gives to clients


class Ports:
    """Hands out ports of *host*. Those of this machine are held until ``close``."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._here = is_loopback(host)
        self._holders: list[socket.socket] = []

    def take(self) -> int:
        """Return a port that is free: surely so on this machine, and likely so on another."""
        if not self._here:
            return random.choice(SOME)
        holder = socket.socket(family(self._host))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((self._host, 0))
        self._holders.append(holder)
        return int(holder.getsockname()[1])

    def close(self) -> None:
        """Give all ports back."""
        for holder in self._holders:
            holder.close()
