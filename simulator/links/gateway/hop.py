"""The hop itself: listeners, and one task for each connection. One asyncio loop in a process of its own.

    head -> passage -> exchange -> head ...            keep-alive, on both sides
                          |
                          +-- Answered: the hop's own answer; then keep, FIN and linger, or RST
                          +-- Ended:    RST or FIN both ways, or silence for ever

Each client connection has a connection of its own to the server, so what one side does to its
connection can be done to the other. Nothing is sent twice, and nothing is added to what passes.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import h11

from simulator.links.addresses import address_text
from simulator.links.embedded.kernel import allow_many_files, family, limit_segments, size_buffers
from simulator.links.engine import Address
from simulator.links.gateway import framing
from simulator.links.gateway.core import Core, Passage
from simulator.links.gateway.exchange import Answered, Ended, Exchange, Side
from simulator.links.gateway.verbs import Fired, How, Reply
from simulator.links.gateway.wire import Wire
from simulator.links.sizes import SEGMENT

BACKLOG = 4096  # a swarm may dial all at once, after an outage that heals for everyone
DIAL_S = 10.0
LINGER_IDLE_S, LINGER_S = 5.0, 30.0  # as nginx: lingering_timeout and lingering_time
MOST_SHOWN = 500  # letters of a target in a record

Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Settings:
    """``buffer`` (bytes) sizes each socket buffer and each read; ``tell`` is given every firing."""

    buffer: int
    tell: Tell


class Hop:
    """One listener: a script in front of one server."""

    def __init__(self, core: Core, upstream: Address, settings: Settings) -> None:
        self._core = core
        self._upstream = upstream
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()
        self._frozen: list[Side] = []  # silent for ever, and open
        self._numbers = count()

    @property
    def host(self) -> bytes:
        """Return the server's address as a Host field says it."""
        return address_text(self._upstream).encode()

    async def listen(self, sock: socket.socket) -> None:
        """Accept connections for ever."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, address = await loop.sock_accept(sock)
            except ConnectionError:
                continue  # it went before it was accepted
            client.setblocking(False)
            connection = Connection(self, self._core, Wire(client, self._settings.buffer), address[1])
            task = asyncio.create_task(connection.serve(next(self._numbers)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def dial(self) -> Wire:
        """Return a connection to the server. Raises ``Answered`` with a 502 when there is none to be had."""
        loop = asyncio.get_running_loop()
        sock = socket.socket(family(self._upstream[0]), socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            size_buffers(sock, self._settings.buffer, self._settings.buffer)
            async with asyncio.timeout(DIAL_S):
                await loop.sock_connect(sock, self._upstream)
        except OSError as error:  # TimeoutError is one
            sock.close()
            why = error.strerror or f"no connection within {DIAL_S:g} s"
            raise Answered(
                framing.own_reply(502, f"{self.host.decode()} cannot be reached: {why}")
            ) from error
        except BaseException:
            sock.close()
            raise
        return Wire(sock, self._settings.buffer)

    def tell(self, port: int, passage: Passage | None, step: str, action: str, body: int) -> None:
        """Say that a step fired, or that the hop did something of its own accord (no step)."""
        head = passage.head if passage is not None else None
        self._settings.tell(
            {
                "t": asyncio.get_running_loop().time(),
                "step": step,
                "action": action,
                "method": head.method if head else "",
                "target": head.target[:MOST_SHOWN] if head else "",
                "serial": passage.serial if passage is not None else None,
                "upload": passage.upload if passage is not None else None,
                "body": body,
                "port": port,
            }
        )

    def freeze(self, sides: Sequence[Side]) -> None:
        """Keep connections open, and never touch them again."""
        self._frozen += sides


class Connection:
    """One client's connection."""

    def __init__(self, hop: Hop, core: Core, wire: Wire, port: int) -> None:
        self._hop = hop
        self._core = core
        self._client = Side(wire, h11.SERVER)
        self._server: Side | None = None
        self._port = port
        self._opened = asyncio.get_running_loop().time()
        self._passage: Passage | None = None
        self._frozen = False

    async def serve(self, number: int) -> None:
        """Serve requests until either side, or the script, ends the connection."""
        try:
            while await self._request(number):
                pass
            await self._farewell()
        except Ended as end:
            await self._end(end.how)
        except ConnectionError:
            await self._end(How.RESET)
        except h11.LocalProtocolError as error:  # what came, or what a step made of it, cannot be said
            self._hop.tell(self._port, self._passage, "", f"reset: {error}", 0)
            await self._end(How.RESET)
        finally:
            for side in self._sides():
                side.wire.close()

    def _sides(self) -> list[Side]:
        return [] if self._frozen else [side for side in (self._client, self._server) if side is not None]

    async def _request(self, number: int) -> bool:
        """Let one request pass; return whether another may follow."""
        try:
            event = await self._head()
        except h11.RemoteProtocolError as error:
            return await self._own(framing.own_reply(error.error_status_hint, str(error)))
        if event is None:
            return False
        refused = framing.refusal(event)
        if refused is not None:
            return await self._own(refused)
        head = framing.request_head(event, self._hop.host)
        now = asyncio.get_running_loop().time()
        passage = self._core.arrive(head, connection=number, opened=self._opened, now=now)
        self._passage = passage
        if self._server is not None and not self._server.wire.fresh():
            self._server.wire.close()
            self._server = None
        exchange = Exchange(passage, self._client, self._server, self._hop.dial, self._tell)
        reply: Reply | None = None
        try:
            await exchange.run()
        except Answered as answered:
            reply = answered.reply
        finally:
            self._server = exchange.server
        return self._again(exchange) if reply is None else await self._answer(reply, passage, exchange)

    async def _head(self) -> h11.Request | None:
        """Return the next request, None at the connection's end."""
        while True:
            event = self._client.h11.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is not h11.NEED_DATA:
                return None
            deadline = self._passage.deadline if self._passage is not None else None
            try:
                async with asyncio.timeout_at(deadline):
                    data = await self._client.wire.recv()
            except TimeoutError:
                self._expire()
                continue
            self._client.h11.receive_data(data)

    def _expire(self) -> None:
        """The age that a step set for the connection came while it was idle."""
        assert self._passage is not None
        self._passage.over = False
        for verb in self._passage.expire(asyncio.get_running_loop().time()):
            if isinstance(verb, Fired):
                self._tell(self._passage, verb)
            else:
                raise Ended(getattr(verb, "how", How.CLOSE))

    def _tell(self, passage: Passage, fired: Fired) -> None:
        self._hop.tell(self._port, passage, fired.step, fired.action, fired.body)

    def _again(self, exchange: Exchange) -> bool:
        """Make both sides ready for the next request; return False where the client's cannot be."""
        if exchange.client_cut or not self._client.reusable():
            return False
        self._client.h11.start_next_cycle()
        if self._server is not None and self._server.reusable():
            self._server.h11.start_next_cycle()
        else:
            self._drop_server()
        return True

    def _drop_server(self) -> None:
        if self._server is not None:
            self._server.wire.close()
            self._server = None

    async def _own(self, reply: Reply) -> bool:
        """Answer what cannot be forwarded."""
        self._hop.tell(self._port, None, "", f"status {reply.status}", 0)
        await self._say(reply, close=True, bodiless=False)
        return False

    async def _answer(self, reply: Reply, passage: Passage, exchange: Exchange) -> bool:
        """Answer in the server's place; return whether another request may follow."""
        if not passage.over:
            self._hop.tell(self._port, passage, "", f"status {reply.status}", passage.body)
        self._drop_server()
        client = self._client
        if exchange.answered or client.wire.torn:
            raise Ended(How.RESET)  # a second answer would be taken for a part of the first
        then = reply.then or ("keep" if self._here_whole() else "close")
        if client.h11.they_are_waiting_for_100_continue and then == "keep":
            then = "close"  # nobody can tell whether the content still comes (RFC 9110, "Expect")
        await self._say(reply, close=then != "keep", bodiless=passage.head.method == "HEAD")
        if then == "reset":
            await client.wire.drained()
            raise Ended(How.RESET)
        if then == "close" or not await self._skip_rest() or not client.reusable():
            return False
        client.h11.start_next_cycle()
        return True

    def _here_whole(self) -> bool:
        """Throw away what is here of an answered request; return whether that was the rest of it."""
        try:
            while isinstance(self._client.h11.next_event(), h11.Data):
                pass
        except h11.RemoteProtocolError:
            return False
        return self._client.h11.their_state in (h11.DONE, h11.MUST_CLOSE)

    async def _say(self, reply: Reply, *, close: bool, bodiless: bool) -> None:
        event = framing.answer_event(framing.reply_head(reply), close=close)
        await self._client.send(event)
        if not bodiless and reply.body:
            await self._client.send(h11.Data(data=reply.body))
        await self._client.send(h11.EndOfMessage())

    async def _skip_rest(self) -> bool:
        """Read what is left of an answered request; return False at the client's end."""
        while True:
            if self._here_whole():
                return True
            data = await self._client.wire.recv()
            if not data or self._client.h11.their_state is h11.ERROR:
                return False
            self._client.h11.receive_data(data)

    async def _farewell(self) -> None:
        """FIN both ways, and read on for a while: a close at once would reset what is on its way."""
        self._drop_server()
        await self._linger(self._client.wire)

    async def _linger(self, wire: Wire) -> None:
        wire.fin()
        try:
            async with asyncio.timeout(LINGER_S):
                while True:
                    async with asyncio.timeout(LINGER_IDLE_S):
                        if not await wire.recv():
                            return
        except (TimeoutError, ConnectionError):
            return

    async def _end(self, how: How) -> None:
        if how is How.SILENCE:
            self._hop.freeze(self._sides())
            self._frozen = True
            return
        if self._server is not None:
            await self._server.wire.drained()  # what was forwarded before the cut shall have arrived
        if how is How.RESET:
            for side in self._sides():
                side.wire.reset()
        else:
            await asyncio.gather(*(self._linger(side.wire) for side in self._sides()))


def serve(
    routes: Sequence[tuple[Core, Address, Address]], settings: Settings, ready: Callable[[list[int]], None]
) -> None:
    """Serve until SIGTERM or SIGINT; each route is a script, the server and the address to listen on.

    *ready* is given the ports. Raises ``OSError`` when an address cannot be had.
    """
    allow_many_files()
    asyncio.run(_serve(routes, settings, ready))


async def _serve(
    routes: Sequence[tuple[Core, Address, Address]], settings: Settings, ready: Callable[[list[int]], None]
) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    listeners = [_listener(listen, settings.buffer) for _, _, listen in routes]
    tasks = [
        asyncio.create_task(Hop(core, upstream, settings).listen(sock))
        for (core, upstream, _), sock in zip(routes, listeners, strict=True)
    ]
    ready([sock.getsockname()[1] for sock in listeners])
    ended = asyncio.create_task(over.wait())
    done, _ = await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()  # a listener that failed ends the hop, with its cause


def _listener(address: Address, buffer: int) -> socket.socket:
    sock = socket.socket(family(address[0]), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    size_buffers(sock, buffer, buffer)
    limit_segments(sock, SEGMENT)
    sock.bind(address)
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock
