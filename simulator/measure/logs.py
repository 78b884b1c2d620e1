"""What is known of one upload and of one link, closed and in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from simulator.measure.carried import Passage
from simulator.records import Change, Connection, Fault, Integrity, Offset, Outcome, Upload, Violation, Wait
from simulator.weather.timeline import Timeline


@dataclass(frozen=True)
class UploadLog:
    """All that is known of one upload. Times are seconds since the run's start, sizes bytes.

    ``record`` is None when the run was killed before the upload ended; ``size`` is then taken from
    the same upload in another arm, or from the plan, or from the furthest byte that was asked to go.
    """

    arm: str
    user: int
    upload: int
    record: Upload | None
    size: int
    started: float
    ended: float
    passages: tuple[Passage, ...]
    offsets: tuple[Offset, ...]
    waits: tuple[Wait, ...]
    violations: tuple[Violation, ...]
    integrity: Integrity | None

    @property
    def finished(self) -> bool:
        """Whether the client saw the upload completed, whatever was stored."""
        return self.record is not None and self.record.outcome is Outcome.COMPLETED

    @property
    def outcome(self) -> str:
        """completed, failed, censored or corrupted; a corrupted upload is never a completed one."""
        if self.record is None:
            return Outcome.CENSORED.value
        if self.finished and self.integrity is not None and self.integrity.intact is False:
            return "corrupted"
        return self.record.outcome.value

    @property
    def duration(self) -> float:
        """T: seconds from the first byte of the first attempt to the end."""
        return max(0.0, self.ended - self.started)

    @cached_property
    def carried(self) -> int:
        """C: body bytes that left the link's bottleneck, over all attempts."""
        return sum(passage.carried for passage in self.passages)

    @cached_property
    def retransmitted(self) -> int:
        """Body bytes that the link carried more than once: C - P of a finished upload.

        Of an unfinished one, C less what was carried at all: what is certain already.
        """
        if self.finished:
            return self.carried - self.size
        spans = ((item.request.start, item.request.start + item.carried) for item in self.passages)
        return self.carried - covered(spans, self.size)

    @cached_property
    def stored(self) -> int:
        """D: bytes that the server acknowledged, each counted once."""
        return self.size if self.finished else covered((i.start, i.offset) for i in self.offsets)

    @cached_property
    def kept(self) -> tuple[int | None, ...]:
        """For each passage, how far the server turned out to hold it; None when that was never known.

        That is where the next attempt begins, or what a query answers before that: of the same part, where
        parts of the upload went side by side.
        """
        answers = {item.n: item.offset for item in self.offsets if item.source == "query"}
        known: dict[int | None, int | None] = {}
        kept: list[int | None] = []
        for passage in reversed(self.passages):
            request, before = passage.request, known.get(passage.request.part)
            kept.append(before)
            known[request.part] = request.start if passage.attempt else answers.get(request.n, before)
        return tuple(reversed(kept))

    @cached_property
    def strands(self) -> tuple[Strand, ...]:
        """What went one after another: all of the upload, or each of the parts that went side by side.

        Requests that are of no part, such as the one that joins them, are a strand of their own.
        """
        found: dict[int | None, list[tuple[Passage, int | None]]] = {}
        for passage, kept in zip(self.passages, self.kept, strict=True):
            found.setdefault(passage.request.part, []).append((passage, kept))
        return tuple(
            Strand(tuple(rows), tuple(wait for wait in self.waits if wait.part == part))
            for part, rows in found.items()
        )


@dataclass(frozen=True)
class Strand:
    """Requests of one upload that went one after another, each with what the server kept, and their waits."""

    rows: tuple[tuple[Passage, int | None], ...]
    waits: tuple[Wait, ...]

    @property
    def first(self) -> int:
        """Return the first byte of the representation that it carries."""
        return min((passage.request.start for passage, _ in self.rows if passage.attempt), default=0)


def covered(spans: Iterable[tuple[int, int]], size: int | None = None) -> int:
    """Return how many bytes lie in any of *spans* (from, up to), none beyond *size* counted."""
    total = reach = 0
    for start, end in sorted(spans):
        stop = end if size is None else min(end, size)
        total += max(0, stop - max(start, reach))
        reach = max(reach, stop)
    return total


def settled(log: UploadLog) -> UploadLog:
    """Return *log* with each estimate of carried bytes raised to what the server turned out to hold."""
    return replace(log, passages=tuple(map(_settled, log.passages, log.kept)))


def _settled(passage: Passage, kept: int | None) -> Passage:
    if passage.counted or kept is None:
        return passage
    stored = min(passage.request.sent, kept - passage.request.start)
    return replace(passage, carried=max(passage.carried, stored))


@dataclass(frozen=True)
class LinkLog:
    """One user's link in one arm. ``start`` is the timeline's zero, in seconds since the run's start."""

    arm: str
    user: int
    start: float
    timeline: Timeline | None
    faults: tuple[Fault, ...]
    connections: tuple[Connection, ...]
    changes: tuple[Change, ...] = ()
