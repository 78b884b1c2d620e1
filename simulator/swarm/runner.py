"""A swarm's own process: Locust as a library, in one of three roles.

    local             one process: registrar and worker
    master            the registrar; waits for its workers, then ramps
    worker            runs users; obeys the master

    python -m simulator.swarm.runner ROLE [--job FILE] [--workers N] [--host H] [--port P]
                                          [--engine E] [--run ID]

Records go to stdout as JSON lines, all else to stderr. Exit status 0 when every slot ended or the run
was cancelled (SIGTERM), 3 when a part died; the last line on stderr then says which.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gevent
import gevent.event
from locust.env import Environment
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, Runner, WorkerRunner

from simulator.swarm.job import Job
from simulator.swarm.patience import GATHER_TIMEOUT
from simulator.swarm.registrar import Registrar, Sink
from simulator.swarm.user import UploadUser, Worker

OPEN_TIMEOUT = 60.0  # seconds for the only process to open its links before the first user starts
CLOSE_TIMEOUT = 15.0  # seconds for all workers to flush and close; an engine may take ten
NICE = 10  # the generator yields to the engine and the server: event lateness p99 falls from 22 to 1 ms


def attach(environment: Environment, sink: Sink, ended: Callable[[str], None]) -> Registrar | None:
    """Make *environment* a part of a swarm, by its runner's role; return the registrar where it lives."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        environment.simsim_worker = Worker(environment)
    if isinstance(runner, WorkerRunner):
        return None
    return Registrar(runner, sink, ended)


def close(environment: Environment, registrar: Registrar) -> None:
    """End all users in order: workers flush and close first, then Locust quits."""
    close_workers(environment, registrar)
    environment.runner.quit()


def close_workers(environment: Environment, registrar: Registrar) -> None:
    """Have every worker end its users, flush its records and close its engine."""
    registrar.close_workers()
    with gevent.Timeout(CLOSE_TIMEOUT, False):
        while not _nodes(environment.runner) <= registrar.closed:
            gevent.sleep(0.02)


def _nodes(runner: Runner) -> set[str]:
    """Return the ids of all that run users; a worker that has died drops out after some seconds."""
    if isinstance(runner, MasterRunner):
        return {node.id for node in runner.clients.all if node.state != STATE_MISSING}
    return {"local"}


def write_lines(lines: list[str]) -> None:
    """Put record lines on stdout, whole and at once."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main(argv: list[str] | None = None) -> int:
    """Run one process of a swarm; return its exit status."""
    asked = _arguments(argv)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    return _worker(asked) if asked.role == "worker" else _leader(asked)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator.swarm.runner")
    parser.add_argument("role", choices=("local", "master", "worker"))
    parser.add_argument("--job", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5557)
    parser.add_argument("--engine", default="embedded", help="of a worker: to start before it has its job")
    parser.add_argument("--run", default="", help="of a worker: the run's id")
    return parser.parse_args(argv)


def _worker(asked: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the master decides
    environment = Environment(user_classes=[UploadUser])
    runner = environment.create_worker_runner(asked.host, asked.port)
    attach(environment, write_lines, lambda _: None)
    environment.simsim_worker.prepare(asked.engine, asked.run)
    os.nice(NICE)
    runner.greenlet.join()
    return 0


def _leader(asked: argparse.Namespace) -> int:
    job = Job.model_validate_json(asked.job.read_bytes())
    environment = Environment(user_classes=[UploadUser])
    over = gevent.event.AsyncResult()

    def ended(cause: str) -> None:
        if not over.ready():
            over.set(cause)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent turns Ctrl-C into one SIGTERM
    gevent.signal_handler(signal.SIGTERM, ended, "")
    if asked.role == "master":
        runner: LocalRunner | MasterRunner = environment.create_master_runner(asked.host, asked.port)
    else:
        runner = environment.create_local_runner()
    registrar = attach(environment, write_lines, ended)
    assert registrar is not None
    registrar.begin(job)
    if isinstance(runner, MasterRunner):
        _gather(runner, asked.workers, ended)
    else:
        environment.simsim_worker.prepare(job.plan.engine, job.plan.id)
        os.nice(NICE)
        _open_links(environment.simsim_worker, job, over.ready)
    if not over.ready():
        runner.start(job.slots, spawn_rate=job.plan.spawn_rate * len(job.plan.arms))
    cause = str(over.get())
    close(environment, registrar)
    if cause:
        sys.stderr.write(f"{cause}\n")
    return 3 if cause else 0


def _open_links(worker: Worker, job: Job, over: Callable[[], bool]) -> None:
    """Open what can be opened before the first user starts; what is left its user opens."""
    give_up = time.monotonic() + OPEN_TIMEOUT
    for _ in worker.open_links(job):
        gevent.sleep(0)  # the order to end may have come
        if over() or time.monotonic() > give_up:
            return


def _gather(runner: MasterRunner, workers: int, ended: Callable[[str], None]) -> None:
    with gevent.Timeout(GATHER_TIMEOUT, False):
        while len(runner.clients.ready) < workers:
            gevent.sleep(0.05)
        return
    ended(f"only {len(runner.clients.ready)} of {workers} workers connected in {GATHER_TIMEOUT:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
