"""The process of ``simsim engine``: one loop with the API and all its proxies, until a signal."""

from __future__ import annotations

import gc
import json
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

from simulator.errors import UsageError
from simulator.links.addresses import address_text
from simulator.links.embedded import kernel
from simulator.links.embedded.api import addresses
from simulator.links.embedded.api.core import Api
from simulator.links.embedded.api.draw import draw_apart
from simulator.links.embedded.api.http import Server
from simulator.links.embedded.api.live import Ground, LiveProxy
from simulator.links.embedded.api.pacing import Pacer
from simulator.links.embedded.api.records import Proxy
from simulator.links.embedded.api.refusals import Refusal
from simulator.links.embedded.api.replies import Answer, Later, Reply
from simulator.links.embedded.background import Background
from simulator.links.embedded.crossing import Crossing
from simulator.links.embedded.loop import Loop
from simulator.links.embedded.plug import IN, Plug
from simulator.links.engine import Address

WORKERS = 4  # threads for names and drawn timelines


@dataclass(frozen=True)
class Options:
    """What the user asked for. ``config`` is a file with proxies, as for ``/populate``."""

    listen: str
    seed: int
    allow_remote: bool = False
    config: Path | None = None


class World:
    """Makes proxies real on one loop."""

    def __init__(self, ground: Ground, allow_remote: bool) -> None:
        self._ground, self.allow_remote = ground, allow_remote
        self._made: WeakSet[LiveProxy] = WeakSet()
        Pacer(ground.loop, self._crossings)

    def make(self, proxy: Proxy) -> LiveProxy:
        """Return what will make *proxy* real."""
        live = LiveProxy(self._ground, proxy)
        self._made.add(live)
        return live

    def draw(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a drawn timeline. Raises ``Refusal``."""
        return draw_apart(asked)

    def _crossings(self) -> set[Crossing]:
        return {connection.relay for live in self._made for connection in live.connections}


def run(options: Options, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; *ready* is given the API's URL once it listens.

    Raises ``UsageError`` when the address cannot be had or the file cannot be used.
    """
    address, proxies = _address(options.listen), _read(options.config)
    kernel.allow_many_files()
    loop = Loop()
    background = Background(loop, WORKERS)
    api = Api(World(Ground(loop, background, options.seed), options.allow_remote))
    try:
        server = Server(loop, background, api.handle, address)
    except OSError as error:
        background.close()
        where = f"--listen {options.listen}"
        raise UsageError(f"cannot listen there: {error.strerror}", where=where) from None
    try:
        _populate(api, proxies, str(options.config))
        kernel.wake_sharply()
        _end_on_signals(loop)
        gc.freeze()
        ready(f"http://{address_text(server.address)}")
        loop.run()
    finally:
        server.close()
        for proxy in api.collection.proxies.values():
            api.collection.stop(proxy)


def _address(listen: str) -> Address:
    try:
        host, port = addresses.split(listen)
        return addresses.numeric(host or addresses.LOOPBACK) or addresses.look_up(host), port
    except Refusal as refusal:
        raise UsageError(refusal.message, where="--listen", mend="such as 127.0.0.1:8474") from None
    except OSError:
        raise UsageError(
            f"'{host}' has no address", where="--listen", mend="such as 127.0.0.1:8474"
        ) from None


def _read(config: Path | None) -> bytes:
    """Return what to populate with."""
    if config is None:
        return b"[]"
    try:
        return config.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(config)) from None


def _populate(api: Api, proxies: bytes, where: str) -> None:
    reply = _waited_for(api.handle("POST", "/populate", proxies))
    if reply.status != 201:
        mend = 'such as [{"name": "web", "listen": "127.0.0.1:8080", "upstream": "127.0.0.1:80"}]'
        raise UsageError(json.loads(reply.body)["error"], where=where, mend=mend)


def _waited_for(answer: Answer) -> Reply:
    while isinstance(answer, Later):
        try:
            outcome = answer.work()
        except Exception as error:  # as Background does: whoever asked decides what it means
            outcome = error
        answer = answer.then(outcome)
    return answer


def _end_on_signals(loop: Loop) -> None:
    """Stop the loop on SIGINT and SIGTERM; the wake-up descriptor ends its sleep at once."""
    ours, bell = socket.socketpair()
    for end in (ours, bell):
        end.setblocking(False)
    signal.set_wakeup_fd(bell.detach())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: loop.stop())
    Plug(loop, ours, loop.stop, loop.stop).want(IN)
