"""The Locust side of the swarm: a user that claims a slot and uploads, and its process's worker.

Importing this patches the process (gevent): only a swarm's own processes and locustfiles do.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.event
import gevent.lock
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from simulator.errors import PartDied, SimsimError
from simulator.links.engine import Engine
from simulator.links.engines import make_engine
from simulator.records import Record, Request, Sample, dump
from simulator.swarm.events import record_of
from simulator.swarm.hub import HubWaiter
from simulator.swarm.job import Job
from simulator.swarm.session import Session, Workload
from simulator.swarm.together import side_by_side

CLAIM_TIMEOUT = 30.0  # seconds; the master answers within milliseconds
FLUSH_EVERY = 0.2  # seconds
PUMP_EVERY = 0.1  # seconds between looks at the engine's events
SAMPLE_EVERY = 1.0  # seconds
KILL_TIMEOUT = 4.0  # seconds for users to leave their last records

log = logging.getLogger(__name__)


class Worker:
    """One process that runs users: its engine, its batch of records, and its talk with the registrar."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.runner = environment.runner
        self._engine: Engine | None = None
        self._starting = gevent.lock.BoundedSemaphore()
        self._job: Job | None = None
        self._workload: Workload | None = None
        self._pending: dict[str, gevent.event.AsyncResult] = {}
        self._lines: list[str] = []
        self._sessions: set[gevent.Greenlet] = set()
        self._opened: dict[int, Session] = {}  # by slot, until its user claims it
        self._broken = False
        self._stall = 0.0  # the longest oversleep of the flush loop since the last sample
        self._due = time.monotonic()  # when the flush loop wakes next
        self.runner.register_message("simsim-slot", self._on_slot)
        self.runner.register_message("simsim-close", self._on_close, concurrent=True)
        environment.events.test_stop.add_listener(self._on_test_stop)
        gevent.spawn(self._flush_for_ever)
        gevent.spawn(self._pump_for_ever)

    def prepare(self, engine: str, run: str) -> None:
        """Start the engine now, while this process still has its usual priority to hand down."""
        self._running_engine(engine, run)

    def _running_engine(self, name: str, run: str) -> Engine:
        with self._starting:  # other users get their turn while it starts
            if self._engine is None:
                self._engine = make_engine(name, run)
            return self._engine

    def open_links(self, job: Job) -> Iterator[None]:
        """Open every link of *job*, one with each step: for the only process, before its first user starts.

        Drawing the weather of a long workload holds up all that the process sends, and reading it holds
        up the engine. A process among several learns by its claims which links are its own.
        """
        self._workload = Workload(job)
        try:
            for index in range(job.slots):
                session = self._opened[index] = self._session(job, index)
                session.open()
                yield
        except PartDied as error:
            self._break(str(error))
        finally:  # nobody has waited for the weather
            self._begin(job)

    def run_slot(self) -> None:
        """Claim a slot and run it to its end; do nothing for a surplus user.

        Whatever fails here ends the run: nobody else would end this slot.
        """
        greenlet = gevent.getcurrent()
        self._sessions.add(greenlet)
        try:
            index = self._claim()
            if index >= 0 and self._job is not None:
                session = self._opened.pop(index, None) or self._session(self._job, index)
                session.run()
                self._done(index)
        except SimsimError as error:
            self._break(str(error))
        except Exception as error:
            log.exception("a client failed")
            self._break(f"a client failed: {error!r}")
        finally:
            self._sessions.discard(greenlet)

    def _session(self, job: Job, index: int) -> Session:
        assert self._workload is not None
        return Session(
            job,
            job.slot(index),
            self._running_engine(job.plan.engine, job.plan.id),
            workload=self._workload,
            record=self.record,
            waiter=HubWaiter(),
            sleep=gevent.sleep,
            together=side_by_side,
        )

    def record(self, record: Record) -> None:
        """Keep *record* for the next batch; a request also shows in Locust's own statistics."""
        self._lines.append(dump(record))
        if isinstance(record, Request):
            self._show(record)

    def _show(self, request: Request) -> None:
        failure = request.cause or (request.status if (request.status or 0) >= 400 else None)
        self.environment.events.request.fire(
            request_type=request.method,
            name=f"{request.arm} {request.purpose}",
            response_time=(request.end - request.t) * 1000,
            response_length=request.sent,
            exception=None if failure is None else RuntimeError(str(failure)),
            context={},
        )

    def _claim(self) -> int:
        claim = uuid.uuid4().hex
        answer = self._pending[claim] = gevent.event.AsyncResult()
        self.runner.send_message("simsim-claim", {"id": claim, "needs_job": self._job is None})
        try:
            return int(answer.get(timeout=CLAIM_TIMEOUT))
        except gevent.Timeout as error:
            raise PartDied(f"the swarm's leader gave no slot within {CLAIM_TIMEOUT:.0f} s") from error
        finally:
            del self._pending[claim]

    def _on_slot(self, msg: Any, **_: object) -> None:
        waiting = self._pending.get(msg.data["id"])
        if waiting is None:  # its user was stopped meanwhile, so it may be of a run that is over
            return
        if "job" in msg.data:
            self._take(Job.model_validate_json(msg.data["job"]))
        waiting.set(msg.data["slot"])

    def _take(self, job: Job) -> None:
        self._workload = Workload(job)
        self._opened.clear()
        self._begin(job)

    def _begin(self, job: Job) -> None:
        """Take *job* for begun: only from now on does it count how long this process stands still."""
        self._job, self._stall, self._due = job, 0.0, time.monotonic() + FLUSH_EVERY

    def _done(self, index: int) -> None:
        self._flush()
        self.runner.send_message("simsim-done", {"slot": index})

    def _break(self, cause: str) -> None:
        if not self._broken:
            self._broken = True
            self._flush()
            self.runner.send_message("simsim-broken", {"cause": cause})

    def _on_test_stop(self, **_: object) -> None:
        self._close()  # by Locust's own ways to end: its run time, its web UI

    def _on_close(self, **_: object) -> None:
        self._close()
        self.runner.send_message("simsim-closed", {})

    def _close(self) -> None:
        with gevent.Timeout(KILL_TIMEOUT, False):
            gevent.killall(list(self._sessions), block=True)
        engine, self._engine = self._engine, None
        if engine is not None:
            self._keep(engine.close())
        self._sample()
        self._flush()
        self._job = None
        self._broken = False

    def _flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            self.runner.send_message("simsim-records", {"lines": lines})

    def _flush_for_ever(self) -> None:
        sample_due = self._due
        while True:
            self._due = time.monotonic() + FLUSH_EVERY
            gevent.sleep(FLUSH_EVERY)
            self._stall = self._stalled()
            if self._due >= sample_due:
                sample_due = self._due + SAMPLE_EVERY
                self._sample()
            self._flush()

    def _stalled(self) -> float:
        return max(self._stall, time.monotonic() - self._due)

    def _sample(self) -> None:
        if self._job is not None:
            t = time.monotonic() - self._job.local_origin()
            part = f"clients-{self.runner.worker_index}"
            self._lines.append(dump(Sample(t=t, part=part, stall=self._stalled())))
        self._stall = 0.0

    def _pump_for_ever(self) -> None:
        while True:
            gevent.sleep(PUMP_EVERY)
            engine = self._engine
            if engine is None or self._broken:
                continue
            try:
                self._keep(engine.events(0))
            except PartDied as error:
                self._break(str(error))

    def _keep(self, events: Any) -> None:
        if self._job is not None:
            origin = self._job.local_origin()
            part = f"engine-{self.runner.worker_index}"
            self._lines.extend(dump(record_of(event, origin, part)) for event in events)


class UploadUser(User):
    """One Locust user: claims a slot, uploads until its workload is over, and stops."""

    @task
    def upload(self) -> None:
        """Run one slot; Locust's ramp may start more users than there are slots."""
        self.environment.simsim_worker.run_slot()
        raise StopUser
