"""What the connections of one server share: the core, the clocks, and who receives for which upload."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Protocol

from simulator.servers.reference.append import Append, Sink
from simulator.servers.reference.core import Core
from simulator.servers.reference.messages import Head, http_date
from simulator.servers.reference.receiving import Receiving, Step
from simulator.servers.reference.storage import Reader, Store
from simulator.servers.reference.uploads import Superseded

READ_BYTES = 256 * 1024  # one read of a socket: past this, larger reads gained nothing measurable

LOG = logging.getLogger("simsim.server")


class Connected(Protocol):
    """What the hub needs of a connection."""

    def check(self, now: float) -> None:
        """End the connection if it stood still for too long."""
        ...

    def abort(self) -> None:
        """End the connection at once."""
        ...

    def shut(self) -> None:
        """End the connection because the server ends."""
        ...


class Hub:
    """One for each server; ``idle_s`` is how long a connection may stand still."""

    def __init__(self, core: Core, store: Store, idle_s: float) -> None:
        self.idle_s = idle_s
        # One buffer for all: asyncio fills and hands it over in one go, so nobody sees another's bytes.
        self.buffer = memoryview(bytearray(READ_BYTES))
        self.clock = asyncio.get_running_loop().time
        self.connections: set[Connected] = set()
        self._core = core
        self._store = store
        self._receivers: dict[Sink, Connected] = {}
        self._date = (0, b"")
        self._log_events()

    @property
    def now(self) -> float:
        """Return seconds since the epoch: what expiry is counted in."""
        return time.time()

    @property
    def date(self) -> bytes:
        """Return the value of the Date field."""
        second = int(self.now)
        if second != self._date[0]:
            self._date = (second, http_date(second).encode())
        return self._date[1]

    def begin(self, head: Head, connection: Connected) -> Step:
        """Hand a request to the core; abort the connection whose hold it ended, if it did."""
        step = self._core.begin(head, self.now, os.urandom(16).hex())
        self._log_events()
        if isinstance(step, Receiving):
            self._receivers[step.append] = connection
        return step

    def release(self, step: Step) -> None:
        """Forget who carried out *step*, which is over."""
        if isinstance(step, Receiving):
            self._receivers.pop(step.append, None)

    def reader(self, name: str) -> Reader:
        """Return the stored bytes of *name*. Raises ``StoreError``."""
        return self._store.reader(name)

    def sweep(self) -> None:
        """End connections that stood still, and expire uploads."""
        now = self.clock()
        for connection in list(self.connections):
            connection.check(now)
        self._core.sweep(self.now)
        self._log_events()

    def _log_events(self) -> None:
        for event in self._core.events():
            if isinstance(event, Superseded):
                self._supersede(event.append)
            else:
                LOG.error("%s", event.why)

    def _supersede(self, append: Append) -> None:
        connection = self._receivers.pop(append, None)
        if connection is not None:
            LOG.info("upload %s: a newer request ended an older one", append.upload.id)
            connection.abort()
