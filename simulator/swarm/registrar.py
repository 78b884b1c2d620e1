"""The one place of a swarm that hands out slots and gathers records: in Locust's master, or the only process.

    worker -- simsim-claim --> registrar      a Locust user asks for a slot
    worker <-- simsim-slot --- registrar      its index, or -1 for a surplus user; the job, once a worker
    worker -- simsim-records -> registrar     batches of JSON lines
    worker -- simsim-done ---> registrar      a slot has ended
    worker -- simsim-broken -> registrar      a part has died: the run is not valid
    worker <-- simsim-close -- registrar      end what still runs, flush, close the engine
    worker -- simsim-closed -> registrar

A slot is claimed and never computed: Locust spawns finished users again with the next step of its
ramp, and a worker's index need not be dense.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from simulator.swarm.job import Job

Sink = Callable[[list[str]], None]


class Runner(Protocol):
    """What the registrar needs of a Locust runner."""

    def register_message(
        self, msg_type: str, listener: Callable[..., None], concurrent: bool = False
    ) -> None:
        """Call *listener* for each message of that type."""

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Send to one node, or to all."""


class Registrar:
    """Hands out the slots of *job*, passes records to *sink*, and calls *ended* once when all is over.

    *ended* is given "" when every slot has ended, or the cause for which the run is not valid.
    """

    def __init__(self, runner: Runner, sink: Sink, ended: Callable[[str], None]) -> None:
        self._runner = runner
        self._sink = sink
        self._ended = ended
        self._job: Job | None = None
        self._claimed = 0
        self._over = False
        self._done: set[int] = set()
        self.closed: set[str] = set()
        for name in ("claim", "records", "done", "broken", "closed"):
            runner.register_message(f"simsim-{name}", getattr(self, f"_on_{name}"))

    def begin(self, job: Job) -> None:
        """Forget the last job and begin to hand out the slots of *job*."""
        self._job = job
        self._claimed = 0
        self._over = False
        self._done.clear()
        self.closed.clear()

    def close_workers(self) -> None:
        """Tell every worker to end its users, flush and close its engine."""
        self._runner.send_message("simsim-close", {})

    def _on_claim(self, msg: Any, **_: object) -> None:
        job = self._job
        free = job is not None and not self._over and self._claimed < job.slots
        answer: dict[str, Any] = {"id": msg.data["id"], "slot": self._claimed if free else -1}
        if free:
            self._claimed += 1
        if job is not None and msg.data["needs_job"]:
            answer["job"] = job.model_dump_json()
        self._runner.send_message("simsim-slot", answer, msg.node_id)

    def _on_records(self, msg: Any, **_: object) -> None:
        self._sink(msg.data["lines"])

    def _on_done(self, msg: Any, **_: object) -> None:
        self._done.add(msg.data["slot"])
        if self._job is not None and len(self._done) == self._job.slots:
            self._end("")

    def _on_broken(self, msg: Any, **_: object) -> None:
        self._end(msg.data["cause"])

    def _end(self, cause: str) -> None:
        if not self._over:
            self._over = True
            self._ended(cause)

    def _on_closed(self, msg: Any, **_: object) -> None:
        self.closed.add(msg.node_id)
