"""Parts of one upload side by side, each in a greenlet: for processes that gevent has patched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gevent
import gevent.pool

from simulator.swarm.driver import End


def side_by_side(parts: Sequence[Callable[[], End]], at_once: int) -> list[End]:
    """Run *parts*, *at_once* of them at a time, and return how each ended, in their order.

    What one raises ends the others, and so does the end of the greenlet that waits here.
    """
    pool = gevent.pool.Pool(at_once)
    try:
        going = [pool.spawn(part) for part in parts]
        gevent.joinall(going, raise_error=True)
        return [greenlet.value for greenlet in going]
    finally:
        pool.kill()
