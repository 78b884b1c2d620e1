"""The whole way of a run. ``run`` is the page to read first; each line of it is one room's work."""

from __future__ import annotations

import errno
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simulator import report, servers
from simulator.errors import Interrupted, PartDied, UsageError
from simulator.links.gateway.process import Gateway
from simulator.measure.calibration import Calibration
from simulator.payload import FilePayload, Payload, SeededPayload, payload_name
from simulator.records import Record, Run, Upload, read
from simulator.servers import integrity
from simulator.servers.server import Target
from simulator.swarm import planning
from simulator.swarm.hop import between
from simulator.swarm.job import Job
from simulator.swarm.launch import Swarm
from simulator.swarm.patience import Patience
from simulator.swarm.planning import Asked, elapsed
from simulator.swarm.results import RecordFile, calibration_file, create_folder, point_latest
from simulator.swarm.sampling import Sampler

SAMPLE_EVERY = 0.5  # seconds
LOOK_EVERY = 0.1  # seconds between looks at the health of the parts
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})

Status = Literal["finished", "interrupted", "invalid"]
Watch = Callable[[Record], None]
PayloadOf = Callable[[Upload], Payload]


@dataclass(frozen=True)
class Ended:
    """How a run ended, with the causes of an invalid one, and the folder that it left."""

    status: Status
    causes: tuple[str, ...]
    folder: Path


def run(asked: Asked, results: Path, watch: Watch) -> Ended:
    """Run what was asked and leave everything in a new folder of *results*.

    *watch* sees every record as it comes, from a thread. Raises ``UsageError`` before anything starts.
    """
    planning.check_words(asked)
    profile = planning.profile_asked(asked)
    planning.check_machine(asked, profile)
    planning.check_hop(asked, profile)
    server = server_asked(asked)
    with new_folder(results, profile.name) as folder:
        with server(folder) as target, RecordFile(folder) as records:
            plan = planning.make_plan(asked, profile, target, folder.name)
            plan = plan.model_copy(update={"calibration": calibrated(results, plan.engine)})
            job = planning.make_job(asked, plan, target)
            payload_of = payloads(job)  # before the run: its file may be gone afterwards
            patience = Patience(plan)
            records.begin(plan, watch, patience.see)
            with between(job, folder, records) as (routed, hop):
                status, causes = follow(routed, target, hop, folder, records, patience)
            status = checked(status, job, target, folder, records, payload_of)
            records.extend([Run(t=elapsed(job), event="end", status=status, causes=list(causes))])
        report.write(folder)
        point_latest(folder)
    return Ended(status, causes, folder)


def calibrated(results: Path, engine: str) -> str:
    """Return what the newest calibration of *engine* in *results* found; "" where there is none to read."""
    try:
        return Calibration.model_validate_json(calibration_file(results, engine).read_bytes()).quote()
    except (OSError, ValueError):  # none yet, or one of another version
        return ""


def server_asked(asked: Asked) -> Callable[[Path], AbstractContextManager[Target]]:
    """Return what brings the server up.

    Raises ``UsageError`` when it is not known, does not speak what is asked or does not answer.
    """
    target = planning.reach(asked)
    if target is not None:
        return lambda _: nullcontext(target)
    entry = servers.check_installed(asked.started)
    planning.check_spoken(asked, entry.name, entry.speaks)
    return lambda folder: servers.start(asked.started, folder / "server")


@contextmanager
def new_folder(results: Path, profile: str) -> Iterator[Path]:
    """Yield the run's folder; nothing is left of it when the run could not begin as asked.

    When it cannot be written to (a full disk), or the user has not the patience for its report, what
    was written before stays, and the error says so.
    """
    folder = create_folder(results, profile)
    try:
        yield folder
    except (UsageError, KeyboardInterrupt) as error:
        if not (folder / "run.json").exists():  # nothing had begun; later, records are never thrown away
            shutil.rmtree(folder)
        elif isinstance(error, KeyboardInterrupt):
            raise Interrupted(
                "interrupted before the report was made; the records are kept",
                where=str(folder),
                mend=f"`simsim report {shlex.quote(str(folder))}` makes the report",
            ) from error
        raise
    except OSError as error:
        if not _is_about(folder, error):
            raise
        raise PartDied(
            f"the run ended because its folder cannot be written: {error.strerror}",
            where=str(folder),
            mend="make room, then `simsim report` reads what was kept",
        ) from error


def _is_about(folder: Path, error: OSError) -> bool:
    """Whether *error* came of writing in *folder*: a write to an open file names only its cause."""
    if not isinstance(error.filename, str):
        return error.errno in _NO_ROOM
    return Path(error.filename).absolute().is_relative_to(folder.absolute())


def follow(
    job: Job, target: Target, hop: Gateway | None, folder: Path, records: RecordFile, patience: Patience
) -> tuple[Status, tuple[str, ...]]:
    """Run the swarm to its end, with every record kept; Ctrl-C ends it in order, a second one at once."""
    with Swarm(job, folder / "logs", records.line) as swarm:
        try:
            watch_parts(swarm, job, target, hop, records, patience)
        except KeyboardInterrupt:
            return wind_down(swarm)
        except PartDied as error:
            return "invalid", (str(error),)
    return "finished", ()


def watch_parts(
    swarm: Swarm, job: Job, target: Target, hop: Gateway | None, records: RecordFile, patience: Patience
) -> None:
    """Return when the swarm has ended. Raises ``PartDied`` when it hangs, or a part ended by itself."""
    sampler = Sampler()
    due = 0.0
    while not swarm.wait(LOOK_EVERY):
        if target.child is not None:
            target.child.check()
        if hop is not None:
            hop.check()
        if elapsed(job) >= due:
            due = elapsed(job) + SAMPLE_EVERY
            beside = {"server": target.pid, "hop": hop.child.pid if hop is not None else None}
            known = {name: pid for name, pid in beside.items() if pid is not None}
            records.extend(sampler.sample({**swarm.parts, **known}, elapsed(job)))
        patience.check(elapsed(job))


def wind_down(swarm: Swarm) -> tuple[Status, tuple[str, ...]]:
    """End an interrupted swarm: in order if it can, at once when the user asks again."""
    try:
        swarm.cancel()
        while not swarm.wait(LOOK_EVERY):
            pass
    except KeyboardInterrupt:
        swarm.kill()
    except PartDied as error:
        return "interrupted", (str(error),)
    return "interrupted", ()


def checked(
    status: Status,
    job: Job,
    target: Target,
    folder: Path,
    records: RecordFile,
    payload_of: PayloadOf,
) -> Status:
    """Record what the server stored; Ctrl-C ends that too, with what was found so far."""
    try:
        records.extend([Run(t=elapsed(job), event="check")])
        records.extend(integrity.check(target, uploads(folder), payload_of, elapsed(job)))
    except KeyboardInterrupt:
        return "interrupted"
    return status


def uploads(folder: Path) -> list[Upload]:
    """Return the uploads on record so far."""
    with (folder / "records.jsonl").open("rb") as lines:
        return [record for record in read(lines) if isinstance(record, Upload)]


def payloads(job: Job) -> PayloadOf:
    """Return what tells an upload's bytes again; a file is held open from now on. Raises ``UsageError``."""
    file = None if job.file is None else FilePayload(Path(job.file))

    def payload_of(upload: Upload) -> Payload:
        name = payload_name(job.plan.seed, upload.user, upload.arm, upload.upload)
        return file or SeededPayload(name, upload.size)

    return payload_of
