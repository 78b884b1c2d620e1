"""How long each interruption kept an upload from going on, and what the time went into.

    fault        notice                                            resumes
    |-- detect --|-- back-off --|-- reconnect --|-- query --|-- resend --|      (or blocked: 423, 409 ...)

A recovery begins with a cut request and ends when the first new byte of the representation arrives.
Further requests that are cut or refused before that belong to the same recovery: the time in which
a cut one was noticed counts as *detect*, a refusal for now as *blocked*, and any other whole answer
that brings no byte (a query, a new creation) as *query*.

No server says when it stored the first new byte, short of interim answers. So the end is the
earliest interim answer with a greater offset, or else the instant at which the link's own timeline
carries the first body byte of the resuming request to the server (after its head, and after the
connection's round trip where the engine plays it); without a timeline it is when the resuming
request could begin to send.

Where parts of an upload go side by side, each is watched by itself: a fault that cuts four of them makes
four interruptions, each with a recovery of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from simulator.measure import figures
from simulator.measure.carried import Passage
from simulator.measure.dataset import Dataset
from simulator.measure.logs import LinkLog, Strand, UploadLog
from simulator.measure.models import Number
from simulator.records import Fault, Why
from simulator.weather.faults import FAULTS, New, Old, Shape

PARTS = ("detect", "backoff", "reconnect", "query", "blocked", "resend")
FOR_NOW = frozenset({409, 423, 429, 503})  # answers that refuse for now
UNKNOWN = "unknown"
ROUND_TRIP_BY_ENGINE = "embedded"  # this engine makes each new connection wait one more round trip


@dataclass(frozen=True)
class Recovery:
    """One interruption and what followed. ``resumed`` is None when the upload never went on.

    ``fault`` is the kind that struck, ``unknown`` when no record of one fits; ``parts`` are seconds.
    """

    arm: str
    user: int
    upload: int
    fault: str
    began: float
    resumed: float | None
    parts: dict[str, float]

    @property
    def total(self) -> float | None:
        """Seconds from the fault to the first new byte; None when there was none."""
        return None if self.resumed is None else self.resumed - self.began


def recoveries(data: Dataset) -> dict[str, list[Recovery]]:
    """Return the recoveries of every arm, by arm."""
    embedded = data.plan.engine == ROUND_TRIP_BY_ENGINE
    plain = {arm.name for arm in data.arms if arm.protocol == "plain"}
    return {
        arm.name: [
            recovery
            for upload in data.uploads[arm.name]
            for strand in upload.strands
            for recovery in _Watch(upload, strand, data.link_of(upload), embedded, arm.name in plain).run()
        ]
        for arm in data.arms
    }


def recovery_numbers(found: Sequence[Recovery]) -> dict[str, Number]:
    """Return the median recovery and the median of each part, over the interruptions that ended."""
    ended = [item for item in found if item.resumed is not None]
    method = _method(found, ended)
    nothing = "no interruption was recovered from"
    rows = [(item.total, item.user) for item in ended if item.total is not None]
    numbers = {"recovery": figures.median(rows, "s", nothing, method)}
    for part in PARTS:
        rows = [(item.parts[part], item.user) for item in ended]
        numbers[f"recovery_{part}"] = figures.median(rows, "s", nothing, method)
    return numbers


def _method(found: Sequence[Recovery], ended: Sequence[Recovery]) -> str:
    guessed = sum(item.fault == UNKNOWN for item in ended)
    return figures.said(
        "first new byte by interim answer or the link's timeline",
        f"{guessed} of {len(ended)} begun at the last moved byte, for want of a fault's record"
        if guessed
        else "",
        f"{len(found) - len(ended)} never recovered and left out" if len(found) > len(ended) else "",
    )


@dataclass
class _Open:
    """A recovery while it lasts."""

    fault: str
    began: float
    noticed: float
    parts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))


class _Watch:
    """Goes through requests of one upload that went one after another and finds their recoveries."""

    def __init__(self, upload: UploadLog, strand: Strand, link: LinkLog, embedded: bool, plain: bool) -> None:
        self._upload = upload
        self._strand = strand
        self._link = link
        self._embedded = embedded
        self._plain = plain
        self._interims = [item for item in upload.offsets if item.source == "interim"]
        self._open: _Open | None = None
        self._found: list[Recovery] = []

    def run(self) -> list[Recovery]:
        """Return the recoveries in order."""
        if not any(passage.interrupted for passage, _ in self._strand.rows):
            return []
        for passage, kept in self._strand.rows:
            if self._open is not None:
                self._go_on(self._open, passage, kept)
            if self._open is None and passage.interrupted:
                self._begin(passage)
        if self._open is not None:
            self._close(self._open, self._upload.ended if self._upload.finished else None)
        return self._found

    def _begin(self, passage: Passage) -> None:
        fault, began = fault_of(passage, self._link.faults)
        self._open = _Open(fault, began, passage.request.end)
        self._open.parts["detect"] = passage.request.end - began

    def _go_on(self, recovery: _Open, passage: Passage, kept: int | None) -> None:
        request, ready = passage.request, passage.ready
        recovery.parts["reconnect"] += ready - request.t
        if self._progressed(passage, kept):
            resumed = self._resumed(passage)
            recovery.parts["resend"] = resumed - ready
            self._close(recovery, resumed)
        elif request.cause is not None:
            recovery.parts["detect"] += request.end - ready
        elif request.status in FOR_NOW:
            recovery.parts["blocked"] += request.end - ready
        else:
            recovery.parts["query"] += request.end - ready

    def _close(self, recovery: _Open, resumed: float | None) -> None:
        until = self._upload.ended if resumed is None else resumed
        for wait in self._strand.waits:
            if recovery.noticed - 1e-6 <= wait.t < until:
                part = "blocked" if wait.why is Why.BLOCKED else "backoff"
                recovery.parts[part] += min(wait.seconds, until - wait.t)
        upload = self._upload
        self._found.append(
            Recovery(
                upload.arm,
                upload.user,
                upload.upload,
                recovery.fault,
                recovery.began,
                resumed,
                recovery.parts,
            )
        )
        self._open = None

    def _progressed(self, passage: Passage, kept: int | None) -> bool:
        """Return whether *passage* brought a new byte to the server."""
        request = passage.request
        if not passage.attempt or not passage.carried or passage.late:
            return False
        if request.cause is None:
            return request.status is not None and request.status < 400
        return self._plain or kept is None or kept > request.start

    def _resumed(self, passage: Passage) -> float:
        """Return when the first new byte arrived; see the module's head for how it is known."""
        request, ready = passage.request, passage.ready
        said = (item.t for item in self._interims if item.n == request.n and item.offset > request.start)
        first = min(said, default=request.end)
        return max(ready, min(first, request.end, self._arrival(passage, ready)))

    def _arrival(self, passage: Passage, ready: float) -> float:
        timeline, request = self._link.timeline, passage.request
        if timeline is None:
            return ready
        t0 = max(0.0, ready - self._link.start)
        if request.fresh and self._embedded:
            t0 += 2 * timeline.delay.at(t0)
        left = timeline.uplink.finish(t0, request.head + 1)
        return self._link.start + left + timeline.delay.at(left)


def fault_of(passage: Passage, faults: Sequence[Fault]) -> tuple[str, float]:
    """Return the kind of fault that cut *passage* and when it took hold, in seconds since the run's start.

    That is the first of *faults* (in the order of their instants) that ended connections on this link
    once this one was open; or else the last that held the link still or shut when the request's last
    byte had moved. Where there is no record of either, the instant at which that byte moved.
    """
    request = passage.request
    opened = request.t if passage.connection is None else passage.connection.opened
    moved = request.t if request.moved is None else min(max(request.moved, request.t), request.end)
    first = bisect_left(faults, opened, key=lambda item: item.issued)
    after = bisect_right(faults, request.end, key=lambda item: item.issued)
    struck = next(filter(_breaks, faults[first:after]), None)
    held = (item for item in reversed(faults[:after]) if item.until >= moved and _holds(item))
    found = struck or next(held, None)
    return (UNKNOWN, moved) if found is None else (found.fault, max(found.issued, request.t))


def _breaks(fault: Fault) -> bool:
    kind = FAULTS.get(fault.fault)
    # Of an engine that does not count them, a fault ended whatever was under way.
    return fault.connections != 0 and (kind is None or kind.old is not Old.KEEP)


def _holds(fault: Fault) -> bool:
    kind = FAULTS.get(fault.fault)
    return kind is not None and (kind.shape is Shape.STALL or kind.new is not New.PASS)


def interruptions(uploads: Iterable[UploadLog]) -> int:
    """Return how many attempts the network ended before their end."""
    return sum(passage.interrupted and passage.attempt for upload in uploads for passage in upload.passages)
