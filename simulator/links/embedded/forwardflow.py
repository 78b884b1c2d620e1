"""The uplink of a client that takes its link for an HTTP proxy: requests, each changed for its server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.links.embedded.flow import Ending, ShapedFlow

if TYPE_CHECKING:
    from simulator.links.embedded.connection import Connection
    from simulator.links.embedded.crossing import Way
    from simulator.links.embedded.forward import Forwarding


class ForwardFlow(ShapedFlow):
    """A shaped flow whose bytes are what ``Forwarding`` makes of those that were read.

    *elsewhere* is called with a request that another server shall have, and all that came after it.
    """

    __slots__ = ("_answered", "_elsewhere", "_forwarding")

    def __init__(
        self, connection: Connection, way: Way, forwarding: Forwarding, elsewhere: Callable[[bytes], None]
    ) -> None:
        super().__init__(connection, way)
        self._forwarding = forwarding
        self._elsewhere = elsewhere
        self._answered = 0  # bytes that had come back when the last request was passed on

    def put(self, data: bytes) -> None:
        """Send what *data* becomes over the link; the limit counts that, not *data*."""
        self._keep(data, self.connection.relay.time())
        self.connection.relay.plan()

    def _keep(self, data: bytes, now: float) -> None:
        forwarding = self._forwarding
        before = forwarding.requests
        out = forwarding.feed(data)
        if forwarding.requests > before:
            self._answered = self.connection.down.delivered
        if out:
            super()._keep(out[: int(min(len(out), self.limit - self.taken))], now)
        if forwarding.elsewhere and self._idle():
            self._elsewhere(forwarding.elsewhere)
        elif forwarding.elsewhere or forwarding.failure is not None:
            self._end(Ending.FIN, now)

    def _idle(self) -> bool:
        """Whether the last request was answered, as far as that can be told without reading the answer.

        A client that sends a request for another server before that has to do so on a new connection.
        """
        down = self.connection.down
        return down.delivered > self._answered and down.taken == down.delivered
