"""What one request did at its socket: filled in while it runs, and readable after any failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(slots=True)
class Exchange:
    """Passed as ``request.extensions["exchange"]``. Instants are CLOCK_MONOTONIC seconds.

    ``on_informational`` is called with the status and headers of each 1xx at its moment.
    ``deadline`` is the instant at which the transport gives the exchange up (``DeadlinePassed``).
    """

    on_informational: Callable[[int, RawHeaders], None] | None = None
    deadline: float | None = None
    started: float = 0.0  # before dialling, if it dialled
    fresh: bool = False  # dialled for this request
    port: int | None = None  # local port
    connected: float | None = None
    moved: float | None = None  # the last instant at which a byte moved either way
    answered: float | None = None  # head of the final answer
    sent: int = 0  # body bytes the socket accepted
    head: int = 0  # request head (and chunk framing) bytes the socket accepted
    received: int = 0  # answer bytes, heads and bodies
    unsent: int | None = None  # SIOCOUTQ at the end of a failed exchange
