"""Bytes of one connection of a proxy, one way: gates at the entrance, slices and a late end at the exit.

source --recv--> gates --> held, pushed ... Direction ... released --> slices --> sink
                   |                                                  slow_close
                   +--> swallowed
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

from simulator.links.embedded.api.records import Toxic
from simulator.links.embedded.api.toxics.kind import Gate, Shape
from simulator.links.embedded.flow import DirectFlow, Ending, ShapedFlow

if TYPE_CHECKING:
    from simulator.links.embedded.connection import Connection
    from simulator.links.embedded.crossing import Way

SLICES = 64  # slices without a pause before the others get their turn


class ToxicFlow(ShapedFlow):
    """A flow under toxics, and what their gates know as a ``Lane``. ``swallowed`` bytes never got in."""

    __slots__ = ("_draws", "_ended_at", "_gates", "_pausing", "_shape", "_sliced", "closes", "swallowed")

    def __init__(self, connection: Connection, way: Way, draws: Callable[[], Random]) -> None:
        super().__init__(connection, way)
        self.swallowed = 0
        self.closes = False  # a toxic ended it: its sink is closed, and not only half
        self._gates: dict[Toxic, Gate] = {}
        self._shape = Shape()
        self._draws: Callable[[], Random] | Random = draws
        self._ended_at = inf
        self._pausing = False  # after a slice
        self._sliced = 0

    def adopt(self, flow: DirectFlow) -> None:
        """Go on where *flow* stops, between the sockets that the connection gives."""
        self.limit = flow.limit
        self.taken, self.delivered, self.lost = flow.taken, flow.delivered, flow.lost
        self.ending, self.over = flow.ending, flow.over
        rest = flow.rest()
        if rest:
            self._held.append(rest)
            self._released, self._blocked = len(rest), True

    def board(self, way: Way, left: float, now: float) -> None:
        """Go on along *way*, left and entered at these instants of either: what is under way begins again."""
        nbytes = sum(self._way.direction.drop(self, left))
        self._leave_line()
        self._way, self.limit = way, inf  # what either had to cut is not the other's
        if nbytes:
            way.direction.push(self, nbytes, now)
        self._push_end_again(now)

    def follow(self, toxics: Sequence[Toxic], shape: Shape) -> None:
        """Be under these toxics, whose shapes together are *shape*."""
        self._shape = shape
        for toxic in [toxic for toxic in self._gates if toxic not in toxics]:
            self._gates[toxic].go()
            if not self._gates[toxic].stays:
                del self._gates[toxic]
        for toxic in toxics:
            self._stand_under(toxic)

    def go_on_reading(self) -> None:
        """Do what the change of a toxic has made possible."""
        if not self.over:
            self.write()
        if not self.over:
            self._leave_line()
            self.read()

    # What a gate may do

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call *callback* in *seconds*, unless the connection is over by then."""

        def call() -> None:
            if not self.connection.ended:
                callback()

        self.connection.relay.loop.at(monotonic() + seconds, call)

    def time(self) -> float:
        """Return the present instant."""
        return monotonic()

    def shut(self) -> None:
        """Let nothing more in: the end comes behind what is on its way."""
        if self.over or self.closes:
            return
        self.closes = True
        if self.ending is None:
            self.ending = Ending.FIN
            if self._held:
                self._way.direction.push(self, 0, self.connection.relay.time())
                self.connection.relay.plan()
            else:
                self._end_due = True
                self.pass_end()

    def empty(self) -> None:
        """Drop what is on its way."""
        now = self.connection.relay.time()
        queued, _ = self._way.direction.drop(self, now)
        self.lost += queued
        self._held.clear()
        self._at = self._released = 0
        self._push_end_again(now)

    def reset(self, cause: str) -> None:
        """Reset both ends of the connection."""
        self.connection.reset(cause)

    def cut_after(self, nbytes: float) -> None:
        """Reset both ends once exactly *nbytes* more have been handed over; inf takes that back."""
        self.limit = self.taken + nbytes

    # What differs from a flow of a link

    def pass_end(self) -> None:
        """Let the sink see how the source ended, later under ``slow_close``."""
        now = monotonic()
        self._ended_at = min(self._ended_at, now)
        due = self._ended_at + self._shape.close_delay
        if due > now and self.ending is not Ending.RESET:
            self.after(due - now, self._retry)
        else:
            super().pass_end()

    def _keep(self, data: bytes, now: float) -> None:
        kept = data
        for gate in self._gates.values():
            kept = gate.let(kept) if kept else kept
        self.swallowed += len(data) - len(kept)
        if kept:
            super()._keep(kept, now)
        if any(gate.over for gate in self._gates.values()):
            self.shut()

    def _end(self, how: Ending, now: float) -> None:
        if any([gate.holds_end() for gate in self._gates.values()]):
            self.ending = self.connection.source_ended(self, how)
        else:
            super()._end(how, now)

    def _may_send(self) -> bool:
        return not self._pausing

    def _send(self) -> int:
        if self._shape.slice == inf:
            return super()._send()
        most = min(self._slice(), self._released)
        sent = self.sink.sock.send(memoryview(self._held[0])[self._at : self._at + most])
        self._sliced += 1
        if self._shape.pause or self._sliced % SLICES == 0:
            self._pausing = True
            self.after(self._shape.pause, self._next_slice)
        return sent

    def _slice(self) -> int:
        if callable(self._draws):
            self._draws = self._draws()
        spread = int(self._shape.variation)
        return max(1, int(self._shape.slice) + self._draws.randint(-spread, spread))

    def _next_slice(self) -> None:
        self._pausing = False
        self._retry()

    def _retry(self) -> None:
        if not self.over:
            self.write()

    def _stand_under(self, toxic: Toxic) -> None:
        gate = self._gates.get(toxic)
        if gate is not None:
            if gate.values != toxic.values:
                gate.change(toxic.values)
        elif toxic.kind.gate is not None:
            self._gates[toxic] = gate = toxic.kind.gate(self, toxic.values)
            gate.come()

    def _leave_line(self) -> None:
        while self in self._way.waiting:
            self._way.waiting.remove(self)

    def _push_end_again(self, now: float) -> None:
        """Push the mark that was dropped with the bytes before it."""
        if self.ending is not None and not self._end_due and not self.over:
            self._way.direction.push(self, 0, now)
