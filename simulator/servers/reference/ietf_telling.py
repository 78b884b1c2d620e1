"""When a request of the IETF draft gets its interim answers of status 104, and which."""

from __future__ import annotations

from simulator.servers.reference.append import Append
from simulator.servers.reference.ietf_dialects import Dialect
from simulator.servers.reference.ietf_fields import VERSION, offset
from simulator.servers.reference.messages import Headers, Interim

EVERY_BYTES = 4 << 20  # only fast clients meet it: the others are told by the second
EVERY_S = 1.0


class Telling:
    """First *announced*, if a creation has that to tell; then the offset, where the dialect tells it.

    The offset is told with the first data after ``EVERY_BYTES`` or ``EVERY_S`` since the last time, and
    only what is safe: a client may forget what a 104 has acknowledged.
    """

    def __init__(self, append: Append, dialect: Dialect, announced: Headers, now: float) -> None:
        self._append = append
        self._dialect = dialect
        self._announced = announced
        self._told = append.upload.offset
        self._at = now

    def next(self, now: float) -> Interim | None:
        """Return the next interim answer if it is due."""
        if self._announced:
            announced, self._announced = self._announced, ()
            return self._interim(announced)
        reached = self._append.upload.offset
        grown = reached - self._told
        due = grown >= EVERY_BYTES or (grown > 0 and now - self._at >= EVERY_S)
        if not (self._dialect.progress and due and self._append.secure()):
            return None
        self._told, self._at = reached, now
        return self._interim((offset(reached),))

    def _interim(self, headers: Headers) -> Interim:
        return Interim(104, ((VERSION, str(self._dialect.interop)), *headers))
