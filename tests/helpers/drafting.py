"""Asks the server in the box as clients of the IETF draft do, in each of its interop versions."""

from __future__ import annotations

from simulator.servers.reference.messages import Interim, Reply
from simulator.servers.reference.receiving import Receiving, Step
from tests.helpers.asking import Asker, field, finish

ENDPOINT = "/resumable/"
INTEROPS = (3, 4, 5, 6, 7, 8, 9)
MEDIA = "application/partial-upload"


def flag(interop: int, complete: bool) -> dict[str, str | int]:
    """Return the field that says whether an upload ends with this request."""
    if interop == 3:
        return {"upload_incomplete": "?0" if complete else "?1"}
    return {"upload_complete": "?1" if complete else "?0"}


def said(reply: Reply, interop: int) -> bool | None:
    """Return what *reply* says of completeness."""
    value = field(reply, "Upload-Incomplete" if interop == 3 else "Upload-Complete")
    return None if value is None else (value == "?1") != (interop == 3)


class Drafter:
    """A client that speaks *interop* to the core of *asker*; ``interims`` of the last request."""

    def __init__(self, asker: Asker, interop: int) -> None:
        self.asker = asker
        self.interop = interop
        self.interims: list[Interim] = []

    def begin(self, method: str, target: str, length: int | None = 0, **fields: str | int) -> Step:
        """Begin a request in this version."""
        fields = {"upload_draft_interop_version": self.interop, **fields}
        step = self.asker.begin(method, target, length, **fields)
        self.interims = []
        self.drain(step)
        return step

    def drain(self, step: Step) -> None:
        """Take the interim answers that are due."""
        while isinstance(step, Receiving) and (interim := step.interim(self.asker.now)) is not None:
            self.interims.append(interim)

    def carry(self, step: Step, content: bytes) -> Reply:
        """Give all of *content*, and return the answer."""
        if isinstance(step, Receiving):
            reply = None
            for at in range(0, len(content), 1 << 16):
                reply = step.data(content[at : at + (1 << 16)], self.asker.now)
                self.drain(step)
                if reply is not None:
                    return reply
            step = step.end(self.asker.now)
        return finish(step)

    def ask(self, method: str, target: str, content: bytes = b"", **fields: str | int) -> Reply:
        """Make a whole request."""
        return self.carry(self.begin(method, target, len(content), **fields), content)

    def create(self, content: bytes, complete: bool, **fields: str | int) -> Reply:
        """Create an upload with *content*."""
        return self.ask("POST", ENDPOINT, content, **flag(self.interop, complete), **fields)

    def started(self, content: bytes = b"", **fields: str | int) -> str:
        """Create an upload that more is to follow; return its path."""
        reply = self.create(content, False, **fields)
        assert reply.status == 201, reply
        return field(reply, "Location") or ""

    def begin_append(
        self, path: str, offset: int, length: int | None, complete: bool, **fields: str | int
    ) -> Step:
        """Begin to append *length* bytes at *offset*."""
        fields = {"content_type": MEDIA, **flag(self.interop, complete), **fields}
        return self.begin("PATCH", path, length, upload_offset=offset, **fields)

    def append(self, path: str, offset: int, content: bytes, complete: bool, **fields: str | int) -> Reply:
        """Append *content* at *offset*."""
        step = self.begin_append(path, offset, len(content), complete, **fields)
        return self.carry(step, content)

    def query(self, path: str) -> tuple[int, bool | None]:
        """Return the offset and the completeness that a HEAD is told."""
        reply = self.ask("HEAD", path)
        assert reply.status == 204, reply
        assert field(reply, "Cache-Control") == "no-store"
        return int(field(reply, "Upload-Offset") or ""), said(reply, self.interop)
