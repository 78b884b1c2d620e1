"""The embedded engine: links made real by one epoll loop in a process of its own.

client.py      EmbeddedEngine, in the parent  --lines of JSON-->  process.py, the child
listener.py    where clients dial             link.py     one link: directions, connections, faults
connection.py  the two sockets of a client    flow.py     bytes of one connection, one way
strike.py      what a fault does              loop.py     the clock: epoll, events, wake-ups
kernel.py      socket options and ioctls      wire.py     what parent and child say
"""

from simulator.links.embedded.client import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
