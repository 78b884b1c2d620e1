"""The seam to waiting: all that differs between threads and greenlets.

``PollWaiter`` is for threads; gevent's is ``simulator.swarm.hub.HubWaiter``. ``select.select`` is of
no use: it fails at descriptor 1024.
"""

from __future__ import annotations

import math
import select
import time
from typing import Protocol


class Waiter(Protocol):
    """Waits until a descriptor is ready. One waiter may serve any number of connections."""

    def wait(self, fd: int, want_read: bool, want_write: bool, timeout: float | None) -> tuple[bool, bool]:
        """Return (readable, writable), both false when *timeout* seconds passed (None waits for ever).

        Whatever is raised into the wait (KeyboardInterrupt, GreenletExit) passes through, with nothing
        left behind that a later wait or ``forget`` would trip over.
        """
        ...

    def yield_(self) -> None:
        """Let others run."""
        ...

    def forget(self, fd: int) -> None:
        """Drop what is kept for *fd*, which is about to be closed. Harmless for one never waited for."""
        ...


class PollWaiter:
    """Waits by ``poll``: for threads, one waiter for all of them, since it keeps nothing."""

    def wait(self, fd: int, want_read: bool, want_write: bool, timeout: float | None) -> tuple[bool, bool]:
        """Return (readable, writable); an error or hang-up on *fd* makes true what was wanted."""
        poll = select.poll()
        poll.register(fd, (select.POLLIN if want_read else 0) | (select.POLLOUT if want_write else 0))
        # Rounded up: a wait cut short by a fraction of a millisecond would spin until its time is over.
        events = poll.poll(None if timeout is None else math.ceil(timeout * 1000))
        if not events:
            return False, False
        flags = events[0][1]
        failed = flags & (select.POLLERR | select.POLLHUP | select.POLLNVAL)
        return (
            want_read and bool(failed or flags & select.POLLIN),
            want_write and bool(failed or flags & select.POLLOUT),
        )

    def yield_(self) -> None:
        """Give the interpreter to another thread (or, in a patched process, to another greenlet)."""
        time.sleep(0)

    def forget(self, fd: int) -> None:
        """Nothing is kept."""
