"""The core of the server in the box, played to a machine without sockets; a fate befalls each request.

It takes the fates of ``modelserver``, as far as a real server has them: what it keeps of a cut request
is its own affair, so ``Cut.kept`` is how much reached it, and ``late`` what comes on the old
connection after the next request was answered.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from simulator.protocols.machine import Event, Informational, Interrupted, Response, Send
from simulator.records import Cause
from simulator.servers.reference.google import ENDPOINT as GOOGLE
from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.messages import Head, Reply
from simulator.servers.reference.receiving import Receiving, Step
from tests.helpers.asking import Asker
from tests.helpers.modelserver import Crash, Cut, Fate, Forget, Lost, Part, Refusal, Well

HOST = "127.0.0.1:1080"
ENDPOINTS = {"google": f"http://{HOST}{GOOGLE}"}
OFFSETS = {"tus": f"http://{HOST}/files/", "ietf": f"http://{HOST}/resumable/"}  # these have models as well
FOR_A_WHILE = (503, 502, 429, 500, 408, 504)
PIECE = 100_000  # bytes of one read of a socket: no divisor of anything


class CoreServer:
    """One core over one store in memory; ``asker.restart()`` is kill -9.

    Content comes in reads of *piece* bytes, two seconds apart, so that progress is due to be told.
    """

    def __init__(self, piece: int = PIECE) -> None:
        self.asker = Asker(MemoryStore())
        self._piece = piece
        self._told: list[Event] = []  # the interim answers of the request under way
        self._ids = 0
        self._hanging: tuple[Receiving, bytes] | None = None  # a request whose client is gone, and its rest

    def serve(self, send: Send, body: bytes, fate: Fate) -> list[Event]:
        """Return what the client sees of *send* after *fate* befell it."""
        hanging, self._hanging, self._told = self._hanging, None, []
        event = _FATES[type(fate)](self, send, body, fate)
        if hanging is not None:
            told = list(self._told)
            self._give(hanging[0], hanging[1])  # too late: nobody may ever see these
            self._told = told
        return [*self._told, event]

    def stated(self, send: Send, event: Response | Informational) -> int:
        """Return how many bytes an answer acknowledges."""
        offset = dict(event.headers).get("upload-offset")
        if offset is not None:
            return int(offset)
        if "Content-Range" not in dict(send.headers):  # the drafts need no offset beside a success
            return send.stop if event.status // 100 == 2 and send.has_body else 0
        if event.status in (200, 201) and send.method == "PUT":
            return int(dict(send.headers)["Content-Range"].rpartition("/")[2])
        kept = dict(event.headers).get("range") if event.status == 308 else None
        return 0 if kept is None else int(kept.rpartition("-")[2]) + 1

    def get(self, location: str) -> bytes:
        """Return what is stored there."""
        return self.asker.get(location.removeprefix(f"http://{HOST}"))

    def copies(self, whole: bytes) -> int:
        """Return how often the store holds *whole*."""
        assert isinstance(self.asker.store, MemoryStore)
        return sum(bytes(blob) == whole for blob in self.asker.store.blobs.values())

    # Fates

    def _well(self, send: Send, body: bytes, _fate: Fate) -> Event:
        reply = self._whole(send, body)
        headers = tuple((name.lower(), value) for name, value in reply.headers)
        return Response(reply.status, headers, len(body), reply.body)

    def _lost(self, send: Send, body: bytes, _fate: Fate) -> Event:
        self._whole(send, body)
        return Interrupted(Cause.CLOSED, len(body))

    def _cut(self, send: Send, body: bytes, fate: Fate) -> Event:
        """Leave a request half done; with something ``late`` the server does not learn of its end."""
        assert isinstance(fate, Cut)
        arrived = fate.arrived % (len(body) + 1)
        taken = arrived + fate.ahead % (len(body) - arrived + 1)
        reached = fate.kept % (arrived + 1)
        step = self._part(send, body[:reached])
        late = body[reached : reached + fate.late % (arrived - reached + 1)]
        if isinstance(step, Receiving):
            if late:
                self._hanging = step, late
            else:
                step.cut(self.asker.now)
        return Interrupted(Cause.RESET, taken)

    def _refusal(self, send: Send, body: bytes, fate: Fate) -> Event:
        assert isinstance(fate, Refusal)
        step = self._part(send, body[: fate.kept % (len(body) + 1)])
        if isinstance(step, Receiving):
            step.cut(self.asker.now)
        return Response(FOR_A_WHILE[fate.which % len(FOR_A_WHILE)], (), len(body))

    def _crash(self, send: Send, body: bytes, fate: Fate) -> Event:
        assert isinstance(fate, Crash)
        self._part(send, body[: fate.arrived % (len(body) + 1)])
        self.asker.restart()
        return Interrupted(Cause.CLOSED, len(body))

    def _forget(self, send: Send, body: bytes, fate: Fate) -> Event:
        assert isinstance(fate, Forget)
        self._answer(Send(send.purpose, "DELETE", send.target, send.headers), 0)
        return self._well(send, body, fate)

    # Requests

    def _whole(self, send: Send, body: bytes) -> Reply:
        step = self._answer(send, len(body))
        if isinstance(step, Reply):
            return step
        assert isinstance(step, Receiving)
        reply = self._give(step, body) or step.end(self.asker.now)
        assert isinstance(reply, Reply)
        return reply

    def _part(self, send: Send, body: bytes) -> Step:
        step = self._answer(send, send.stop - send.start)
        if isinstance(step, Receiving):
            self._give(step, body)
        return step

    def _answer(self, send: Send, length: int) -> Step:
        self._ids += 1
        url = urlsplit(send.target)
        assert url.netloc == HOST
        fields = {name.lower(): value for name, value in send.headers} | {"host": HOST}
        target = f"{url.path}?{url.query}" if url.query else url.path
        return self.asker.core.begin(
            Head(send.method, target, fields, length), self.asker.now, f"{self._ids:032x}"
        )

    def _give(self, step: Receiving, content: bytes) -> Reply | None:
        self._tell(step)
        for at in range(0, len(content), self._piece):
            reply = step.data(content[at : at + self._piece], self.asker.now)
            if reply is not None:
                return reply
            self.asker.now += 2
            self._tell(step)
        return None

    def _tell(self, step: Receiving) -> None:
        while (interim := step.interim(self.asker.now)) is not None:
            headers = tuple((name.lower(), value) for name, value in interim.headers)
            self._told.append(Informational(interim.status, headers))


_FATES: dict[type[Fate], Callable[[CoreServer, Send, bytes, Fate], Event]] = {
    Well: CoreServer._well,
    Lost: CoreServer._lost,
    Cut: CoreServer._cut,
    Refusal: CoreServer._refusal,
    Part: CoreServer._well,  # a real server takes what it is given
    Crash: CoreServer._crash,
    Forget: CoreServer._forget,
}
