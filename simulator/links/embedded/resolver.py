"""Names looked up beside the loop: a few threads, and a bell that brings their answers back into it."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from simulator.links.addresses import is_number
from simulator.links.embedded.loop import Loop
from simulator.links.engine import Address
from simulator.links.names import resolve

Answer = tuple[Address, ...]
Then = Callable[[Answer], None]
THREADS = 16  # names that are looked up at once; each may take many seconds


class Resolver:
    """Calls back, in the loop, with the addresses of a name."""

    def __init__(self, loop: Loop) -> None:
        self._asked: SimpleQueue[tuple[Address, Then]] = SimpleQueue()
        self._found: deque[tuple[Then, Answer]] = deque()
        self._threads = 0
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        loop.add(self._bell, select.EPOLLIN, self._rung)

    def resolve(self, target: Address, then: Then) -> None:
        """Call *then* with the numbers of *target* in their order: none for a name that has no address."""
        if is_number(target[0]):
            then((target,))
            return
        self._asked.put((target, then))
        if self._threads < THREADS:
            self._threads += 1
            threading.Thread(target=self._look, daemon=True).start()  # waits for more, and ends with us

    def _look(self) -> None:
        while True:
            target, then = self._asked.get()
            try:
                found = resolve(*target)
            except OSError:
                found = ()
            self._found.append((then, found))
            os.eventfd_write(self._bell, 1)

    def _rung(self, _mask: int) -> None:
        os.eventfd_read(self._bell)
        while self._found:
            then, found = self._found.popleft()
            then(found)
