"""The Locust side of the swarm: a user that claims a slot and uploads, and its process's worker.

Importing this patches the process (gevent): only a swarm's own processes and locustfiles do.
"""

from __future__ import annotations

import uuid
from typing import Any

import gevent
import gevent.event
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from simulator.errors import PartDied
from simulator.links.engine import Engine
from simulator.links.engines import make_engine
from simulator.records import Record, Request, dump
from simulator.swarm.events import record_of
from simulator.swarm.hub import HubWaiter
from simulator.swarm.job import Job
from simulator.swarm.session import Session, Workload

CLAIM_TIMEOUT = 30.0  # seconds; the master answers within milliseconds
FLUSH_EVERY = 0.2  # seconds
PUMP_EVERY = 0.1  # seconds between looks at the engine's events


class Worker:
    """One process that runs users: its engine, its batch of records, and its talk with the registrar."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.runner = environment.runner
        self._engine: Engine | None = None
        self._job: Job | None = None
        self._workload: Workload | None = None
        self._pending: dict[str, gevent.event.AsyncResult] = {}
        self._lines: list[str] = []
        self._sessions: set[gevent.Greenlet] = set()
        self._broken = False
        self.runner.register_message("simsim-slot", self._on_slot)
        self.runner.register_message("simsim-close", self._on_close, concurrent=True)
        environment.events.test_stop.add_listener(self._on_test_stop)
        gevent.spawn(self._flush_for_ever)
        gevent.spawn(self._pump_for_ever)

    def prepare(self, engine: str, run: str) -> None:
        """Start the engine now, while this process still has its usual priority to hand down."""
        if self._engine is None:
            self._engine = make_engine(engine, run)

    def run_slot(self) -> None:
        """Claim a slot and run it to its end; do nothing for a surplus user."""
        index = self._claim()
        if index < 0 or self._job is None or self._workload is None:
            return
        self.prepare(self._job.plan.engine, self._job.plan.id)
        assert self._engine is not None
        session = Session(
            self._job,
            self._job.slot(index),
            self._engine,
            workload=self._workload,
            record=self.record,
            waiter=HubWaiter(),
            sleep=gevent.sleep,
        )
        greenlet = gevent.getcurrent()
        self._sessions.add(greenlet)
        try:
            session.run()
            self._done(index)
        except PartDied as error:
            self._break(str(error))
        except Exception as error:  # nobody would end this slot: say why now, not after the last deadline
            self._break(f"a client failed: {error!r}")
            raise
        finally:
            self._sessions.discard(greenlet)

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
        finally:
            del self._pending[claim]

    def _on_slot(self, msg: Any, **_: object) -> None:
        if "job" in msg.data:
            self._job = Job.model_validate_json(msg.data["job"])
            self._workload = Workload(self._job)
        waiting = self._pending.get(msg.data["id"])
        if waiting is not None:
            waiting.set(msg.data["slot"])

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
        gevent.killall(list(self._sessions), block=True, timeout=5)
        engine, self._engine = self._engine, None
        if engine is not None and self._job is not None and not self._broken:
            self._keep(engine.close())
        self._flush()
        self._job = None

    def _flush(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            self.runner.send_message("simsim-records", {"lines": lines})

    def _flush_for_ever(self) -> None:
        while True:
            gevent.sleep(FLUSH_EVERY)
            self._flush()

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
