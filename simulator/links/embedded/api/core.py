"""One request to its answer. Pure: the world is handed in."""

from __future__ import annotations

from simulator.links.embedded.api import addresses, replies
from simulator.links.embedded.api.collection import Collection, UnknownHost, World
from simulator.links.embedded.api.own import OWN
from simulator.links.embedded.api.refusals import Refusal
from simulator.links.embedded.api.replies import Answer, Later, Reply
from simulator.links.embedded.api.routes import Match, match
from simulator.links.embedded.api.toxiproxy import TOXIPROXY, Endpoint

_ENDPOINTS = {**TOXIPROXY, **OWN}
_STRAYS = {400: "400 Bad Request", 404: "404 page not found\n", 405: ""}


class Api:
    """toxiproxy's API, and simsim's own requests beside it."""

    def __init__(self, world: World) -> None:
        self.collection = Collection(world)

    def handle(self, method: str, target: str, body: bytes, agent: str = "") -> Answer:
        """Return the answer to a request, or what it has to wait for."""
        found = match(method, target)
        if found.status == 301:
            return Reply(301, location=found.location)
        if found.status in _STRAYS:
            return replies.plain(found.status, _STRAYS[found.status])
        if agent.startswith("Mozilla/"):  # a page in a browser must not drive the engine
            return replies.plain(403, "User agent not allowed\n")
        return self._answer(_ENDPOINTS[found.name], found, body, {})

    def _answer(
        self, endpoint: Endpoint, found: Match, body: bytes, hosts: dict[str, str | Refusal]
    ) -> Answer:
        self.collection.hosts = hosts
        try:
            return endpoint(self.collection, found.words, body)
        except Refusal as refusal:
            return replies.refused(refusal)
        except UnknownHost as unknown:
            host = str(unknown)

        def then(ip: object) -> Answer:
            known = str(ip) if isinstance(ip, str) else Refusal(f"lookup {host}: no such host")
            return self._answer(endpoint, found, body, {**hosts, host: known})

        return Later(lambda: addresses.look_up(host), then)
