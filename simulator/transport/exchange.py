"""What one request did at its socket: filled in while it runs, and readable after any failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

RawHeaders = Sequence[tuple[bytes, bytes]]


class DeadlinePassed(httpx.TimeoutException):
    """The instant ``Exchange.deadline`` came before the answer was whole."""


@dataclass(slots=True)
class Exchange:
    """Passed as ``request.extensions["exchange"]``. Instants are CLOCK_MONOTONIC seconds.

    ``on_informational`` is called with the status and headers (lower-case names) of each 1xx at its
    moment; what it raises ends the exchange. ``deadline`` is the instant at which the transport gives
    the exchange up (``DeadlinePassed``). After a redirect that httpx follows, all else tells of the
    last request.
    """

    on_informational: Callable[[int, RawHeaders], None] | None = None
    deadline: float | None = None
    started: float = 0.0  # before dialling, if it dialled
    fresh: bool = False  # dialled for this request, whether or not it came to a connection
    port: int | None = None  # local port; None when no connection came about
    connected: float | None = None  # dialled, TLS spoken; None on a kept connection
    moved: float | None = None  # the last instant at which a byte moved either way
    answered: float | None = None  # head of the final answer
    sent: int = 0  # body bytes the socket accepted
    head: int = 0  # request head (and chunk framing) bytes the socket accepted
    received: int = 0  # answer bytes, heads and bodies
    unsent: int | None = None  # SIOCOUTQ at the end of a failed exchange

    def begin(self, now: float) -> None:
        """Forget what an earlier request left, and start at *now*."""
        self.started = now
        self.fresh = False
        self.port = self.connected = self.moved = self.answered = self.unsent = None
        self.sent = self.head = self.received = 0
