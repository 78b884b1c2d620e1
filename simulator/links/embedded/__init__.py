"""The embedded engine: links made real by one epoll loop in a process of its own.

../own_process.py, in the parent  --lines of JSON (../wire.py)-->  process.py, the child
outbox.py, sampler.py   what the child reports
loop.py        the clock: epoll, events, wake-ups         plug.py     one socket in it
relay.py       one link: directions, connections, faults  strike.py   what a fault does
crossing.py    two ways in time: what a link and the API's lone connections have in common
listener.py    where its clients dial         connection.py   the two sockets of one of them
flow.py        its bytes, one way             carrier.py      copied or spliced, when unlimited
kernel.py      socket options and ioctls        api/          toxiproxy's HTTP API on the same loop
"""

from simulator.links.own_process import OwnProcessEngine


class EmbeddedEngine(OwnProcessEngine):
    """Links applied by their own process's own clock. A context manager."""

    def __init__(self) -> None:
        super().__init__("embedded", "simulator.links.embedded")


__all__ = ["EmbeddedEngine"]
