"""HTTP/1.1 on the loop, by h11: a client asks, has its answer, and only then is read from again.

A client that asks without end, never reads, or stops in the middle holds up nobody: what it sent
waits in its own socket, what it is owed is one answer, and its time is bounded.
"""

from __future__ import annotations

import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import h11

from simulator.links.embedded import kernel
from simulator.links.embedded.api import replies
from simulator.links.embedded.api.refusals import Refusal
from simulator.links.embedded.api.replies import Answer, Later, Reply
from simulator.links.embedded.background import Background
from simulator.links.embedded.listener import Listener
from simulator.links.embedded.loop import Loop
from simulator.links.embedded.plug import IN, OUT, Plug
from simulator.links.engine import Address
from simulator.links.sizes import Buffers

HEAD = 64 * 1024  # bytes of a request's head
BODY = 16 * 1024 * 1024  # bytes of a request's body: 10,000 proxies take 1 MB
READ = 64 * 1024
TURNS = 16  # requests of one client before the others get their turn
IDLE, REQUEST, ANSWER = 60.0, 15.0, 30.0  # seconds between requests, for one, for its answer: toxiproxy's
LINGER = 2.0  # seconds for which a refused client may go on sending, so that it reads why
LOOK = 1.0  # seconds between two looks for clients whose time is over

Handle = Callable[[str, str, bytes, str], Answer]


@dataclass
class Asked:
    """A request that is being read."""

    method: str = ""
    target: str = ""
    agent: str = ""
    body: bytearray = field(default_factory=bytearray)


class Client:
    """One connection to the API."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self._server = server
        self._plug = Plug(server.loop, sock, self._read, self._flush_and_go_on)
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        self._asked = Asked()
        self._owed = False  # an answer is being made or sent
        self._out = memoryview(b"")
        self._parting = False  # nothing that comes is heard any more
        self._gone = False
        self.deadline = monotonic() + IDLE
        self._plug.want(IN)

    def close(self) -> None:
        """Hang up."""
        if not self._gone:
            self._gone = True
            self._plug.leave()
            self._plug.sock.close()
            self._server.clients.discard(self)

    def _read(self) -> None:
        try:
            data = self._plug.sock.recv(READ)
        except BlockingIOError:
            self._plug.want(IN)
            return
        except OSError:
            self.close()
            return
        if self._parting:
            self._plug.want(IN) if data else self.close()
            return
        self._h11.receive_data(data)
        self._go_on()

    def _go_on(self) -> None:
        """Take what was read, until something has to be waited for."""
        for _ in range(TURNS):
            if self._owed or self._gone or self._parting:
                return
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                self._part(replies.plain(error.error_status_hint, "400 Bad Request"))
                return
            if event is h11.NEED_DATA:
                self._need_data()
                return
            self._take(event)
        self._server.loop.at(monotonic(), self._go_on)

    def _need_data(self) -> None:
        if self._h11.they_are_waiting_for_100_continue:
            self._send(self._h11.send(h11.InformationalResponse(status_code=100, headers=[])))
            self._flush_and_go_on()
        self._plug.want(IN)

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Request):
            self._begin(event)
        elif isinstance(event, h11.Data):
            self._asked.body += event.data
            self._bound(len(self._asked.body))
        elif isinstance(event, h11.EndOfMessage):
            self._owed = True
            self.deadline = monotonic() + ANSWER
            self._answer(self._server.ask(self._asked))
        else:  # it hung up, or wants another protocol
            self.close()

    def _begin(self, request: h11.Request) -> None:
        agent = next((value for name, value in request.headers if name == b"user-agent"), b"")
        self._asked = Asked(request.method.decode(), request.target.decode(), agent.decode("latin-1"))
        self.deadline = monotonic() + REQUEST
        length = next((value for name, value in request.headers if name == b"content-length"), b"0")
        self._bound(int(length))

    def _bound(self, nbytes: int) -> None:
        if nbytes > BODY:
            what = Refusal(f"a body may have at most {BODY} bytes", 413)
            self._part(replies.refused(what))

    def _answer(self, answer: Answer) -> None:
        if isinstance(answer, Later):
            then = answer.then
            self._server.background.do(
                answer.work, lambda outcome: self._answer(self._server.go_on(then, outcome))
            )
            return
        if not self._gone:
            self._reply(answer)
            self._flush_and_go_on()

    def _reply(self, reply: Reply) -> None:
        headers = [("Content-Type", reply.kind)] if reply.kind else []
        if reply.kind == replies.TEXT:
            headers.append(("X-Content-Type-Options", "nosniff"))
        if reply.location:
            headers.append(("Location", reply.location))
        if reply.status != 204:
            headers.append(("Content-Length", str(len(reply.body))))
        if self._parting:
            headers.append(("Connection", "close"))
        head = self._h11.send(h11.Response(status_code=reply.status, headers=headers))
        body = (
            self._h11.send(h11.Data(data=reply.body)) if reply.body and self._asked.method != "HEAD" else b""
        )
        self._send(head, body, self._h11.send(h11.EndOfMessage()))

    def _part(self, reply: Reply) -> None:
        """Answer for the last time."""
        self._parting = True
        self.deadline = monotonic() + LINGER
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._reply(reply)
        self._flush_and_go_on()

    def _send(self, *pieces: bytes | None) -> None:
        self._out = memoryview(b"".join((bytes(self._out), *(piece or b"" for piece in pieces))))

    def _flush_and_go_on(self) -> None:
        """Send what is owed; once it is sent, hear the next request."""
        try:
            while self._out:
                self._out = self._out[self._plug.sock.send(self._out) :]
        except BlockingIOError:
            self._plug.want(OUT)
            return
        except OSError:
            self.close()
            return
        if self._parting:
            kernel.send_fin(self._plug.sock)
            self._plug.want(IN)
        elif self._owed:
            self._next()

    def _next(self) -> None:
        if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            self.close()
            return
        self._h11.start_next_cycle()
        self._owed = False
        self.deadline = monotonic() + IDLE
        self._server.loop.at(monotonic(), self._go_on)


class Server:
    """Serves *handle* at *address*. Raises ``OSError`` when it cannot listen there."""

    def __init__(self, loop: Loop, background: Background, handle: Handle, address: Address) -> None:
        self.loop, self.background = loop, background
        self.clients: set[Client] = set()
        self._handle = handle
        self._listener = Listener(loop, Buffers(READ, READ, None), self._accept, address)
        self.address = self._listener.address
        self._look()

    def ask(self, asked: Asked) -> Answer:
        """Return the answer to a request."""
        return self._guarded(lambda: self._handle(asked.method, asked.target, bytes(asked.body), asked.agent))

    def go_on(self, then: Callable[[object], Answer], outcome: object) -> Answer:
        """Return the answer that waited for *outcome*."""
        return self._guarded(lambda: then(outcome))

    def close(self) -> None:
        """Stop listening and hang up."""
        self._listener.close()
        for client in list(self.clients):
            client.close()

    def _guarded(self, answer: Callable[[], Answer]) -> Answer:
        """Answer even where simsim has a bug: those who use the other proxies must not suffer from it."""
        try:
            return answer()
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return replies.refused(Refusal("this is a bug in simsim; its log has the lines to report"))

    def _accept(self, sock: socket.socket, _port: int) -> None:
        self.clients.add(Client(self, sock))

    def _look(self) -> None:
        now = monotonic()
        for client in [client for client in self.clients if client.deadline < now]:
            client.close()
        self.loop.at(now + LOOK, self._look)
