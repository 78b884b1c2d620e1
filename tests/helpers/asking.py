"""Asks the reference server's core, without any I/O, as a client would."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.servers.reference.core import Core
from simulator.servers.reference.messages import Head, Later, Reply
from simulator.servers.reference.misbehave import habits
from simulator.servers.reference.receiving import Receiving, Step, Stepwise
from simulator.servers.reference.resource import Limits
from simulator.servers.reference.storage import Store

OFFSET_TYPE = "application/offset+octet-stream"


class Asker:
    """A core over *store*, a clock that stands at ``now`` until it is moved, and ids that count up."""

    def __init__(
        self,
        store: Store,
        *,
        max_size: int | None = None,
        expires: float | None = None,
        max_append: int | None = None,
        misbehave: Sequence[str] = (),
        whole_urls: bool = False,
    ) -> None:
        self.store = store
        self.limits = Limits(max_size, expires, max_append, whole_urls=whole_urls)
        self.habits = habits(misbehave)
        self.now = 1_000_000.0
        self._ids = 0
        self.core = Core(store, self.limits, self.habits)

    def restart(self) -> None:
        """Begin anew over the same store, as after kill -9: nothing in flight is told of its end."""
        self.core = Core(self.store, self.limits, self.habits)

    def begin(self, method: str, target: str, length: int | None = 0, **fields: str | int) -> Step:
        """Begin a request; ``upload_offset=3`` is the field ``upload-offset: 3``."""
        named = {name.replace("_", "-"): str(value) for name, value in fields.items()}
        if target.startswith("/files"):
            named.setdefault("tus-resumable", "1.0.0")
        self._ids += 1
        return self.core.begin(Head(method, target, named, length), self.now, f"{self._ids:032x}")

    def ask(self, method: str, target: str, content: bytes = b"", **fields: str | int) -> Reply:
        """Make a whole request, the content byte by byte."""
        step = self.begin(method, target, len(content), **fields)
        if isinstance(step, Receiving):
            step = self.give(step, content) or step.end(self.now)
        return finish(step)

    def give(self, step: Step, content: bytes) -> Reply | None:
        """Give *content* to a request byte by byte; return the answer if there is one before the end."""
        assert isinstance(step, Receiving)
        for at in range(len(content)):
            reply = step.data(content[at : at + 1], self.now)
            if reply is not None:
                return reply
        return None

    def create(self, length: int = 10, content: bytes = b"", **fields: str | int) -> str:
        """Make a tus upload and return its path."""
        if content:
            fields["content_type"] = OFFSET_TYPE
        reply = self.ask("POST", "/files/", content, upload_length=length, **fields)
        assert reply.status == 201, reply
        return field(reply, "Location") or ""

    def patch(self, path: str, offset: int, content: bytes, **fields: str | int) -> Reply:
        """Append *content* at *offset*."""
        return self.ask("PATCH", path, content, upload_offset=offset, content_type=OFFSET_TYPE, **fields)

    def begin_patch(self, path: str, offset: int, length: int | None, **fields: str | int) -> Receiving:
        """Begin to append *length* bytes at *offset*."""
        step = self.begin("PATCH", path, length, upload_offset=offset, content_type=OFFSET_TYPE, **fields)
        assert isinstance(step, Receiving), step
        return step

    def offset(self, path: str) -> int:
        """Return what HEAD says of *path*."""
        reply = self.ask("HEAD", path)
        assert reply.status == 200, reply
        return int(field(reply, "Upload-Offset") or "")

    def get(self, path: str) -> bytes:
        """Return the bytes that GET would send."""
        reply = self.ask("GET", path)
        assert reply.status == 200, reply
        assert reply.stored is not None
        reader = self.store.reader(reply.stored)
        content = reader.read(0, reply.size + 1)[: reply.size]
        reader.close()
        return content


def finish(step: Step) -> Reply:
    """Carry a work to its end, and wait for what is held back; no content must be awaited."""
    outcome: Step | None = step
    while isinstance(step, Stepwise) and not isinstance(outcome, Reply | Later):
        outcome = step.step()
    if isinstance(outcome, Later):
        outcome = outcome.reply
    assert isinstance(outcome, Reply), step
    return outcome


def field(reply: Reply, name: str) -> str | None:
    """Return the field *name* of *reply*, None when absent; a doubled one fails."""
    values = [value for key, value in reply.headers if key.lower() == name.lower()]
    assert len(values) < 2, reply
    return values[0] if values else None
