"""Starts a swarm from a process without Locust, drains its records, and watches its parts.

local (1 worker)      one child: registrar and users
master + N workers    1 + N children; records still come by the master's pipe
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.children import Child
from simulator.errors import PartDied
from simulator.servers.process import free_port
from simulator.swarm.job import Job

FLUSH_GRACE = 20.0  # seconds from the order to end until the leader is gone; its workers get fifteen
WORKERS_GRACE = 2.0  # seconds more until all workers are gone, which obey the leader alone

Sink = Callable[[bytes], None]


class Swarm:
    """The running swarm of *job*; every record line (with its end) is passed to *sink* from a thread.

    ``folder`` takes the job file and the logs. A context manager: leaving it ends all its processes.
    """

    def __init__(self, job: Job, folder: Path, sink: Sink) -> None:
        self._job = job
        self._folder = folder
        self._sink = sink
        self._children: list[Child] = []
        self._trouble: OSError | None = None
        self._drained = threading.Thread(target=self._drain, name="records", daemon=True)

    def __enter__(self) -> Self:
        job_file = self._folder / "job.json"
        job_file.touch(mode=0o600)  # it holds the headers, and may not outlive the run
        job_file.write_text(self._job.model_dump_json())
        workers = self._job.plan.workers
        port = str(free_port("127.0.0.1"))
        plan = self._job.plan
        worker = ["worker", "--engine", plan.engine, "--run", plan.id]
        role = ["local"] if workers == 1 else ["master", "--workers", str(workers), "--port", port]
        try:
            self._start("swarm", [*role, "--job", str(job_file)], stdout=subprocess.PIPE)
            for number in range(workers if workers > 1 else 0):
                self._start(f"worker-{number}", [*worker, "--port", port])
        except BaseException:
            self._stop(0.0)
            raise
        self._drained.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(FLUSH_GRACE if kind is None else 1.0)

    @property
    def parts(self) -> dict[str, int]:
        """Return the process ids of the swarm's own children, by name."""
        return {child.name: child.pid for child in self._children if child.alive()}

    def wait(self, timeout: float) -> bool:
        """Wait up to *timeout* seconds; return whether the swarm has ended and every record has come.

        Raises ``PartDied`` when a part ended by itself, and ``OSError`` when a record could not be kept.
        """
        if self._trouble is not None:
            raise self._trouble
        leader, *workers = self._children
        if not leader.alive():
            self._drained.join()
            return self._ended(leader)
        for worker in workers:
            if not worker.alive() and not leader.wait(1.0):  # at the end, workers may leave first
                raise worker.died()
        self._drained.join(timeout)
        return False

    def cancel(self) -> None:
        """Ask the swarm to end in order: users stop, records are flushed."""
        self._children[0].signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the swarm at once."""
        for child in reversed(self._children):
            child.stop(grace=0.0)

    def _start(self, name: str, arguments: list[str], stdout: int | None = None) -> None:
        command = [sys.executable, "-m", "simulator.swarm.runner", *arguments]
        self._children.append(Child(name, command, self._folder / f"{name}.log", stdout=stdout))

    def _ended(self, leader: Child) -> bool:
        if self._trouble is not None:
            raise self._trouble
        death = leader.died()
        status = leader.stop(grace=0.0)
        if status == 3:
            raise PartDied((leader.last_lines(1) or ["the swarm gave no cause"])[0])
        if status != 0:
            raise death
        return True

    def _drain(self) -> None:
        pipe = self._children[0].stdout
        assert pipe is not None
        with pipe:
            for line in pipe:  # to its end, whatever happens: a pipe that nobody drains blocks the writer
                self._keep(line)

    def _keep(self, line: bytes) -> None:
        if self._trouble is None and line.endswith(b"\n"):  # a killed leader leaves a part of a line
            try:
                self._sink(line)
            except OSError as error:
                self._trouble = error

    def _stop(self, grace: float) -> None:
        (self._folder / "job.json").unlink(missing_ok=True)
        stop_all(self._children[:1], grace)
        stop_all(self._children[1:], WORKERS_GRACE)
        if self._drained.is_alive():
            self._drained.join(5.0)


def stop_all(children: Sequence[Child], grace: float) -> None:
    """End *children*, all told at once; *grace* (seconds) is for all of them together."""
    for child in children:
        child.signal(signal.SIGTERM)
    give_up = time.monotonic() + grace
    for child in children:
        child.stop(max(0.0, give_up - time.monotonic()))
