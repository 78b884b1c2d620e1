"""The embedded engine: links made real by one epoll loop in a process of its own.

../own_process.py, in the parent  --lines of JSON (../wire.py)-->  process.py, the child
outbox.py, sampler.py   what the child reports
loop.py        the clock: epoll, events, wake-ups         plug.py     one socket in it
relay.py       one link: directions, connections, faults  strike.py   what a fault does
crossing.py    two ways in time: what a link and the API's lone connections have in common
listener.py    where its clients dial         connection.py   the two sockets of one of them
dial.py        the way to the server          names: ../names.py
flow.py        its bytes, one way             carrier.py      copied or spliced, when unlimited
kernel.py      socket options and ioctls      background.py   what would hold the loop up, in threads
api/           toxiproxy's HTTP API on the same loop

Where the client names its target, as to a proxy:
front.py       its handshake, pure            greeting.py     the same, live
forward.py     its HTTP requests, pure        forwardflow.py  the same, live
failures.py    the answers when it fails
"""

from simulator.errors import UsageError
from simulator.links.own_process import OwnProcessEngine
from simulator.weather.faults import FAULTS, Shape

STRIKES = tuple(k.name for k in FAULTS.values() if k.shape in (Shape.NONE, Shape.STALL) and not k.by_bytes)
"""The faults that can strike by hand: those that need no figure but how long they last."""


class EmbeddedEngine(OwnProcessEngine):
    """Links applied by their own process's own clock. A context manager."""

    def __init__(self) -> None:
        super().__init__("embedded", "simulator.links.embedded")

    def strike(self, link: str, fault: str, seconds: float = 0.0) -> None:
        """Let *fault* strike *link* now, and hold for *seconds* if it is one that lasts.

        A ``fault`` event reports it as it does the planned ones. Raises ``UsageError`` for a fault that
        is not one of ``STRIKES`` and ``KeyError`` for a link that is not open.
        """
        if fault not in STRIKES:
            raise UsageError(f"'{fault}' cannot strike by hand", mend=f"one of: {', '.join(STRIKES)}")
        self._tell(link, {"do": "strike", "link": link, "fault": fault, "seconds": seconds})


__all__ = ["STRIKES", "EmbeddedEngine"]
