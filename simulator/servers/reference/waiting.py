"""An answer that is held back, on the event loop's clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from simulator.servers.reference.messages import Interim, Later, Reply


class Waiting:
    """Gives ``later.reply`` to *answer* when its time has come, and its interims to *inform* until then."""

    def __init__(
        self, later: Later, inform: Callable[[Interim], None], answer: Callable[[Reply], None]
    ) -> None:
        self._later = later
        self._inform = inform
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        if math.isfinite(later.seconds):
            self._timers["answer"] = self._loop.call_later(later.seconds, self._end, answer)
        self._await_next()

    def cancel(self) -> None:
        """Give up: nothing more goes out."""
        for timer in self._timers.values():
            timer.cancel()

    def _await_next(self) -> None:
        if self._later.meanwhile is not None:
            self._timers["interim"] = self._loop.call_later(self._later.every, self._tell)

    def _tell(self) -> None:
        assert self._later.meanwhile is not None
        self._inform(self._later.meanwhile)
        self._await_next()

    def _end(self, answer: Callable[[Reply], None]) -> None:
        self.cancel()
        answer(self._later.reply)
