"""Who forwards bytes in a comparison: simsim's engine, the real toxiproxy, haproxy as Debian ships it.

Each is opened with timelines and a target, on free ports of loopback, and says which process does the
work. toxiproxy gets what its users give it, bandwidth and latency both ways as they are at the start,
and no slicer, which simsim's own engine on it adds for smoothness at a price. haproxy cannot shape.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import toxiproxy

from simulator.children import Child
from simulator.links.addresses import address_text
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import EngineEvent, LinkSpec
from simulator.links.toxiproxy import server as toxiproxy_server
from simulator.links.toxiproxy.beside import Patient, by_library, library_for
from simulator.links.toxiproxy.changes import play_of
from simulator.links.toxiproxy.ports import Ports
from simulator.programs import find_program
from simulator.weather.timeline import Timeline
from tests.helpers.loads import Address
from tests.helpers.sinks import dial

PATIENCE = 20.0  # seconds until haproxy must listen, on a busy machine
CONFIG = """\
global
    maxconn 8000
defaults
    mode tcp
    timeout connect 10s
    timeout client 10m
    timeout server 10m
"""
LISTEN = """\
listen link{n}
    bind 127.0.0.1:{port}
    server target {target[0]}:{target[1]}
"""


@dataclass(frozen=True)
class Forwarding:
    """Links that are open. ``pid`` is the process through which the bytes go."""

    addresses: list[Address]
    pid: int
    events: Callable[[float], list[EngineEvent]]


@dataclass(frozen=True)
class Contender:
    """One that forwards. ``shapes`` tells whether it plays timelines; ``missing`` what is not installed."""

    name: str
    open: Callable[[Sequence[Timeline], Address], AbstractContextManager[Forwarding]]
    missing: Callable[[], bool]
    shapes: bool = True


@contextmanager
def _ours(lines: Sequence[Timeline], target: Address) -> Iterator[Forwarding]:
    with EmbeddedEngine() as engine:
        addresses = engine.open([LinkSpec(str(n), "all", line, target) for n, line in enumerate(lines)])
        t0 = time.monotonic()
        for name in addresses:
            engine.start(name, t0)
        yield Forwarding(list(addresses.values()), engine.pid, engine.events)


@contextmanager
def _toxiproxy(lines: Sequence[Timeline], target: Address) -> Iterator[Forwarding]:
    with toxiproxy_server.own() as server:
        assert server.child is not None
        library_for(*server.address)
        api = "http://{}:{}/populate".format(*server.address)
        wanted = [
            {"name": str(n), "listen": "127.0.0.1:0", "upstream": address_text(target), "enabled": True}
            for n in range(len(lines))
        ]
        told = Patient().post(api, json=wanted).json()["proxies"]
        proxies = [toxiproxy.Proxy(**each) for each in told]
        for proxy, line in zip(proxies, lines, strict=True):
            _dress(proxy, line)
        addresses = [("127.0.0.1", int(proxy.listen.rpartition(":")[2])) for proxy in proxies]
        yield Forwarding(addresses, server.child.pid, lambda _: [])


def _dress(proxy: toxiproxy.Proxy, line: Timeline) -> None:
    play = play_of(line)
    for toxic in play.toxics:
        if toxic.type != "slicer":
            attributes = dict(play.first[toxic.name])
            by_library(proxy.add_toxic, type=toxic.type, stream=toxic.stream, attributes=attributes)


@contextmanager
def _haproxy(lines: Sequence[Timeline], target: Address) -> Iterator[Forwarding]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="simsim-haproxy-")))
        ports = Ports("127.0.0.1")
        addresses: list[Address] = [("127.0.0.1", ports.take()) for _ in lines]
        ports.close()  # haproxy does not share a port with a socket that holds it
        listens = (LISTEN.format(n=n, port=port, target=target) for n, (_, port) in enumerate(addresses))
        (folder / "haproxy.cfg").write_text(CONFIG + "".join(listens))
        command = [_haproxy_program() or "haproxy", "-db", "-f", str(folder / "haproxy.cfg")]
        child = stack.enter_context(Child("haproxy", command, folder / "haproxy.log"))
        _listening(child, addresses[-1])
        yield Forwarding(addresses, child.pid, lambda _: [])


def _listening(child: Child, address: Address) -> None:
    """Return once *child* listens on *address*. Raises ``PartDied``, or ``OSError`` when it never does."""
    give_up = time.monotonic() + PATIENCE
    while True:
        child.check()
        try:
            dial(address).close()
            return
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def _haproxy_program() -> str | None:
    return find_program("haproxy") or shutil.which("haproxy", path="/usr/sbin")


OURS = Contender("ours", _ours, lambda: False)
TOXIPROXY = Contender("toxiproxy", _toxiproxy, lambda: find_program(toxiproxy_server.PROGRAM) is None)
HAPROXY = Contender("haproxy", _haproxy, lambda: _haproxy_program() is None, shapes=False)
CONTENDERS = (OURS, TOXIPROXY, HAPROXY)
