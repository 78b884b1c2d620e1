"""The embedded engine: links made real by one epoll loop in a process of its own.

client.py      EmbeddedEngine, in the parent  --lines of JSON-->  process.py, the child
wire.py        what they say                  outbox.py, sampler.py   what the child reports
loop.py        the clock: epoll, events, wake-ups         plug.py     one socket in it
relay.py       one link: directions, connections, faults  strike.py   what a fault does
listener.py    where its clients dial         connection.py   the two sockets of one of them
flow.py        its bytes, one way             carrier.py      copied or spliced, when unlimited
kernel.py      socket options and ioctls
"""

from simulator.links.embedded.client import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
