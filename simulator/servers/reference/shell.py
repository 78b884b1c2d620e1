"""The server on asyncio: it listens, sweeps, and ends in order on SIGINT and SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from simulator.errors import UsageError
from simulator.servers.reference.connection import Connection
from simulator.servers.reference.core import Core
from simulator.servers.reference.habit import Habit
from simulator.servers.reference.hub import Hub
from simulator.servers.reference.resource import Limits
from simulator.servers.reference.storage import StoreError
from simulator.servers.reference.store import DiskStore
from simulator.servers.reference.tls import server_context

BACKLOG = 4096  # a swarm may dial all at once, after an outage that heals for everyone
_SWEEP_S = (0.05, 5.0)  # shortest and longest time between two looks for what stands still


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve. ``port`` 0 lets the kernel choose; ``idle_s`` in seconds.

    With a ``certificate`` (PEM, its chain after it) it is https; ``key`` of None is in the same file.
    """

    host: str
    port: int
    directory: Path
    fsync: bool = False
    limits: Limits = field(default_factory=Limits)
    habits: tuple[Habit, ...] = ()
    idle_s: float = 60.0
    certificate: Path | None = None
    key: Path | None = None


def run(options: Options, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; *ready* is given the server's URL once it listens.

    Raises ``UsageError`` when the directory or the address cannot be had, or the certificate not be used.
    """
    tls = server_context(options.certificate, options.key)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    _allow_many_files()
    try:
        store = DiskStore(options.directory, fsync=options.fsync)
        core = Core(store, options.limits, options.habits)
    except BlockingIOError as exc:
        raise UsageError("another server uses this directory", where=str(options.directory)) from exc
    except OSError as exc:
        raise UsageError(exc.strerror or str(exc), where=str(options.directory)) from exc
    except StoreError as exc:
        raise UsageError(str(exc), where=str(options.directory)) from exc
    asyncio.run(_serve(core, store, options, tls, ready))


async def _serve(
    core: Core,
    store: DiskStore,
    options: Options,
    tls: ssl.SSLContext | None,
    ready: Callable[[str], None],
) -> None:
    loop = asyncio.get_running_loop()
    hub = Hub(core, store, options.idle_s)
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    try:
        listener = await loop.create_server(
            lambda: Connection(hub),
            options.host,
            options.port,
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else options.idle_s,
        )
    except OSError as exc:
        # asyncio's text names the address and the reason in one line
        raise UsageError(exc.strerror or str(exc), where=f"{options.host}:{options.port}") from exc
    scheme = "http" if tls is None else "https"
    ready(_url(scheme, options.host, listener.sockets[0].getsockname()[1]))
    sweeper = asyncio.create_task(_sweep(hub, options))
    await over.wait()
    sweeper.cancel()
    listener.close()
    for connection in list(hub.connections):
        connection.shut()
    await asyncio.sleep(0)  # let the transports close


async def _sweep(hub: Hub, options: Options) -> None:
    shortest = min(options.idle_s, options.limits.expires or options.idle_s)
    pause = min(max(shortest / 4, _SWEEP_S[0]), _SWEEP_S[1])
    while True:
        await asyncio.sleep(pause)
        hub.sweep()


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _allow_many_files() -> None:
    """Take all the descriptors there are to be had: each connection and each append needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
