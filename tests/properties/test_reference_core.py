"""Whatever is asked of the server in the box, in whatever order: no hole, no double, no lost byte.

A state machine creates, appends, cuts, kills, queries, concatenates and deletes; beside it runs a
dictionary of what must be there. Several requests may hold the same upload: only the newest counts.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.receiving import Receiving
from tests.helpers.asking import Asker, field

LENGTH = 40


@dataclass
class Known:
    """What must be true of one upload: its bytes so far, and how many of them were told to a client."""

    whole: bytes
    arrived: int = 0
    promised: int = 0
    partial: bool = False
    writer: Flight | None = None


@dataclass
class Flight:
    """One append under way."""

    path: str
    step: Receiving
    start: int
    length: int
    checked: bool
    life: int  # of the server: the requests of a killed one are no more
    given: int = 0


class Uploading(RuleBasedStateMachine):
    paths = Bundle("paths")
    flights = Bundle("flights")

    def __init__(self) -> None:
        super().__init__()
        self.asker = Asker(MemoryStore())
        self.known: dict[str, Known] = {}
        self.life = 0

    @rule(
        target=paths,
        seed=st.binary(min_size=1, max_size=4),
        first=st.integers(0, LENGTH),
        partial=st.booleans(),
    )
    def create(self, seed: bytes, first: int, partial: bool) -> str:
        whole = hashlib.sha256(seed).digest() * 2
        concat = {"upload_concat": "partial"} if partial else {}
        path = self.asker.create(LENGTH, whole[:first], **concat)
        self.known[path] = Known(whole[:LENGTH], first, first, partial)
        return path

    @rule(
        target=flights,
        path=paths,
        length=st.integers(0, LENGTH),
        checksum=st.sampled_from(["none", "right", "wrong"]),
    )
    def begin(self, path: str, length: int, checksum: str) -> Flight | None:
        known = self.known.get(path)
        at = self.settle(path)
        if known is None:
            assert self.asker.patch(path, 0, b"").status in (403, 404)
            return None
        length = min(length, LENGTH - at)
        content = known.whole[at : at + length]
        hashed = hashlib.sha1(content if checksum == "right" else content + b"!").digest()
        fields = (
            {"upload_checksum": f"sha1 {base64.b64encode(hashed).decode()}"} if checksum != "none" else {}
        )
        step = self.asker.begin_patch(path, at, length, **fields)
        known.promised = at
        known.writer = Flight(path, step, at, length, checksum != "none", self.life)
        return known.writer

    @rule(flight=flights, count=st.integers(1, LENGTH))
    def give(self, flight: Flight | None, count: int) -> None:
        if flight is None or flight.life != self.life:
            return
        at = flight.start + flight.given
        count = min(count, flight.length - flight.given)
        known = self.known.get(flight.path)
        piece = known.whole[at : at + count] if known is not None else b"?" * count
        if not self.current(flight):
            piece = b"L" * count  # late bytes of an older request: never to be seen again
        assert flight.step.data(piece, self.asker.now) is None
        flight.given += count
        if self.current(flight) and not flight.checked:
            self.known[flight.path].arrived = at + count

    @rule(flight=consumes(flights))
    def finish(self, flight: Flight | None) -> None:
        if flight is None or flight.given < flight.length or not self.current(flight):
            return
        reply = flight.step.end(self.asker.now)
        known = self.known[flight.path]
        known.writer = None
        if reply.status == 204:
            known.arrived = known.promised = flight.start + flight.length
            assert field(reply, "Upload-Offset") == str(known.arrived)
        else:
            assert reply.status == 460
            assert flight.checked

    @rule(flight=consumes(flights))
    def cut(self, flight: Flight | None) -> None:
        if flight is not None and flight.life == self.life:
            flight.step.cut(self.asker.now)
            if self.current(flight):
                self.known[flight.path].writer = None

    @rule()
    def kill(self) -> None:
        self.asker.restart()
        self.life += 1
        for known in self.known.values():
            known.writer = None

    @rule(path=paths)
    def query(self, path: str) -> None:
        if path in self.known:
            self.settle(path)

    @rule(path=paths, offset=st.integers(0, LENGTH), junk=st.binary(max_size=3))
    def append_elsewhere(self, path: str, offset: int, junk: bytes) -> None:
        if path in self.known and offset != self.known[path].arrived:
            self.known[path].writer = None
            reply = self.asker.patch(path, offset, junk)
            assert reply.status == 409
            assert field(reply, "Upload-Offset") == str(self.known[path].arrived)

    @rule(path=consumes(paths))
    def delete(self, path: str) -> None:
        if path in self.known:
            assert self.asker.ask("DELETE", path).status == 204
            del self.known[path]

    @rule(target=paths, parts=st.lists(paths, min_size=1, max_size=3))
    def concatenate(self, parts: list[str]) -> str:
        reply = self.asker.ask("POST", "/files/", upload_concat="final;" + " ".join(parts))
        there = [self.known.get(part) for part in parts]
        if all(one is not None and one.partial and one.arrived == LENGTH for one in there):
            assert reply.status == 201
            final = field(reply, "Location") or ""
            whole = b"".join(one.whole for one in there if one is not None)
            assert self.asker.get(final) == whole
            return final
        assert reply.status in (400, 404)
        return "/files/nothing"

    @invariant()
    def bytes_are_those_that_arrived(self) -> None:
        for path, known in self.known.items():
            stored = bytes(self.store.blobs[path.removeprefix("/files/")])
            assert stored[: known.arrived] == known.whole[: known.arrived]
            assert known.arrived >= known.promised
            if known.writer is not None and known.writer.checked:
                assert known.arrived == known.writer.start

    def teardown(self) -> None:
        for path in self.known:
            self.settle(path)
            if self.known[path].arrived == LENGTH:
                assert self.asker.get(path) == self.known[path].whole

    @property
    def store(self) -> MemoryStore:
        assert isinstance(self.asker.store, MemoryStore)
        return self.asker.store

    def current(self, flight: Flight) -> bool:
        known = self.known.get(flight.path)
        return known is not None and known.writer is flight

    def settle(self, path: str) -> int:
        """Ask for the offset, as a client that resumes does; it must be what arrived."""
        known = self.known.get(path)
        if known is None:
            return 0
        offset = self.asker.offset(path)
        assert offset == known.arrived
        assert offset >= known.promised
        known.promised, known.writer = offset, None
        return offset


TestUploading = Uploading.TestCase
TestUploading.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
