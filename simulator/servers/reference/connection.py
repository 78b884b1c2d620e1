"""One connection: HTTP/1.1 framing around the core.

h11 parses heads and chunked content and writes answers. Content of known length does not pass
through it: once the head is parsed, the socket's bytes go straight to the core, and a new h11
connection begins with what follows them.

    HEAD -> FIXED | CHUNKED -> (answer) -> HEAD            keep-alive
                            -> (answer) -> BUSY -> HEAD    a stored upload goes out, a copy is made,
                                                           or the answer is held back
                            -> (answer) -> LINGER          an answer before the content's end
"""

from __future__ import annotations

import asyncio
import socket
import struct
from enum import Enum
from http import HTTPStatus

import h11

from simulator.servers.reference.hub import LOG, READ_BYTES, Hub
from simulator.servers.reference.messages import Head, Interim, Later, Reply
from simulator.servers.reference.receiving import Receiving, Step, Stepwise
from simulator.servers.reference.storage import Bytes, Reader, StoreError
from simulator.servers.reference.waiting import Waiting

MAX_HEAD_BYTES = 32 * 1024
# What is left of refused content is read and thrown away up to this much; beyond it the connection
# ends. Closing at once would reset it and could destroy the answer on its way (RFC 9112, "Tear-down").
SKIP_BYTES = 256 * 1024
LINGER_IDLE_S, LINGER_S = 5.0, 30.0  # as nginx: lingering_timeout and lingering_time

_PHRASES = {
    104: "Upload Resumption Supported",
    460: "Checksum Mismatch",
    499: "Client Closed Request",
}


class Phase(Enum):
    """What the next bytes are."""

    HEAD = "a request's head"
    FIXED = "content of known length"
    CHUNKED = "chunked content"
    BUSY = "kept until the answer is out"
    LINGER = "of no interest: the answer is out, and the connection ends"
    CLOSED = "none"


class Connection(asyncio.BufferedProtocol):
    """One client's connection, driven by asyncio's callbacks."""

    _transport: asyncio.Transport

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._phase = Phase.HEAD
        self._parser: h11.Connection | None = None  # none between requests: idle connections are many
        self._method = b""
        self._left = 0  # bytes of the content still to come
        self._content_over = True
        self._work: Receiving | Stepwise | None = None
        self._waiting: Waiting | None = None
        self._reader: Reader | None = None
        self._sent = self._size = self._from = 0  # of the stored upload that goes out
        self._paused = False
        self._pending = b""
        self._moved = self._since = hub.clock()  # last byte either way; the phase's beginning

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of a new connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._hub.connections.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio's signature
        """Return where the next bytes go."""
        return self._hub.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take in the first *nbytes* of the buffer."""
        self._moved = self._hub.clock()
        self._feed(self._hub.buffer[:nbytes])

    def eof_received(self) -> bool:
        """End with the client: what it sent of a request is kept."""
        self._cut()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Let go of everything."""
        self._phase = Phase.CLOSED
        self._cut()
        self._close_reader()
        if self._waiting is not None:
            self._waiting.cancel()
        self._hub.connections.discard(self)

    def pause_writing(self) -> None:
        """Wait: the client reads more slowly than the upload goes out."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False
        if self._reader is not None:
            self._pump()

    # the hub's side

    def check(self, now: float) -> None:
        """End the connection if it stood still for too long."""
        if self._phase is Phase.LINGER:
            late = now - self._moved > LINGER_IDLE_S or now - self._since > LINGER_S
        elif self._phase is Phase.HEAD and self._parser is not None:
            late = now - self._since > self._hub.idle_s  # a head must come within one idle time as a whole
        elif self._waiting is not None:
            late = False  # it is the server that keeps the client waiting
        else:
            late = now - self._moved > self._hub.idle_s
        if late:
            self.shut()

    def abort(self) -> None:
        """Reset the connection at once; bytes that still arrive on it are nobody's."""
        self._phase = Phase.CLOSED
        self._work = None
        # Without this the kernel sends FIN, and goes on offering what a silent client never reads.
        own = self._transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def shut(self) -> None:
        """End the connection; what it sent of a request is kept."""
        self._cut()
        self._phase = Phase.CLOSED
        if self._transport.get_write_buffer_size():
            self.abort()  # the client does not read, so a close would wait for it for ever
        else:
            self._transport.close()

    # what comes in

    def _feed(self, data: Bytes) -> None:
        while data:
            data = _TAKE[self._phase](self, data)

    def _take_head(self, data: Bytes) -> Bytes:
        if self._parser is None:
            self._method = b""
            self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
            self._since = self._hub.clock()
        self._parser.receive_data(bytes(data))
        try:
            event = self._parser.next_event()
        except h11.RemoteProtocolError as exc:
            self._refuse(exc)
            return b""
        if not isinstance(event, h11.Request):
            return b""
        rest = self._parser.trailing_data[0]
        self._begin(event)
        if self._phase is Phase.CHUNKED:
            return self._take_events()  # the rest is in h11's hands already
        return rest

    def _begin(self, request: h11.Request) -> None:
        secure = self._transport.get_extra_info("sslcontext") is not None
        head, chunked = _head(request, "https" if secure else "http")
        self._method = request.method
        self._phase = Phase.CHUNKED if chunked else Phase.FIXED
        self._left = head.length or 0
        self._content_over = not chunked and self._left == 0
        bad = _unwelcome(head, request.http_version)
        self._carry_out(bad if bad is not None else self._hub.begin(head, self))

    def _carry_out(self, step: Step) -> None:
        if isinstance(step, Reply):
            self._answer(step)
        elif isinstance(step, Later):
            self._hold_back(step)
        elif isinstance(step, Stepwise):
            self._work = step
            self._be_busy()
            self._proceed()
        else:
            self._receive(step)

    def _receive(self, work: Receiving) -> None:
        self._work = work
        if self._parser is not None and self._parser.they_are_waiting_for_100_continue:
            self._inform(Interim(100))
        self._tell()
        if self._content_over:
            self._end()

    def _take_fixed(self, data: Bytes) -> Bytes:
        piece = data[: self._left]
        self._left -= len(piece)
        self._content_over = self._left == 0
        self._give(piece)
        if self._content_over and self._phase is Phase.FIXED:
            self._end()
        return data[len(piece) :]

    def _take_chunked(self, data: Bytes) -> Bytes:
        assert self._parser is not None
        self._parser.receive_data(bytes(data))
        return self._take_events()

    def _take_events(self) -> bytes:
        """Take in what h11 has of chunked content; return what follows the content's end."""
        parser = self._parser
        assert parser is not None
        while self._phase is Phase.CHUNKED:
            try:
                event = parser.next_event()
            except h11.RemoteProtocolError as exc:
                self._cut()
                self._refuse(exc)
                break
            if isinstance(event, h11.Data):
                self._give(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._content_over = True
                rest = parser.trailing_data[0]
                self._end()
                return rest
            else:
                break
        return b""

    def _take_busy(self, data: Bytes) -> Bytes:
        self._pending += bytes(data)
        if len(self._pending) > READ_BYTES:
            self._transport.pause_reading()
        return b""

    def _take_nothing(self, data: Bytes) -> Bytes:  # noqa: ARG002  # one signature for the table
        return b""

    def _give(self, piece: Bytes) -> None:
        if isinstance(self._work, Receiving):
            reply = self._work.data(piece, self._hub.now)
            if reply is None:
                self._tell()
            else:
                self._release()
                self._answer(reply)

    def _end(self) -> None:
        """Answer a request whose content is over, unless it was answered before."""
        if isinstance(self._work, Receiving):
            outcome = self._work.end(self._hub.now)
            self._release()
            self._carry_out(outcome)
        else:
            self._next()

    def _cut(self) -> None:
        if self._work is not None:
            self._work.cut(self._hub.now)
            self._release()

    def _release(self) -> None:
        if self._work is not None:
            self._hub.release(self._work)
            self._work = None

    # what goes out

    def _tell(self) -> None:
        """Send the interim answers that are due, if the client reads them."""
        while isinstance(self._work, Receiving) and not self._paused:
            interim = self._work.interim(self._hub.now)
            if interim is None:
                return
            self._inform(interim)

    def _inform(self, interim: Interim) -> None:
        """Send an interim answer; to HTTP/1.0 there is none (RFC 9110, "Informational 1xx")."""
        parser = self._parser
        assert parser is not None
        if parser.their_http_version == b"1.1":
            headers = [(name.encode(), value.encode("latin-1")) for name, value in interim.headers]
            reason = _phrase(interim.status)
            self._write(
                parser.send(
                    h11.InformationalResponse(status_code=interim.status, headers=headers, reason=reason)
                )
            )

    def _hold_back(self, later: Later) -> None:
        """Answer later, and read on meanwhile, so that the client's end is noticed."""
        assert self._content_over, "only an answer to a whole request can be held back"
        self._phase = Phase.BUSY
        self._waiting = Waiting(later, self._inform, self._answer_at_last)

    def _answer_at_last(self, reply: Reply) -> None:
        self._waiting = None
        self._moved = self._hub.clock()
        self._answer(reply)

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        """Answer what is not HTTP/1.1, and end."""
        self._content_over = False
        self._answer(Reply(error.error_status_hint, (("Connection", "close"),), str(error)))

    def _answer(self, reply: Reply) -> None:
        parser = self._parser
        assert parser is not None
        if reply.stored is not None:
            try:
                self._reader = self._hub.reader(reply.stored)
            except StoreError as exc:
                reply = Reply(500, (), str(exc))
        body = reply.body
        self._size = reply.size if reply.stored is not None else len(body)
        self._write(parser.send(self._response(reply, parser.they_are_waiting_for_100_continue)))
        if self._method == b"HEAD":
            self._close_reader()
            self._answered()
        elif self._reader is not None:
            self._sent, self._from = 0, reply.start
            self._be_busy()
            self._pump()
        else:
            self._write(parser.send(h11.Data(data=body)))
            self._answered()

    def _response(self, reply: Reply, waiting: bool) -> h11.Response:
        headers = [(b"Date", self._hub.date)]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
        if reply.status != 204:  # RFC 9110, "Content-Length": never in a 204
            headers.append((b"Content-Length", b"%d" % self._size))
        if reply.media_type:
            headers.append((b"Content-Type", reply.media_type.encode()))
        if self._must_close(reply, waiting):
            headers.append((b"Connection", b"close"))
        return h11.Response(status_code=reply.status, headers=headers, reason=_phrase(reply.status))

    def _must_close(self, reply: Reply, waiting: bool) -> bool:
        """Return whether an answer before the content's end is the last one on this connection."""
        if self._content_over:
            return False
        # A client that waits for 100 may send its content or not (RFC 9110, "Expect"): nobody can tell.
        too_much = self._phase is not Phase.FIXED or self._left > SKIP_BYTES
        return too_much or waiting or reply.stored is not None

    def _answered(self) -> None:
        parser = self._parser
        assert parser is not None
        self._write(parser.send(h11.EndOfMessage()))
        if parser.our_state is h11.MUST_CLOSE:
            self._linger()
        elif self._content_over:
            self._next()

    def _next(self) -> None:
        """Await the next request; it may be here already (pipelining)."""
        busy = self._phase is Phase.BUSY
        self._phase = Phase.HEAD
        self._parser = None
        if busy:
            self._transport.resume_reading()
            pending, self._pending = self._pending, b""
            self._feed(pending)

    def _linger(self) -> None:
        """End our side, and read on until the client has ended its own."""
        self._phase = Phase.LINGER
        self._since = self._hub.clock()
        self._transport.resume_reading()
        if self._transport.can_write_eof():  # TLS cannot: the client knows from Content-Length
            self._transport.write_eof()

    def _be_busy(self) -> None:
        self._phase = Phase.BUSY
        self._transport.pause_reading()

    def _proceed(self) -> None:
        """Do one step of a work, and come back for the next after other connections had their turn."""
        if not isinstance(self._work, Stepwise):
            return
        self._moved = self._hub.clock()
        outcome = self._work.step()
        if outcome is None:
            asyncio.get_running_loop().call_soon(self._proceed)
        else:
            self._work = None
            self._carry_out(outcome)

    def _pump(self) -> None:
        """Send the next piece of a stored upload, and come back for the rest in turn with others."""
        if self._reader is None or self._parser is None:
            return
        self._moved = self._hub.clock()
        if self._sent < self._size:
            try:
                piece = self._reader.read(self._from + self._sent, min(READ_BYTES, self._size - self._sent))
            except StoreError as exc:
                LOG.error("%s", exc)
                piece = b""
            if not piece:
                self.abort()  # the head is out, so only a cut can tell that the rest will not come
                return
            self._sent += len(piece)
            self._write(self._parser.send(h11.Data(data=piece)))
            if not self._paused:
                asyncio.get_running_loop().call_soon(self._pump)
        else:
            self._close_reader()
            self._answered()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _write(self, data: bytes | None) -> None:
        if data:
            self._transport.write(data)


_TAKE = {
    Phase.HEAD: Connection._take_head,
    Phase.FIXED: Connection._take_fixed,
    Phase.CHUNKED: Connection._take_chunked,
    Phase.BUSY: Connection._take_busy,
    Phase.LINGER: Connection._take_nothing,
    Phase.CLOSED: Connection._take_nothing,
}


def _phrase(status: int) -> bytes:
    return (_PHRASES.get(status) or HTTPStatus(status).phrase).encode()


def _head(request: h11.Request, scheme: str) -> tuple[Head, bool]:
    """Return the head as the core takes it, and whether the content is chunked."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in request.headers:  # h11 gives names in lower case
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    chunked = "transfer-encoding" in fields
    length = None if chunked else int(fields.get("content-length", "0"))
    target = request.target.decode("latin-1")
    return Head(request.method.decode("ascii"), target, fields, length, scheme), chunked


def _unwelcome(head: Head, version: bytes) -> Reply | None:
    """Return the answer to a request that h11 takes and yet is not for the core."""
    if not version.startswith(b"1."):
        return Reply(505, (("Connection", "close"),), "HTTP/1.1 is spoken here")
    if "transfer-encoding" in head.fields and "content-length" in head.fields:
        # RFC 9112, "Transfer-Encoding": both together smell of request smuggling
        return Reply(400, (("Connection", "close"),), "both Transfer-Encoding and Content-Length")
    if head.method == "CONNECT":
        return Reply(405, (("Allow", "OPTIONS"), ("Connection", "close")), "this is no proxy")
    return None
