"""Which request carried what: the engine's count of each connection, shared out among its requests.

The engine counts what left the bottleneck per connection, heads and bodies together; the client
records what each request handed to its socket. Requests on one connection go one after another, so
what was carried is the beginning of all they sent, and each passed what is left over for it:

    sent        |head|  body  |head|  body  |head|  body  |
    carried_up  '---------------------------------'           min(sent, rest) of each

A connection and its requests share a port, and ports are used again. The client knows when it
dialled, the engine when it took the connection; a fault that leaves new connections untaken puts
long after the request's end what may still be carried then, out of the kernels' buffers:

    port 4000   dialled         dialled                      dialled
    client      |--requests--|  |--requests--|               |--requests--|
    engine       |=========|                      |=======|   |==========|
                taken                             taken      taken

An engine that cannot count (toxiproxy tells bytes only after a connection's end, and not after a cut)
reports no connections. A cut request's share is then estimated: what its socket took, less what the
kernel still held, and no more than the link's rate let pass from when it could send until the fault
that cut it. The rest had been taken by the engine and not passed on. The rate is known exactly, an upload
asks for all of it, and each connection of such an engine has it for itself, so the bound is close.
Nor is it less than what the server is then known to hold (logs.settled).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from simulator.records import Cause, Connection, Fault, Request
from simulator.weather.faults import FAULTS, Old
from simulator.weather.timeline import RateCurve

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

    @property
    def late(self) -> bool:
        """Whether the engine took the connection only when the client had given the request up."""
        return self.connection is not None and self.connection.opened > self.request.end

    @property
    def span(self) -> tuple[float, float]:
        """From when to when the link can have carried the request."""
        request, connection = self.request, self.connection
        if connection is not None and self.late:
            return connection.opened, connection.t
        moved = request.moved if request.answered is None else request.answered
        return self.ready, max(self.ready, request.end if moved is None else moved)


@dataclass(frozen=True)
class Bound:
    """What one link could have carried: its rate curve, begun at ``start``, and its faults as they came.

    A link whose ``curve`` is not known could have carried anything.
    """

    curve: RateCurve | None = None
    start: float = 0.0
    faults: Sequence[Fault] = ()

    def of(self, passage: Passage) -> float:
        """Return the most bytes of the body that can have passed before *passage* was cut."""
        if self.curve is None:
            return math.inf
        request, ready = passage.request, passage.ready
        cuts = (item.issued for item in self.faults if _ends_connections(item) and item.issued >= ready)
        stop = min(request.end, min(cuts, default=math.inf)) - self.start
        begin = ready - self.start
        early = -begin * (self.curve.at(0.0) or 0.0) / 8 if begin < 0 else 0.0
        return max(0.0, early + self.curve.carried(max(0.0, begin), stop) - request.head)


def attribute(
    requests: Iterable[Request],
    connections: Iterable[Connection],
    *,
    complete: bool = False,
    bound: Bound | None = None,
) -> list[Passage]:
    """Return a passage for each of one link's *requests*, in the order of their start.

    *complete* says that *connections* are all that the engine ever took: what was sent over any other
    went nowhere. *bound* limits the estimate for those that the engine did not count.
    """
    ordered = sorted(requests, key=lambda item: (item.t, item.upload, item.n))
    taken = _joined(ordered, connections)
    left = {id(item): item.carried_up for item in taken.values()}
    passages = []
    for request in ordered:
        connection = taken.get(id(request))
        if connection is None:
            passages.append(_uncounted(request, complete, bound or Bound()))
            continue
        body = min(request.sent, max(0, left[id(connection)] - request.head))
        left[id(connection)] -= request.head + body
        passages.append(Passage(request, body, True, connection))
    return passages


def _joined(ordered: Sequence[Request], connections: Iterable[Connection]) -> dict[int, Connection]:
    """Return the connection of each request, by the request's ``id``, where the engine took one.

    It is the one that was taken after its dialling and before the next on its port: the kernel gives
    a port out again only once the connection before it is gone, so the last if there are several.
    """
    dialled: dict[int, list[list[Request]]] = defaultdict(list)
    for request in ordered:
        if request.port is not None:
            if request.fresh or not dialled[request.port]:
                dialled[request.port].append([])
            dialled[request.port][-1].append(request)
    taken: dict[int, Connection] = {}
    for connection in sorted(connections, key=lambda item: item.opened):
        runs = dialled.get(connection.port, [])
        place = bisect_right(runs, connection.opened, key=lambda run: run[0].t) - 1
        if place >= 0:
            taken.update((id(request), connection) for request in runs[place])
    return taken


def _uncounted(request: Request, complete: bool, bound: Bound) -> Passage:
    """Return the passage of a request whose connection the engine did not count."""
    if complete and request.status is None:
        return Passage(request, 0, True, None)
    certain = not request.sent or _stored(request)
    taken = Passage(request, _by_socket(request), certain, None)
    return taken if certain else replace(taken, carried=int(min(taken.carried, bound.of(taken))))


def _stored(request: Request) -> bool:
    """Return whether the whole body was taken and accepted by the server, so that all of it must have passed.

    A refusal may come before the last bytes that the socket took have passed.
    """
    answered = request.cause is None and request.status is not None and request.status < 400
    return answered and request.sent == request.length


def _ends_connections(fault: Fault) -> bool:
    kind = FAULTS.get(fault.fault)
    return kind is not None and kind.old is not Old.KEEP


def _by_socket(request: Request) -> int:
    """Return what the socket took less what the kernel still held: an upper bound on what passed."""
    return max(0, request.sent - (request.unsent or 0))
