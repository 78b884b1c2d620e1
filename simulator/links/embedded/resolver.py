"""Names looked up beside the loop: a thread for each, and a bell that brings the answer back into it."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable

from simulator.links.addresses import is_number
from simulator.links.embedded.loop import Loop
from simulator.links.engine import Address
from simulator.links.names import resolve

Answer = tuple[Address, ...]


class Resolver:
    """Calls back, in the loop, with the addresses of a name."""

    def __init__(self, loop: Loop) -> None:
        self._found: deque[tuple[Callable[[Answer], None], Answer]] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        loop.add(self._bell, select.EPOLLIN, self._rung)

    def resolve(self, target: Address, then: Callable[[Answer], None]) -> None:
        """Call *then* with the numbers of *target* in their order: none for a name that has no address."""
        if is_number(target[0]):
            then((target,))
        else:
            threading.Thread(target=self._look, args=(target, then), daemon=True).start()

    def _look(self, target: Address, then: Callable[[Answer], None]) -> None:
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
