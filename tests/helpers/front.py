"""A front before a server: ends TLS, and gives its Locations another origin, as a proxy set up wrongly does.

with Front(port, tls=context, origin="http://internal:1080") as front:
    run(f"https://localhost:{front.port}/files/")
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import trustme

PLACE = b"\r\nLocation: /"


def server_context(
    authority: trustme.CA, *names: str, asked: list[str | None] | None = None
) -> ssl.SSLContext:
    """Return a server's context for *names*; which host each client asked for is noted in *asked*."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    if asked is not None:
        context.sni_callback = lambda _sock, name, _context: asked.append(name)
    return context


class Front:
    """Passes connections on to 127.0.0.1:*upstream*; *origin* goes before each Location that is a path."""

    def __init__(
        self, upstream: int, *, tls: ssl.SSLContext | None = None, origin: str = "", host: str = "127.0.0.1"
    ) -> None:
        self._upstream, self._tls, self._origin, self._host = upstream, tls, origin, host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.hosts: list[bytes] = []  # the Host of each request's head that came in one piece

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._pass_on, self._host, 0, ssl=self._tls))
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._do(self._end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)

    async def _end_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, to_behind = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            await asyncio.gather(
                self._pump(reader, to_behind, self._note_host), self._pump(behind, writer, self._moved)
            )
        finally:
            for each in (writer, to_behind):
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: object) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(seen(data))  # type: ignore[operator]
                await writer.drain()
        writer.close()

    def _moved(self, data: bytes) -> bytes:
        return data.replace(PLACE, PLACE[:-1] + self._origin.encode() + b"/") if self._origin else data

    def _note_host(self, data: bytes) -> bytes:
        head = data.partition(b"\r\n\r\n")[0]
        self.hosts += [line[6:] for line in head.split(b"\r\n") if line.lower().startswith(b"host: ")]
        return data
