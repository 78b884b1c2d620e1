"""Bytes of one connection, one way: read from its source, carried by the link, handed to its sink.

source --recv--> held ----------------------------> sink
                  |  pushed           released  ^
                  +--> Direction ... arrived ---+     ShapedFlow
source --recv--> (what the sink would not take) --> sink     DirectFlow
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections import deque
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from simulator.links.embedded.carrier import MUCH, Carrier, Copier, Splicer
from simulator.links.embedded.plug import IN, OUT, Plug
from simulator.links.sizes import SPLICE

if TYPE_CHECKING:
    from simulator.links.embedded.connection import Connection
    from simulator.links.embedded.crossing import Way

READ = 64 * 1024  # bytes: the most that one recv takes on a shaped link
PIECES = 64  # that one sendmsg gathers
SHORT = {errno.EMFILE, errno.ENFILE}
STUCK = 64 * 1024  # bytes that may wait for a sink that does not read before its source must wait too
TURNS = 4  # reads of a direct flow before the others get theirs


class Ending(Enum):
    """How a source ended."""

    FIN = "fin"
    RESET = "reset"


class Flow(ABC):
    """One way of a connection. ``limit`` is how many bytes it may take from its source in all."""

    __slots__ = ("connection", "delivered", "ending", "limit", "lost", "over", "sink", "source", "taken")
    source: Plug
    sink: Plug

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.limit = inf
        self.taken = 0
        self.lost = 0  # of what was taken, bytes dropped before the link carried them
        self.delivered = 0
        self.ending: Ending | None = None
        self.over = False  # its end was passed on, or its sink is gone

    @property
    def carried(self) -> int:
        """Return the bytes that the link carried of a flow that is over."""
        return self.taken - self.lost

    @abstractmethod
    def read(self) -> None:
        """Take from the source what the link and the sink allow."""

    @abstractmethod
    def write(self) -> None:
        """Hand to the sink what has arrived."""

    @abstractmethod
    def forget(self) -> int:
        """Drop all bytes on the way, and stop; return how many they were."""

    @abstractmethod
    def put(self, data: bytes) -> None:
        """Take *data*, what a handshake left over, as if it had been the first to be read."""

    def pass_end(self) -> None:
        """Let the sink see how the source ended."""
        self.over = True
        if self.ending is Ending.RESET:
            self.connection.reset()
        else:
            self.connection.pass_fin(self)

    def sink_gone(self) -> None:
        """Give up: nobody will read what is on the way."""
        self.over = True
        self.forget()
        self.connection.lost_sink(self)


class ShapedFlow(Flow):
    """A flow through a ``Direction``, which counts the bytes that are held here."""

    __slots__ = ("_at", "_blocked", "_end_due", "_held", "_paused", "_released", "_way")

    def __init__(self, connection: Connection, way: Way) -> None:
        super().__init__(connection)
        self._way = way
        self._held: deque[bytes] = deque()
        self._at = 0  # how much of the first piece is gone
        self._released = 0  # bytes that have arrived and may be handed over
        self._end_due = False
        self._blocked = False  # the sink takes nothing now
        self._paused = False  # too much waits for the sink

    def read(self) -> None:
        """Take bytes while the link has room."""
        direction, now = self._way.direction, self.connection.relay.time()
        planned = direction.busy  # then the wake-up that is planned comes soon enough
        drained = False
        while self.taken < self.limit and self.ending is None and not self.over:
            room = direction.grant(now)
            if not room:
                self._way.waiting.append(self)
                planned = False
                break
            if drained or self._released > STUCK:
                self._rest(drained)
                break
            drained = self._take(int(min(room, READ, self.limit - self.taken)), now)
        if not planned:
            self.connection.relay.plan()

    def write(self) -> None:
        """Hand over what has arrived, and the end after it."""
        self._blocked = False
        while self._released and not self.over and self._may_send():
            try:
                self._gone(self._send())
            except BlockingIOError:
                self._blocked = True
                self.sink.want(OUT)
                break
            except OSError:
                self.sink_gone()
                return
        if self._paused and self._released <= STUCK:
            self._paused = False
            self.read()
        if self.delivered >= self.limit:
            self.connection.cut(self)
        elif self._end_due and not self._released and not self.over:
            self.pass_end()

    def put(self, data: bytes) -> None:
        """Send *data* over the link, whether it has room or not."""
        data = data[: int(min(len(data), self.limit))]
        self._keep(data, self.connection.relay.time())
        self.connection.relay.plan()

    def arrive(self, nbytes: int) -> None:
        """Learn that *nbytes* more have crossed the link, or with 0 that the end has."""
        if not self.over:
            self._released += nbytes
            self._end_due = self._end_due or not nbytes

    def go_on(self) -> None:
        """Hand over what has arrived, unless the sink has to say first that it can take it."""
        if not self._blocked and not self.over:
            self.write()

    def forget(self) -> int:
        """Drop what is held, on the link or past it."""
        self.over = True
        queued, in_line = self._way.direction.drop(self, self.connection.relay.time())
        dropped = queued + in_line + self._released
        self.lost += queued
        self._held.clear()
        self._released = 0
        if self in self._way.waiting:
            self._way.waiting.remove(self)
        return dropped

    def _rest(self, drained: bool) -> None:
        """Read again when the source has more, or when the sink has taken what waits for it."""
        if drained:
            self.source.want(IN)
        else:
            self._paused = True

    def _take(self, most: int, now: float) -> bool:
        """Read once; return whether that emptied the source."""
        try:
            data = self.source.sock.recv(most)
        except BlockingIOError:
            return True
        except OSError:
            self._end(Ending.RESET, now)
            return True
        if not data:
            self._end(Ending.FIN, now)
            return True
        self._keep(data, now)
        return len(data) < most

    def _keep(self, data: bytes, now: float) -> None:
        """Send *data* on its way."""
        self.taken += len(data)
        self._held.append(data)
        self._way.direction.push(self, len(data), now)

    def _end(self, how: Ending, now: float) -> None:
        self.ending = self.connection.source_ended(self, how)
        self._way.direction.push(self, 0, now)

    def _may_send(self) -> bool:
        """Whether what has arrived may be handed over at once: always, on a link."""
        return True

    def _send(self) -> int:
        """Send up to what is released, out of as many pieces as that takes; return how much went."""
        at, left = self._at, self._released
        if len(self._held[0]) - at >= left:
            return self.sink.sock.send(memoryview(self._held[0])[at : at + left])
        pieces: list[memoryview] = []
        for piece in self._held:
            pieces.append(memoryview(piece)[at : at + left])
            left -= len(pieces[-1])
            at = 0
            if not left or len(pieces) == PIECES:
                break
        return self.sink.sock.sendmsg(pieces)

    def _gone(self, sent: int) -> None:
        self.delivered += sent
        self._released -= sent
        self._at += sent
        while self._held and self._at >= len(self._held[0]):
            self._at -= len(self._held.popleft())


class DirectFlow(Flow):
    """A flow of an unlimited link: what is read is handed over at once, so carried is delivered."""

    __slots__ = ("_carrier", "_copies", "_way")

    def __init__(self, connection: Connection, way: Way) -> None:
        super().__init__(connection)
        self._way = way
        self._carrier: Carrier = Copier(connection.relay.scratch)
        self._copies = True  # and was not offered a pipe yet

    def read(self) -> None:
        """Pass on what is there, in a few turns."""
        for _ in range(TURNS):
            if self._halted():
                return
            if self.over or self.ending is not None or self.taken >= self.limit or self._carrier.held:
                return
            if not self._turn():
                return
        self.source.want(IN)

    def write(self) -> None:
        """Hand over what was left, then read on."""
        if self._halted():
            return
        if not self._carrier.held or self._hand_over():
            self.read()

    def put(self, data: bytes) -> None:
        """Hand *data* over."""
        data = data[: int(min(len(data), self.limit))]
        self.taken += len(data)
        self._carrier = carrier = Copier(self.connection.relay.scratch)
        carrier.hold(data)
        self.write()

    def forget(self) -> int:
        """Drop what the sink would not take."""
        self.over = True
        dropped = self._carrier.held
        self.lost += dropped
        self._carrier.close()
        return dropped

    def _halted(self) -> bool:
        """Whether the link stands still, and will call ``write`` when it does not."""
        relay = self.connection.relay
        if relay.halted:
            relay.held.append(self)
        return relay.halted

    def rest(self) -> bytes:
        """Hand out what the sink would not take, and stop: another flow goes on with it."""
        self.over = True
        return self._carrier.rest()

    def _turn(self) -> bool:
        """Take and hand over once; return whether there may be more."""
        if self.taken > MUCH and self._copies:
            self._carrier, self._copies = _spliced(self._carrier), False
        try:
            n = self._carrier.take(self.source.sock, self._most())
        except BlockingIOError:
            self.source.want(IN)
            return False
        except OSError:
            n = -1
        if n <= 0:
            self.ending = self.connection.source_ended(self, Ending.RESET if n else Ending.FIN)
            self.pass_end()
            return False
        self.taken += n
        return self._hand_over()

    def _most(self) -> int:
        direction = self._way.direction
        return int(min(SPLICE, self.limit - self.taken, direction.stop - direction.carried))

    def _hand_over(self) -> bool:
        """Give the sink what is held; return whether the flow may go on."""
        try:
            sent = self._carrier.give(self.sink.sock)
        except OSError:
            self.sink_gone()
            return False
        self.delivered += sent
        self._way.direction.carried += sent
        self.connection.relay.moved(self._way)
        if self._carrier.held:
            self.sink.want(OUT)
        elif self.delivered >= self.limit:
            self.connection.cut(self)
        return not self._carrier.held and not self.over


def _spliced(copier: Carrier) -> Carrier:
    """Return a pipe to splice through; *copier*, where there is no descriptor left for one."""
    try:
        return Splicer()
    except OSError as error:
        if error.errno not in SHORT:
            raise
        return copier
