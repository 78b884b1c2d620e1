"""One request and its answer through the hop, both ways at once.

    client --h11--> core.take ---> server      a task; the body is forwarded as it comes
    client <--- core.answer <--h11-- server    a task; an answer may come before the body's end

What a script says is raised as ``Ended`` or ``Answered`` and ends both tasks. Where either side ends
its connection without a script's doing, the hop does the same on its other side.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from typing import IO, Any

import h11

from simulator.links.gateway import framing
from simulator.links.gateway.core import Passage
from simulator.links.gateway.verbs import (
    AnswerHead,
    End,
    Fired,
    Forward,
    Head,
    Hold,
    How,
    Pace,
    Pass,
    PassAnswer,
    PassInterim,
    Reply,
    Stall,
    Verb,
)
from simulator.links.gateway.wire import Wire

TICK_S = 0.05  # of a trickle
SPOOL_BYTES = 1 << 20  # of a held request in memory; the rest is on disk

Dial = Callable[[], Awaitable[Wire]]
Tell = Callable[[Passage, Fired], None]


class Ended(Exception):
    """Both connections end."""

    def __init__(self, how: How) -> None:
        self.how = how


class Answered(Exception):
    """The hop answers by itself."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


class ServerGone(Exception):
    """The server takes no more of the request; what it said before is still to be read."""


class Side:
    """One end of the hop: a wire and its HTTP state."""

    def __init__(self, wire: Wire, role: type[h11.CLIENT] | type[h11.SERVER]) -> None:
        self.wire = wire
        self.h11 = h11.Connection(our_role=role, max_incomplete_event_size=framing.MAX_HEAD)

    async def send(self, event: h11.Event) -> None:
        """Send *event*."""
        pieces = self.h11.send_with_data_passthrough(event) or []
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)  # a body of known length is not copied
        if data:
            await self.wire.send(data)

    def reusable(self) -> bool:
        """Return whether both have said all that they had to say, and the next request may come."""
        return set(self.h11.states.values()) == {h11.DONE}


class Lane:
    """One direction's body: where its bytes go, and how fast."""

    def __init__(self, deliver: Callable[[bytes], Awaitable[None]]) -> None:
        self._deliver = deliver
        self.rate: float | None = None  # bytes per second

    async def carry(self, data: bytes) -> None:
        """Send *data* on."""
        if self.rate is None:
            await self._deliver(data)
            return
        step = max(1, int(self.rate * TICK_S))
        for at in range(0, len(data), step):
            piece = data[at : at + step]
            await asyncio.sleep(len(piece) / self.rate)
            await self._deliver(piece)


class Exchange:
    """Carries out one passage. ``run`` returns when both messages are whole."""

    def __init__(self, passage: Passage, client: Side, server: Side | None, dial: Dial, tell: Tell) -> None:
        self.server = server
        self._passage = passage
        self._client = client
        self._dial = dial
        self._tell = tell
        self._now = asyncio.get_running_loop().time
        self._moving = asyncio.Event()
        self._moving.set()
        self._dialled = asyncio.Event()
        self._up, self._down = Lane(self._to_server), Lane(self._to_client)
        self._held: IO[bytes] | None = None
        self._forward: Head | None = None  # of a held request
        self._late: list[tuple[float, AnswerHead]] = []  # 1xx that wait
        self._bodiless = passage.head.method == "HEAD"
        self.client_cut = False  # the client ended its side within its request
        self.answered = False  # the head of an answer is out
        self._closing = False

    async def run(self) -> None:
        """Let request and answer pass. Raises ``Ended``, ``Answered``, ``ConnectionError``."""
        up, down = asyncio.create_task(self._upward()), asyncio.create_task(self._downward())
        watch: asyncio.Task[None] | None = None
        waiting = {up, down}
        try:
            while waiting:
                looked = waiting | ({watch} if watch is not None and not watch.done() else set())
                done, _ = await asyncio.wait(
                    looked, timeout=self._left(), return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    await self._do(self._passage.expire(self._now()), self._up)
                for task in done:
                    task.result()
                waiting -= done
                if self._closing and down.done():
                    return  # the server answered early and is done with this connection
                if up.done() and waiting and watch is None and not self.client_cut:
                    watch = asyncio.create_task(self._watch())
        finally:
            await _cancel([task for task in (up, down, watch) if task is not None])
            if self._held is not None:
                self._held.close()

    def _left(self) -> float | None:
        deadline = self._passage.deadline
        return None if deadline is None else max(0.0, deadline - self._now())

    # towards the server

    async def _upward(self) -> None:
        try:
            await self._request()
        except ServerGone:  # no reason to stop reading: a 413 sent before is the better news
            self._closing = True

    async def _request(self) -> None:
        passage, client = self._passage, self._client
        await self._do(passage.begin(self._now()), self._up)
        while True:
            event = self._next_of_request()
            if event is h11.NEED_DATA:
                if not await self._more(client):
                    self._cut_short()
                    return
            elif isinstance(event, h11.Data):
                await self._do(passage.take(bytes(event.data), self._now()), self._up)
            elif isinstance(event, h11.EndOfMessage):
                await self._end_request(event)
                await self._do(passage.end(self._now()), self._up)
                return
            else:
                raise Ended(How.CLOSE)

    def _next_of_request(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._client.h11.next_event()
        except h11.RemoteProtocolError as error:  # a bad chunk
            raise Answered(framing.own_reply(error.error_status_hint, str(error))) from error

    async def _more(self, side: Side) -> bool:
        """Feed *side* with what comes next; return False at its end."""
        if self._held is not None and side.h11.they_are_waiting_for_100_continue:
            await side.send(h11.InformationalResponse(status_code=100, headers=[]))
        await self._moving.wait()
        data = await side.wire.recv()
        await self._moving.wait()
        if data:
            side.h11.receive_data(data)
            await asyncio.sleep(0)  # a peer faster than we are never blocks us: let others have their turn
        return bool(data)

    def _cut_short(self) -> None:
        """The client ended its side in mid-request: so does the hop."""
        self.client_cut = True
        if self.server is not None:
            self.server.wire.fin()
        else:
            raise Ended(How.CLOSE)

    async def _end_request(self, event: h11.EndOfMessage) -> None:
        if self._held is not None:
            await self._release(self._held)
        await self._say(h11.EndOfMessage(headers=event.headers))

    async def _release(self, held: IO[bytes]) -> None:
        """Forward a held request."""
        assert self._forward is not None
        self._held = None
        with held:
            await self._forward_head(self._forward)
            held.seek(0)
            while piece := held.read(SPOOL_BYTES):
                await self._up.carry(piece)

    async def _forward_head(self, head: Head) -> None:
        if self.server is None:
            self.server = Side(await self._dial(), h11.CLIENT)
        self._dialled.set()
        await self._say(framing.request_event(head))

    async def _say(self, event: h11.Event) -> None:
        assert self.server is not None
        try:
            await self.server.send(event)
        except ConnectionError as error:
            raise ServerGone from error

    async def _to_server(self, data: bytes) -> None:
        await self._moving.wait()
        if self._held is not None:
            self._held.write(data)
            return
        await self._say(h11.Data(data=data))

    async def _watch(self) -> None:
        """Notice a client that leaves while its answer is awaited."""
        data = await self._client.wire.recv()
        if data:
            self._client.h11.receive_data(data)  # the next request, pipelined: no more is read for now
        elif self.server is not None:
            self.server.wire.fin()
            self.client_cut = True

    # towards the client

    async def _downward(self) -> None:
        await self._dialled.wait()
        server, passage = self.server, self._passage
        assert server is not None
        while True:
            event = self._next_answer(server)
            if event is h11.NEED_DATA:
                await self._await_answer(server)
            elif isinstance(event, h11.InformationalResponse):
                await self._do(passage.inform(framing.answer_head(event), self._now()), self._down)
            elif isinstance(event, h11.Response):
                self._closing |= not passage.whole and _last_one(event)
                await self._do(passage.answer(framing.answer_head(event), self._now()), self._down)
            elif isinstance(event, h11.Data):
                await self._do(passage.take_answer(bytes(event.data), self._now()), self._down)
            elif isinstance(event, h11.EndOfMessage):
                await self._end_answer(event)
                return
            else:
                raise Ended(How.CLOSE)

    async def _end_answer(self, event: h11.EndOfMessage) -> None:
        await self._moving.wait()
        plain = self._bodiless or (self._client.h11.their_http_version or b"") < b"1.1"
        await self._client.send(h11.EndOfMessage(headers=[] if plain else event.headers))

    def _next_answer(self, server: Side) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return server.h11.next_event()
        except h11.RemoteProtocolError as error:
            ended = server.h11.trailing_data[1]
            if ended or self.answered:
                raise Ended(How.CLOSE if ended else How.RESET) from error
            raise Answered(framing.own_reply(502, f"the server's answer is not HTTP/1.1: {error}")) from error

    async def _await_answer(self, server: Side) -> None:
        """Feed the server's side; a 1xx that waits goes out when its time has come."""
        if not self._late:
            if not await self._more(server):
                server.h11.receive_data(b"")
            return
        more = asyncio.create_task(self._more(server))
        try:
            while not more.done():
                left = min((due for due, _ in self._late), default=None)
                timeout = None if left is None else max(0.0, left - self._now())
                await asyncio.wait({more}, timeout=timeout)
                await self._send_late(self._now())
        finally:
            await _cancel([more])
        if not more.result():
            server.h11.receive_data(b"")

    async def _send_late(self, until: float) -> None:
        while self._late and self._late[0][0] <= until:
            await self._client.send(framing.interim_event(self._late.pop(0)[1]))

    async def _to_client(self, data: bytes) -> None:
        await self._moving.wait()
        if not self._bodiless:
            await self._client.send(h11.Data(data=data))

    async def _answer(self, head: AnswerHead) -> None:
        await self._moving.wait()
        await self._send_late(float("inf"))
        self.answered = True
        event = framing.answer_event(head, close=self._closing)
        if not self._bodiless:
            await self._client.send(event)
            return
        self._client.h11.send(event)  # for its state
        close = self._client.h11.our_state is h11.MUST_CLOSE
        await self._client.wire.send(framing.head_bytes(framing.answer_event(head, close=close)))

    # what the core says

    async def _do(self, verbs: Sequence[Verb], lane: Lane) -> None:
        for verb in verbs:
            await self._one(verb, lane)

    async def _one(self, verb: Verb, lane: Lane) -> None:
        match verb:
            case Pass(data):
                await lane.carry(data)
            case Forward(head):
                await self._begin(head)
            case PassInterim(head, delay):
                await self._interim(head, delay)
            case PassAnswer(head):
                await self._answer(head)
            case Fired():
                self._tell(self._passage, verb)
            case Pace(rate):
                lane.rate = rate
            case Hold():
                self._held = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - until released
            case Stall(seconds):
                await self._stall(seconds)
            case Reply():
                raise Answered(verb)
            case End(how):
                raise Ended(how)

    async def _begin(self, head: Head) -> None:
        if self._held is None:
            await self._forward_head(head)
        else:
            self._forward = head

    async def _interim(self, head: AnswerHead, delay: float) -> None:
        await self._moving.wait()
        if delay or self._late:  # they keep their order
            due = max([self._now() + delay, *(due for due, _ in self._late)])
            self._late.append((due, head))
        else:
            await self._client.send(framing.interim_event(head))

    async def _stall(self, seconds: float) -> None:
        self._moving.clear()
        await asyncio.sleep(seconds)
        self._moving.set()


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """End *tasks*; what they raise then is of no interest."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _last_one(event: h11.Response) -> bool:
    """Return whether the server ends its connection after this answer (RFC 9112, "Persistence")."""
    said = b",".join(value.lower() for name, value in event.headers if name == b"connection")
    return b"close" in said or event.http_version < b"1.1"
