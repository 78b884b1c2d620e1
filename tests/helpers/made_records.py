"""Made-up runs, told step by step, whose numbers can be worked out by hand.

    run = MadeRun(users=1)
    upload = run.upload("tus", size=1000)
    upload.send(0.0, 1.0, start=0, sent=700, carried=600, cause=Cause.RESET)
    upload.query(1.0, 1.1, offset=500)                        # 100 of the 600 bytes were lost
    upload.send(1.1, 2.1, start=500)                          # a whole answer: all 500 passed
    upload.completed(2.1)
    data = run.dataset()

Every request has a head of HEAD bytes and an answer of ANSWER bytes, and a connection of its own
unless told otherwise. Every link carries 1000 bytes per second without delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.measure.dataset import Dataset
from simulator.measure.redraw import Redrawn
from simulator.records import (
    Arm,
    Cause,
    Connection,
    Fault,
    Integrity,
    Link,
    Offset,
    Outcome,
    Plan,
    Purpose,
    Record,
    Request,
    Run,
    Sample,
    Upload,
    Violation,
    Wait,
    Why,
)
from simulator.weather.timeline import Jitter, RateCurve, StepCurve, Timeline

HEAD = 10
ANSWER = 5
RATE = 8000.0  # bit/s: 1000 bytes per second


def steady(rate: float | None = RATE, delay: float = 0.0) -> Timeline:
    """Return a link that never changes."""
    curve = RateCurve.constant(rate)
    return Timeline(1000.0, curve, curve, StepCurve((0.0,), (delay,)), Jitter(0.0), 65536)


class MadeUpload:
    """One upload, told request by request."""

    def __init__(self, run: MadeRun, arm: str, user: int, upload: int, size: int, started: float) -> None:
        self._run, self._size, self._started = run, size, started
        self._who: dict[str, Any] = {"arm": arm, "user": user, "upload": upload}
        self._n = 0

    def send(
        self,
        t: float,
        end: float,
        *,
        start: int = 0,
        length: int | None = None,
        sent: int | None = None,
        carried: int | None = None,
        cause: Cause | None = None,
        status: int | None = 204,
        fault: str = "client",
        **more: Any,
    ) -> MadeUpload:
        """Tell of one attempt; *carried* of None is all that was sent, -1 that no engine counted it."""
        length = self._size - start if length is None else length
        sent = length if sent is None else sent
        carried = sent if carried is None else carried
        status = None if cause is not None else status
        request = self._request(t, end, Purpose.APPEND, start, length, sent, cause, status, **more)
        if carried >= 0 and request.port is not None:
            self._run.connection(self._who, request.port, t, end, HEAD + carried, fault)
        return self

    def query(
        self,
        t: float,
        end: float,
        *,
        offset: int | None = None,
        cause: Cause | None = None,
        status: int = 200,
        start: int = 0,
        **more: Any,
    ) -> MadeUpload:
        """Tell of one query and the offset it brought, of a part that begins at *start*."""
        n = self._n
        self._request(t, end, Purpose.QUERY, start, 0, 0, cause, None if cause else status, **more)
        if offset is not None:
            self._add(Offset(t=end, n=n, start=start, offset=offset, source="query", **self._who))
        return self

    def final(self, t: float, start: int, offset: int) -> MadeUpload:
        """Tell what the answer to the last request acknowledged."""
        return self._add(Offset(t=t, n=self._n - 1, start=start, offset=offset, source="final", **self._who))

    def interim(self, t: float, offset: int) -> MadeUpload:
        """Tell of an interim answer to the last request."""
        return self._add(Offset(t=t, n=self._n - 1, offset=offset, source="interim", **self._who))

    def wait(self, t: float, seconds: float, why: Why = Why.BACKOFF, part: int | None = None) -> MadeUpload:
        """Tell of a wait."""
        return self._add(Wait(t=t, part=part, seconds=seconds, why=why, **self._who))

    def violation(self, t: float, rule: str) -> MadeUpload:
        """Tell of a breach by the server."""
        return self._add(Violation(t=t, n=0, rule=rule, evidence="offset 7 after 9", **self._who))

    def stored(self, intact: bool | None, copies: int | None = 1) -> MadeUpload:
        """Tell what the server turned out to hold."""
        how = "unverified" if intact is None else "get"
        return self._add(Integrity(t=99.0, how=how, intact=intact, copies=copies, **self._who))

    def completed(self, t: float, restarts: int = 0, location: str | None = None) -> MadeUpload:
        """Tell that the client saw the upload completed."""
        return self._end(t, Outcome.COMPLETED, restarts=restarts, location=location)

    def failed(self, t: float, why: str) -> MadeUpload:
        """Tell that the client gave up."""
        return self._end(t, Outcome.FAILED, why)

    def censored(self, t: float) -> MadeUpload:
        """Tell that the deadline came first."""
        return self._end(t, Outcome.CENSORED, "deadline")

    def _end(
        self, t: float, outcome: Outcome, why: str = "", restarts: int = 0, location: str | None = None
    ) -> MadeUpload:
        record = Upload(
            t=t,
            started=self._started,
            size=self._size,
            sha256="0" * 64,
            outcome=outcome,
            why=why,
            restarts=restarts,
            location=location,
            **self._who,
        )
        return self._add(record)

    def _request(
        self,
        t: float,
        end: float,
        purpose: Purpose,
        start: int,
        length: int,
        sent: int,
        cause: Cause | None,
        status: int | None,
        **more: Any,
    ) -> Request:
        fields: dict[str, Any] = {
            "t": t,
            "end": end,
            "n": self._n,
            "purpose": purpose,
            "method": "PATCH",
            "target": "http://127.0.0.1/files/1",
            "start": start,
            "length": length,
            "sent": sent,
            "head": HEAD,
            "received": ANSWER if cause is None else 0,
            "port": self._run.next_port(),
            "fresh": True,
            "connected": t,
            "status": status,
            "cause": cause,
            **self._who,
        }
        request = Request(**{**fields, **more})
        self._n += 1
        self._add(request)
        return request

    def _add(self, record: Record) -> MadeUpload:
        self._run.add(record)
        return self


class MadeRun:
    """A run under construction. The arms are named as their protocols; ``X/calm`` is the twin of X."""

    def __init__(
        self,
        users: int = 1,
        arms: Sequence[str] = ("plain", "tus"),
        deadline_s: float = 60.0,
        timeline: Timeline | None = None,
        **plan: Any,
    ) -> None:
        self.timeline = steady() if timeline is None else timeline
        self.plan = Plan(
            **{**_PLAN, "users": users, "deadline_s": deadline_s, "arms": list(map(_arm, arms)), **plan}
        )
        self._records: list[Record] = []
        self._ports = 40000

    def upload(
        self, arm: str, *, user: int = 0, upload: int = 0, size: int = 1000, started: float = 0.0
    ) -> MadeUpload:
        """Begin the story of one upload."""
        return MadeUpload(self, arm, user, upload, size, started)

    def link(self, arm: str, user: int, t: float) -> None:
        """Tell when a link's timeline began."""
        self.add(Link(t=t, arm=arm, user=user))

    def fault(
        self,
        kind: str,
        t: float,
        *,
        arm: str,
        user: int = 0,
        until: float | None = None,
        late: float = 0.0,
        connections: int | None = 1,
    ) -> None:
        """Tell of a fault planned for *t* that took hold *late* seconds after."""
        span = t if until is None else until
        self.add(
            Fault(
                t=t,
                until=span,
                user=user,
                arm=arm,
                fault=kind,
                issued=t + late,
                done=t + late,
                connections=connections,
            )
        )

    def sample(self, t: float, part: str, **state: Any) -> None:
        """Tell of the state of one part."""
        self.add(Sample(t=t, part=part, **state))

    def connection(
        self, who: dict[str, Any], port: int, opened: float, t: float, carried_up: int, end: str
    ) -> None:
        """Tell of the end of one connection."""
        self.add(
            Connection(
                t=t,
                opened=opened,
                user=who["user"],
                arm=who["arm"],
                port=port,
                end=end,
                carried_up=carried_up,
                delivered_up=carried_up,
                carried_down=ANSWER,
                delivered_down=ANSWER,
            )
        )

    def add(self, record: Record) -> None:
        """Add a record made elsewhere."""
        self._records.append(record)

    def next_port(self) -> int:
        """Return a local port not used before."""
        self._ports += 1
        return self._ports

    def records(self, status: Any = "finished", causes: Sequence[str] = ()) -> list[Record]:
        """Return the records, from the run's start to its end; a *status* of None leaves the end out."""
        start = Run(t=0.0, event="start", plan=self.plan)
        end = [] if status is None else [Run(t=100.0, event="end", status=status, causes=list(causes))]
        return [start, *self._records, *end]

    def weather(self) -> Redrawn:
        """Return the timelines: the same for every user."""
        lines = dict.fromkeys(range(self.plan.users), self.timeline)
        return Redrawn(windy=lines, calm=lines)

    def dataset(self, status: Any = "finished", causes: Sequence[str] = ()) -> Dataset:
        """Return the run's data set."""
        return Dataset.of(self.records(status, causes), weather=self.weather())


def _arm(name: str) -> Arm:
    protocol, _, calm = name.partition("/")
    return Arm(name=name, protocol=protocol, calm_of=protocol if calm else None)


_PLAN: dict[str, Any] = {
    "id": "made",
    "started": "2026-01-01T00:00:00Z",
    "command": ["simsim", "run"],
    "profile": {"name": "made"},
    "seed": 1,
    "uploads": 1,
    "duration_s": None,
    "spawn_rate": 10.0,
    "size": "1000 B",
    "baseline": "plain",
    "engine": "embedded",
    "server": "reference",
    "server_version": "1",
    "target": "http://127.0.0.1/files/",
    "workers": 1,
    "policy": {},
    "in_flight_bytes": 200,
    "digests": [],
    "versions": {},
    "machine": {},
}
