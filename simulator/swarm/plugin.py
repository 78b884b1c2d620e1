"""The swarm under plain ``locust -f``: its options, and its users in any of Locust's modes.

The registrar lives where Locust decides (the only process, or the master); each start of a test is one
run with a folder of its own. Without ``--host`` the server in the box is started for Locust's lifetime.
"""

from __future__ import annotations

import logging
import sys
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gevent
from locust import events
from locust.env import Environment

from simulator import servers
from simulator.errors import SimsimError, UsageError, refuse_undecodable
from simulator.records import Run
from simulator.servers.server import Target
from simulator.swarm import planning, runner
from simulator.swarm.arms import names
from simulator.swarm.job import Job
from simulator.swarm.planning import Asked
from simulator.swarm.registrar import Registrar
from simulator.swarm.results import RecordFile, create_folder

# Locust has a --profile of its own, so the fault profile is --network here.
OPTIONS: tuple[tuple[str, Any, str], ...] = (
    ("--network", "mobile-flaky", "simsim profile of the links: a shipped name or a TOML file"),
    ("--protocols", "plain,tus", "the arms, such as plain,tus,ietf:6; -u counts clients: users times arms"),
    ("--engine", "embedded", "what makes the links: embedded, toxiproxy, or the URL of a toxiproxy"),
    ("--network-seed", 1, "seed of the weather"),
    ("--upload-size", "", "size of an upload, such as '3 MB'; empty for the profile's"),
    ("--uploads", 0, "uploads per user; 0 for the profile's"),
    ("--deadline", 0.0, "seconds after which an upload is censored; 0 for the profile's"),
    ("--results", "results", "where run folders go"),
    ("--allow-remote", False, "let --host be another machine"),
    ("--ca", "", "PEM file to trust instead of the public authorities, for an https --host"),
    ("--insecure", False, "do not check the certificate of an https --host"),
)
NAMES = {
    **planning.OPTIONS,
    "protocols": "--protocols",
    "users": "-u",
    "spawn_rate": "-r",
    "seed": "--network-seed",
    "size": "--upload-size",
    "against": "--host",
}


def install() -> None:
    """Hook the swarm into Locust's events; called by the locustfile as it is loaded."""
    events.init_command_line_parser.add_listener(_add_options)
    events.init.add_listener(_attach)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request would drown Locust's own


def _add_options(parser: Any) -> None:
    for option, default, words in OPTIONS:
        kind: Any = {"action": "store_true"} if default is False else {"type": type(default)}
        parser.add_argument(option, default=default, help=words, **kind)
    # Locust listens on every interface unless told otherwise; simsim's runs stay on this machine.
    parser.set_defaults(web_host="127.0.0.1", master_bind_host="127.0.0.1")


def _attach(environment: Environment, **_: object) -> None:
    if environment.runner is None:
        return
    leader = _Leader(environment)
    registrar = runner.attach(environment, leader.keep, leader.ended)
    if registrar is None:
        return
    leader.registrar = registrar
    environment.events.test_start.add_listener(leader.begin)
    environment.events.test_stopping.add_listener(leader.stopping)
    environment.events.test_stop.add_listener(leader.stop)
    environment.events.quitting.add_listener(leader.quit)


class _Leader:
    """Begins and ends runs, as Locust's tests begin and end."""

    registrar: Registrar

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._resources = ExitStack()
        self._target: Target | None = None
        self._job: Job | None = None
        self._records: RecordFile | None = None
        self._stopping: RecordFile | None = None

    def begin(self, **_: object) -> None:
        """Plan a run from Locust's options and begin to hand out its slots."""
        self._close_run("interrupted", [])  # its web UI can start a test before the last has ended
        options = self._environment.parsed_options
        try:
            job, folder = self._planned(options)
        except SimsimError as error:  # Locust goes on after an event handler's error, so end it here
            sys.stderr.write(f"simsim: {error}\n")
            self._environment.process_exit_code = error.exit_code
            gevent.spawn(self._environment.runner.quit)
            return
        self._job = job
        self._records = RecordFile(folder)
        self._records.begin(job.plan)
        self.registrar.begin(job)
        sys.stderr.write(f"simsim: {job.plan.users} users x {len(job.plan.arms)} arms; records in {folder}\n")

    def keep(self, lines: list[str]) -> None:
        """Append a batch of records to the run's folder."""
        if self._records is not None:
            for line in lines:
                self._records.line(line.encode() + b"\n")

    def ended(self, cause: str) -> None:
        """End the run: every slot is through, or a part has died."""
        gevent.spawn(self._end, cause)

    def stopping(self, **_: object) -> None:
        """Note which run it is that Locust stops: the next may have begun when it says that it has."""
        self._stopping = self._records

    def stop(self, **_: object) -> None:
        """End a run that Locust stops before every slot is through: its web UI, its run time."""
        if self._records is self._stopping:
            self._close_run("interrupted", [])

    def quit(self, **_: object) -> None:
        """End what is left when Locust ends."""
        self._close_run("interrupted", [])
        self._resources.close()

    def _planned(self, options: Namespace) -> tuple[Job, Path]:
        asked = _asked(options)
        planning.check_words(asked)
        profile = planning.profile_asked(asked)
        planning.check_machine(asked, profile)
        target = self._reach(asked)
        folder = create_folder(Path(options.results), profile.name)
        return planning.make_job(
            asked, planning.make_plan(asked, profile, target, folder.name), target
        ), folder

    def _reach(self, asked: Asked) -> Target:
        target = planning.reach(asked)
        if target is not None:
            return target
        if self._target is None:
            scratch = self._resources.enter_context(TemporaryDirectory(prefix="simsim-"))
            self._target = self._resources.enter_context(servers.start(asked.started, Path(scratch)))
        return self._target

    def _end(self, cause: str) -> None:
        if cause:
            sys.stderr.write(f"simsim: {cause}\n")
            self._environment.process_exit_code = 3
        self._close_run("invalid" if cause else "finished", [cause] if cause else [])
        if self._environment.web_ui is None:
            self._environment.runner.quit()
        else:
            self._environment.runner.stop()

    def _close_run(self, status: Any, causes: list[str]) -> None:
        if self._records is None or self._job is None:
            return
        runner.close_workers(self._environment, self.registrar)
        records, self._records = self._records, None
        if records is None:  # another greenlet has ended the run meanwhile
            return
        with records:
            records.extend([Run(t=planning.elapsed(self._job), event="end", status=status, causes=causes)])


def _asked(options: Namespace) -> Asked:
    refuse_undecodable(sys.argv[1:])
    protocols = names(options.protocols)
    clients, arms = options.num_users or 1, max(1, len(protocols))
    if clients < arms:  # a slot that nobody claims would keep the run from its end
        raise UsageError(
            f"{clients} clients are fewer than the {arms} arms", where="-u", mend=f"-u {arms} or more"
        )
    return Asked(
        profile=options.network,
        protocols=protocols,
        seed=options.network_seed,
        users=clients // arms,
        uploads=options.uploads or None,
        spawn_rate=float(options.spawn_rate or 1),
        size=options.upload_size or None,
        deadline_s=options.deadline or None,
        calm=False,
        engine=options.engine,
        against=options.host or None,
        allow_remote=options.allow_remote,
        ca=Path(options.ca) if options.ca else None,
        insecure=options.insecure,
        command=tuple(sys.argv),
        options=NAMES,
    )
