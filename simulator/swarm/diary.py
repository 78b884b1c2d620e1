"""What one upload leaves on the record: its requests and what came of them, its waits, its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from simulator.protocols.machine import Acknowledged, Breach, Note, Restarted, Send, Wait
from simulator.records import Cause, Offset, Outcome, Record, Request, Upload, Violation
from simulator.records import Wait as WaitRecord
from simulator.transport.exchange import Exchange

Recorder = Callable[[Record], None]


@dataclass(frozen=True)
class Identity:
    """Whose upload it is."""

    user: int
    arm: str
    upload: int


class _Who(TypedDict):
    user: int
    arm: str
    upload: int


@dataclass(frozen=True)
class Serial:
    """Which request it is: its ``number`` in the upload, and the ``part`` that it is of, if any."""

    number: int
    part: int | None


@dataclass(frozen=True)
class Ended:
    """How a request ended: a ``status``, or the ``cause`` for want of one."""

    status: int | None
    cause: Cause | None
    detail: str = ""


class Diary:
    """Writes the records of one upload of *size* bytes; *origin* is the run's zero (monotonic)."""

    def __init__(self, identity: Identity, size: int, record: Recorder, origin: float) -> None:
        self._who = _Who(user=identity.user, arm=identity.arm, upload=identity.upload)
        self._size = size
        self._record = record
        self._origin = origin
        self._requests = 0
        self._interruptions = 0
        self._restarts = 0
        self._started: float | None = None
        self._begun = time.monotonic()

    def begins(self, part: int | None) -> Serial:
        """Return which request it is that begins now."""
        self._requests += 1
        return Serial(self._requests - 1, part)

    @property
    def last(self) -> int:
        """Return the serial number of the request that began last."""
        return self._requests - 1

    def waits(self, t: float, seconds: float, step: Wait, part: int | None) -> None:
        """Put down a wait of *seconds* that begins at *t*, of the whole upload or of one *part*."""
        self._record(WaitRecord(t=t - self._origin, part=part, seconds=seconds, why=step.why, **self._who))

    def interrupted(self) -> None:
        """Count an attempt that ended before its answer was whole."""
        self._interruptions += 1

    def request(self, step: Send, asked: str, seen: Exchange, serial: Serial, ended: Ended) -> None:
        """Put down a request for *step*, for which the URL *asked* was asked."""
        zero = self._origin
        if self._started is None:
            self._started = seen.connected or seen.started or None
        self._record(
            Request(
                t=(seen.started or self._begun) - zero,
                end=time.monotonic() - zero,
                n=serial.number,
                part=serial.part,
                purpose=step.purpose,
                method=step.method,
                target=step.target,
                asked=None if asked == step.target else asked,
                start=step.start,
                length=step.stop - step.start,
                sent=seen.sent,
                head=seen.head,
                received=seen.received,
                port=seen.port,
                fresh=seen.fresh,
                connected=_since(seen.connected, zero),
                moved=_since(seen.moved, zero),
                answered=_since(seen.answered, zero),
                status=ended.status,
                cause=ended.cause,
                detail=ended.detail[:300],
                unsent=seen.unsent,
                **self._who,
            )
        )

    def notes(self, notes: tuple[Note, ...], number: int) -> None:
        """Put down what a machine found worth a record after the request of that *number*."""
        t = time.monotonic() - self._origin
        for note in notes:
            if isinstance(note, Acknowledged):
                told = {"start": note.start, "offset": note.offset, "source": note.source}
                self._record(Offset(t=t, n=number, **told, **self._who))
            elif isinstance(note, Breach):
                evidence = note.evidence[:1000]
                self._record(Violation(t=t, n=number, rule=note.rule, evidence=evidence, **self._who))
            elif isinstance(note, Restarted):
                self._restarts += 1

    def end(self, outcome: Outcome, why: str, location: str | None, sha256: str) -> None:
        """Put down how the upload ended; *sha256* is of the whole, of a completed one."""
        now = time.monotonic()
        self._record(
            Upload(
                t=now - self._origin,
                started=(self._started or self._begun) - self._origin,
                size=self._size,
                sha256=sha256,
                outcome=outcome,
                why=why,
                location=location,
                restarts=self._restarts,
                interruptions=self._interruptions,
                **self._who,
            )
        )


def _since(instant: float | None, zero: float) -> float | None:
    return None if instant is None else instant - zero
