"""A world in which proxies listen nowhere: for the engine's API alone, without a socket."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from typing import Any

from simulator.links.embedded.api import addresses
from simulator.links.embedded.api.core import Api
from simulator.links.embedded.api.records import Proxy
from simulator.links.embedded.api.refusals import Refusal
from simulator.links.embedded.api.replies import Later, Reply
from simulator.links.engine import Address

TAKEN = 18_999  # a port that somebody else has


class FakeLive:
    """One proxy that is not real."""

    def __init__(self, world: FakeWorld, proxy: Proxy) -> None:
        self._world, self._proxy = world, proxy
        self._address: Address | None = None
        self._asked: Mapping[str, Any] | None = None
        self.followed: list[list[dict[str, Any]]] = []
        self.struck: list[tuple[str, float]] = []

    def open(self, address: Address) -> Address:
        assert self._address is None, "a proxy listens once"
        host, port = address
        self._world.next_port += 1
        wanted = (host, port or self._world.next_port)
        if wanted[1] == TAKEN or wanted in self._world.listening:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        self._world.listening.add(wanted)
        self._address = wanted
        return wanted

    def close(self) -> None:
        assert self._address is not None, "what does not listen cannot be closed"
        self._world.listening.remove(self._address)
        self._address = self._asked = None

    def follow(self) -> None:
        self.followed.append(self._proxy.shown_toxics())

    def strike(self, fault: str, seconds: float) -> tuple[int, int]:
        self.struck.append((fault, seconds))
        return 2, 300

    def counters(self) -> Mapping[str, Any]:
        way = {"received": 3, "carried": 2, "delivered": 1}
        return {"upstream": way, "downstream": way, "connections": {"open": 0, "total": 4}}

    def play(self, timeline: Any, asked: Mapping[str, Any]) -> None:
        assert self._address is not None
        assert timeline == "drawn"
        self._asked = asked

    def playing(self) -> Mapping[str, Any] | None:
        return self._asked

    def calm(self) -> None:
        self._asked = None


class FakeWorld:
    """Where proxies are made and timelines are drawn."""

    def __init__(self, allow_remote: bool = False) -> None:
        self.allow_remote = allow_remote
        self.listening: set[Address] = set()
        self.next_port = 20_000

    def make(self, proxy: Proxy) -> FakeLive:
        return FakeLive(self, proxy)

    def draw(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked["profile"] == "unknown":
            raise Refusal("profile: unknown profile 'unknown'", 400)
        return {"timeline": "drawn", "digest": "d"}


class Desk:
    """Asks the API as a client would, and does at once what an answer waits for."""

    def __init__(self, *, allow_remote: bool = False, hosts: Mapping[str, str] | None = None) -> None:
        self.world = FakeWorld(allow_remote)
        self.api = Api(self.world)
        self._hosts = hosts or {}

    def ask(self, method: str, target: str, body: object = b"", agent: str = "") -> Reply:
        """Return the reply; a *body* that is not bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.api.handle(method, target, raw, agent)
        while isinstance(answer, Later):
            try:
                outcome = self._work(answer)
            except Exception as error:
                outcome = error
            answer = answer.then(outcome)
        return answer

    def told(self, method: str, target: str, body: object = b"") -> tuple[int, Any]:
        """Return the status and the JSON of the answer."""
        reply = self.ask(method, target, body)
        return reply.status, json.loads(reply.body) if reply.body else None

    def live(self, name: str) -> FakeLive:
        live = self.api.collection.proxies[name].live
        assert isinstance(live, FakeLive)
        return live

    def _work(self, answer: Later) -> Any:
        """Do the work, with our own hosts instead of a name server."""
        original = addresses.look_up
        addresses.look_up = self._look_up  # type: ignore[assignment]
        try:
            return answer.work()
        finally:
            addresses.look_up = original

    def _look_up(self, host: str) -> str:
        if host not in self._hosts:
            raise OSError("no such host")
        return self._hosts[host]
