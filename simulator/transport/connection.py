"""One connection: its wire, its HTTP state, and whether it can be used again."""

from __future__ import annotations

from collections.abc import Callable

import h11

from simulator.transport.wire import Wire

MAX_HEAD = 65536  # bytes of one header block

Origin = tuple[str, str, int]  # scheme, host, port


class Connection:
    """``keep`` and ``drop`` are told when a conversation on it ended well, and when it was closed."""

    def __init__(
        self,
        origin: Origin,
        wire: Wire,
        *,
        keep: Callable[[Connection], None],
        drop: Callable[[Connection], None],
    ) -> None:
        self.origin = origin
        self.wire = wire
        self.h11 = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self.spent = False  # the request was not sent whole
        self._keep = keep
        self._drop = drop

    def release(self) -> None:
        """Hand the connection back after a whole answer; one that cannot be used again is closed."""
        states = set(self.h11.states.values())
        left_over, _ = self.h11.trailing_data
        if self.spent or left_over or states != {h11.DONE}:
            self.close()
            return
        self.h11.start_next_cycle()
        self._keep(self)

    def close(self) -> None:
        """Close the socket; harmless when it is closed."""
        self._drop(self)
        self.wire.close()
