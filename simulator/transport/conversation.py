"""One request and its answer on one connection. It reads while it writes.

    push: pieces -> socket        until the socket is full, a turn is over, or all is out
    pull: socket -> h11 -> 1xx to the exchange, the final head to the caller
    wait: for either; nothing moved for too long ends it

A final answer before the last byte of the body stops the sending, and the connection is not used
again. A send that fails is no reason to stop reading: what the server said before it reset the
connection (a 413, say) is often still in the receive buffer, and is the better news.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import h11
import httpx

from simulator.transport.clock import Patience
from simulator.transport.connection import MAX_HEAD, Connection
from simulator.transport.exchange import DeadlinePassed, Exchange
from simulator.transport.outgoing import outgoing
from simulator.transport.wire import READ, WRITE

TURN_BYTES = 256 * 1024  # a peer faster than we are never blocks us: without turns one greenlet starves all
TURN_S = 0.005  # and pieces of few bytes, or made slowly, must not put off a 1xx
RECORD = 16384  # bytes of a full TLS record; after so many there are likely more
MAX_INFORMATIONAL = 10_000  # 1xx answers to one request


class Conversation:
    """``run`` sends the request and returns the head of its final answer; ``body`` yields the rest."""

    def __init__(
        self, connection: Connection, request: httpx.Request, exchange: Exchange, stall: float | None
    ) -> None:
        self._connection = connection
        self._wire = connection.wire
        self._h11 = connection.h11
        self._exchange = exchange
        self._now = time.monotonic()
        self._patience = Patience(stall, exchange.deadline, self._wire.unsent, self._now)
        self._pieces = outgoing(self._h11, request)
        self._piece: bytes | memoryview = b""  # being sent; empty when all is out or given up
        self._is_body = False
        self._failure: httpx.WriteError | None = None  # of the sending
        self._turn_over = False
        self._turn = 0  # bytes received since the last yield
        self._more = False  # the last recv was full
        self._informational = 0
        self.finished = False

    def run(self) -> h11.Response:
        """Return the final answer's head. Raises httpx's exceptions, having closed the connection."""
        with self._guard():
            self._next_piece()
            ready = WRITE
            while True:
                if self._piece and ready & self._wire.send_needs:
                    self._push()
                answer = self._pull() if ready & self._wire.recv_needs else None
                if answer is not None:
                    self._settle()
                    return answer
                ready = self._wait()

    def body(self) -> Iterator[bytes]:
        """Yield the answer's body as it comes. Left before its end, the connection is closed."""
        with self._guard():
            while not self.finished:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    self._fill()
                elif isinstance(event, h11.Data):
                    yield bytes(event.data)
                else:
                    self._finish()

    def leave(self) -> None:
        """End the conversation: an answer of which nothing is left to read is finished, another is cut."""
        if self.finished or self._wire.closed:
            return
        try:
            whole = isinstance(self._h11.next_event(), h11.EndOfMessage)
        except h11.RemoteProtocolError:
            whole = False
        if whole:
            self._finish()
        else:
            self._connection.close()

    def _push(self) -> None:
        sent, begun = 0, self._now
        while self._piece:
            try:
                taken = self._wire.send(self._piece)
            except httpx.WriteError as error:
                self._give_up(error)
                return
            if not taken:
                return
            self._sent(taken)
            sent += taken
            if sent >= TURN_BYTES or time.monotonic() - begun > TURN_S:
                self._turn_over = True
                return

    def _sent(self, taken: int) -> None:
        self._moved()
        if self._is_body:
            self._exchange.sent += taken
        else:
            self._exchange.head += taken
        if taken == len(self._piece):
            self._next_piece()
        else:
            self._piece = memoryview(self._piece)[taken:]

    def _next_piece(self) -> None:
        # Asked for at once after the last byte: exhausted, the pieces have ended the message in h11, and
        # an answer that comes now is not an early one.
        self._piece, self._is_body = next(self._pieces, (b"", False))

    def _give_up(self, failure: httpx.WriteError | None) -> None:
        self._failure = failure
        self._connection.spent = True
        self._piece = b""

    def _settle(self) -> None:
        self._exchange.answered = self._now
        if self._piece:
            self._give_up(None)

    def _pull(self) -> h11.Response | None:
        data = self._receive()
        if data is None:
            return None
        if not data and self._failure is not None:
            raise self._failure
        self._h11.receive_data(data)
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.Response):
                _check_size(event)
                return event
            if not isinstance(event, h11.InformationalResponse):
                return None
            self._inform(event)

    def _inform(self, event: h11.InformationalResponse) -> None:
        _check_size(event)
        self._informational += 1
        if self._informational > MAX_INFORMATIONAL:
            raise h11.RemoteProtocolError(f"more than {MAX_INFORMATIONAL} informational answers")
        if event.status_code == 101:
            raise h11.RemoteProtocolError("101 Switching Protocols, which nobody asked for here")
        if self._exchange.on_informational is not None:
            self._exchange.on_informational(event.status_code, list(event.headers))

    def _fill(self) -> None:
        """Feed h11 with what comes next."""
        data = self._receive() if self._more else None
        while data is None:
            data = self._receive() if self._wait() & self._wire.recv_needs else None
        self._h11.receive_data(data)
        self._turn += len(data)
        if self._turn >= TURN_BYTES:
            self._turn = 0
            self._turn_over = True
            self._wait()

    def _receive(self) -> bytes | None:
        try:
            data = self._wire.recv()
        except httpx.ReadError:
            if self._failure is not None:
                raise self._failure from self._failure.__cause__
            raise
        if data:
            self._exchange.received += len(data)
            self._moved()
        self._more = data is not None and len(data) >= RECORD
        return data

    def _moved(self) -> None:
        self._now = now = time.monotonic()
        self._exchange.moved = now
        self._patience.moved(now)

    def _wait(self) -> int:
        """Return what is ready, after others had their turn."""
        self._now = time.monotonic()
        if self._patience.expired(self._now):
            raise DeadlinePassed("the deadline passed before the answer was whole")
        if self._turn_over:
            self._turn_over = False
            self._wire.yield_()
            return READ | WRITE
        wanted = self._wire.recv_needs | (self._wire.send_needs if self._piece else 0)
        ready = self._wire.wait(wanted, self._patience.left(self._now))
        self._now = time.monotonic()
        if not ready:
            self._look()
        return ready

    def _look(self) -> None:
        if self._patience.look(self._now):
            self._exchange.moved = self._now
        elif self._patience.stalled(self._now):
            kind = httpx.WriteTimeout if self._piece else httpx.ReadTimeout
            raise kind("no byte moved for the stall time-out")

    def _finish(self) -> None:
        self.finished = True
        self._connection.release()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Close the connection on whatever goes wrong: a half-spoken one is never used again."""
        try:
            yield
        except h11.RemoteProtocolError as error:
            closed = self._cut_short()
            self._fail()
            raise httpx.RemoteProtocolError(str(closed or error)) from closed or error
        except h11.LocalProtocolError as error:
            self._fail()
            raise httpx.LocalProtocolError(str(error)) from error
        except BaseException:
            self._fail()
            raise

    def _fail(self) -> None:
        self._exchange.unsent = self._wire.unsent()
        self._connection.close()

    def _cut_short(self) -> EOFError | None:
        """Tell a peer that went away in mid-answer from one that does not speak HTTP/1.1."""
        begun, ended = self._h11.trailing_data
        if not ended or not b"HTTP/1.".startswith(begun[:7]):
            return None
        part = "in mid-answer" if self._exchange.received else "without an answer"
        return EOFError(f"the server closed the connection {part}")


def _check_size(event: h11.Response | h11.InformationalResponse) -> None:
    # h11 bounds only what is incomplete; a block may come whole in one read.
    size = sum(len(name) + len(value) + 4 for name, value in event.headers)
    if size > MAX_HEAD:
        raise h11.RemoteProtocolError(f"a header block of more than {MAX_HEAD} bytes")
