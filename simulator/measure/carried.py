"""Which request carried what: the engine's count of each connection, shared out among its requests.

The engine counts what left the bottleneck per connection, heads and bodies together; the client
records what each request handed to its socket. Requests on one connection go one after another,
so every whole one passed in full and the last one, if it was cut, passed what is left over:

    connection  |head|  body  |head|  body  |head| bo|            carried_up
    requests    '--- whole ---''--- whole ---''- cut -'            min(sent, rest)
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.records import Cause, Connection, Request

GIVEN_UP = frozenset({Cause.DEADLINE, Cause.CANCELLED})  # the run ended the attempt, not the network


@dataclass(frozen=True, slots=True)
class Passage:
    """One request and ``carried``, the bytes of its body that left the link's bottleneck.

    ``counted`` tells the engine's count from an estimate by the client's socket.
    """

    request: Request
    carried: int
    counted: bool
    connection: Connection | None

    @property
    def interrupted(self) -> bool:
        """Whether the network ended the request before its answer was whole."""
        cause = self.request.cause
        return cause is not None and cause not in GIVEN_UP

    @property
    def attempt(self) -> bool:
        """Whether the request was to carry a part of the representation."""
        return self.request.length > 0

    @property
    def ready(self) -> float:
        """When the request could begin to send: once connected, or at once on a kept connection.

        A dial that never succeeded was never ready: its whole time was spent dialling.
        """
        request = self.request
        if not request.fresh:
            return request.t
        return request.end if request.connected is None else request.connected


def attribute(requests: Iterable[Request], connections: Iterable[Connection]) -> list[Passage]:
    """Return a passage for each of one link's *requests*, in the order of their start."""
    by_port = _by_port(connections)
    left = {id(item): item.carried_up for ends in by_port.values() for item in ends}
    passages = []
    for request in sorted(requests, key=lambda item: (item.t, item.upload, item.n)):
        connection = _connection_of(request, by_port.get(request.port, ()))
        if connection is None:
            passages.append(Passage(request, _by_socket(request), _full(request) or not request.sent, None))
            continue
        rest = max(0, left[id(connection)] - request.head)
        body = request.sent if _full(request) else min(request.sent, rest)
        left[id(connection)] -= request.head + body
        passages.append(Passage(request, body, True, connection))
    return passages


def _by_port(connections: Iterable[Connection]) -> dict[int | None, list[Connection]]:
    by_port: dict[int | None, list[Connection]] = defaultdict(list)
    for connection in sorted(connections, key=lambda item: item.opened):
        by_port[connection.port].append(connection)
    return by_port


def _connection_of(request: Request, ends: Sequence[Connection]) -> Connection | None:
    """Return the connection that *request* went over: the last one opened on its port before its end.

    A port is free for another connection only after the request that uses it has ended.
    """
    i = bisect_right(ends, request.end, key=lambda item: item.opened) - 1
    return ends[i] if i >= 0 and ends[i].t >= request.t else None


def _full(request: Request) -> bool:
    """Return whether the whole body was taken and answered, so that all of it must have passed."""
    return request.cause is None and request.sent == request.length


def _by_socket(request: Request) -> int:
    """Return what the socket took less what the kernel still held: an upper bound on what passed."""
    return max(0, request.sent - (request.unsent or 0))
