"""What was asked becomes a plan and a job: everything that can be refused is refused here, before a start."""

from __future__ import annotations

import os
import platform
import resource
import socket
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from simulator import __version__
from simulator.errors import UsageError, did_you_mean
from simulator.links import in_flight_allowance
from simulator.links.engines import approximations, check_engine, refuse
from simulator.protocols import PROTOCOLS
from simulator.protocols.policy import Policy
from simulator.records import Arm, Plan
from simulator.servers.server import Endpoint, Target
from simulator.swarm.job import Destination, Job, boot_id
from simulator.weather import Profile, draw, load_profile
from simulator.weather.sizes import parse_sizes

CALM = "/calm"
DESCRIPTORS_A_LINK = 8  # listener, two ends each of a live and a frozen connection, with room to spare
PACKAGES = ("locust", "gevent", "httpx", "h11", "numpy", "scipy")


@dataclass(frozen=True)
class Asked:
    """What the user asked for; None leaves a figure to the profile."""

    profile: str
    protocols: tuple[str, ...] = ("plain", "tus")
    seed: int = 1
    users: int | None = None
    uploads: int | None = None
    duration_s: float | None = None
    spawn_rate: float | None = None
    size: str | None = None
    deadline_s: float | None = None
    piece: int | None = None
    stall_timeout_s: float | None = None
    workers: int = 1
    calm: bool = True
    engine: str = "embedded"
    server: str = "reference"
    against: str | None = None
    allow_remote: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = field(default=())


def names(text: str) -> tuple[str, ...]:
    """Return the words of a comma-separated list, without blanks."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def profile_asked(asked: Asked) -> Profile:
    """Return the profile with what was asked laid over it. Raises ``UsageError``."""
    profile = load_profile(asked.profile)
    _check_figures(asked)
    refuse(asked.engine, profile)
    file = file_asked(asked)
    return profile.with_workload(
        users=asked.users,
        uploads=asked.uploads,
        duration_s=asked.duration_s,
        spawn_rate=asked.spawn_rate,
        size=asked.size if file is None else f"{file.stat().st_size} B",
        deadline_s=asked.deadline_s,
    )


def file_asked(asked: Asked) -> Path | None:
    """Return the file to upload when ``--size`` names one. Raises ``UsageError`` for one that is empty."""
    if asked.size is None or _is_sizes(asked.size):
        return None
    path = Path(asked.size)
    if max(map(len, path.parts), default=0) > 255 or not path.is_file():  # linux/limits.h: NAME_MAX
        return None  # not a file either: the size's own error says what a size looks like
    if path.stat().st_size == 0:
        raise UsageError(
            "the file is empty", where=f"--size {asked.size}", mend="name a file with bytes in it"
        )
    return path.resolve()


def check_words(asked: Asked) -> None:
    """Raise ``UsageError`` for an engine or a protocol that simsim has not, or a protocol named twice."""
    check_engine(asked.engine, allow_remote=asked.allow_remote)
    if not asked.protocols:
        raise UsageError("no protocol is named", where="--protocols", mend=f"one of: {', '.join(PROTOCOLS)}")
    for name in asked.protocols:
        if name not in PROTOCOLS:
            mend = did_you_mean(name, PROTOCOLS)
            raise UsageError(f"there is no protocol '{name}'", where="--protocols", mend=mend)
    if len(set(asked.protocols)) < len(asked.protocols):
        raise UsageError("a protocol is named twice", where="--protocols", mend="name each once")


def make_plan(asked: Asked, profile: Profile, target: Target, run_id: str) -> Plan:
    """Return the plan of the run. Raises ``UsageError`` where the target or the machine cannot follow."""
    workload = profile.workload
    arms = _arms(asked, target)
    _check_descriptors(workload.users * len(arms))
    timelines = [draw(profile, asked.seed, user) for user in range(workload.users)]
    file = file_asked(asked)
    return Plan(
        id=run_id,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=list(asked.command),
        profile=profile.to_dict(),
        seed=asked.seed,
        users=workload.users,
        uploads=0 if workload.duration_s is not None else workload.uploads,
        duration_s=workload.duration_s,
        spawn_rate=workload.spawn_rate,
        size=workload.size if file is None else f"{file.name} ({file.stat().st_size} B)",
        deadline_s=workload.deadline_s,
        arms=arms,
        baseline="plain" if "plain" in asked.protocols else asked.protocols[0],
        engine=asked.engine,
        approximations=approximations(asked.engine, profile),
        server=target.name,
        server_version=target.version,
        target=target.endpoints[asked.protocols[0]].url,
        workers=asked.workers,
        policy=_policy(asked, profile).to_dict(),
        in_flight_bytes=max(in_flight_allowance(timeline) for timeline in timelines),
        digests=[timeline.digest() for timeline in timelines],
        versions=_versions(),
        machine=_machine(),
    )


def make_job(asked: Asked, plan: Plan, target: Target) -> Job:
    """Return the job that a swarm is given; its origin is now."""
    file = file_asked(asked)
    return Job(
        plan=plan,
        destinations={arm.name: _destination(target.endpoints[arm.protocol]) for arm in plan.arms},
        headers=[*target.headers],
        file=None if file is None else str(file),
        origin=time.monotonic(),
        origin_wall=time.time(),
        boot_id=boot_id(),
    )


def longest(plan: Plan) -> float:
    """Return the seconds after which every user's deadline is over, the ramp included."""
    ramp = plan.users / plan.spawn_rate
    each = plan.uploads * plan.deadline_s if plan.duration_s is None else plan.duration_s + plan.deadline_s
    return ramp + each


def elapsed(job: Job) -> float:
    """Return the seconds since the run's zero."""
    return time.monotonic() - job.origin


def _check_figures(asked: Asked) -> None:
    limits = (
        ("--workers", asked.workers, 1, 256),
        ("--seed", asked.seed, 0, 2**63 - 1),
        ("--users", asked.users, 1, 100_000),
        ("--uploads", asked.uploads, 1, 1_000_000),
        ("--spawn-rate", asked.spawn_rate, 0.01, 10_000),
        ("--deadline", asked.deadline_s, 0.1, 86_400 * 7),
        ("--for", asked.duration_s, 0.1, 86_400 * 7),
        ("--stall-timeout", asked.stall_timeout_s, 0.05, 3600),
        ("--piece", asked.piece, 1024, 10**12),
    )
    for option, value, low, high in limits:
        if value is not None and not low <= value <= high:
            raise UsageError(f"{value} is out of reach", where=option, mend=f"from {low} to {high}")
    if asked.uploads is not None and asked.duration_s is not None:
        raise UsageError("both bound the workload", where="--uploads and --for", mend="give one of them")


def _is_sizes(text: str) -> bool:
    try:
        parse_sizes(text)
    except ValueError:
        return False
    return True


def _arms(asked: Asked, target: Target) -> list[Arm]:
    arms = []
    for name in asked.protocols:
        if name not in target.endpoints:
            known = ", ".join(target.endpoints)
            raise UsageError(
                f"{target.name} does not speak '{name}'", where="--protocols", mend=f"it speaks: {known}"
            )
        arms.append(Arm(name=name, protocol=name, framing=target.endpoints[name].framing))
    twins = [arm.model_copy(update={"name": arm.name + CALM, "calm_of": arm.name}) for arm in arms]
    return arms + (twins if asked.calm else [])


def _policy(asked: Asked, profile: Profile) -> Policy:
    said = profile.policy.given()
    if asked.piece is not None:
        said["piece"] = asked.piece
    if asked.stall_timeout_s is not None:
        said["stall_timeout"] = asked.stall_timeout_s
    return replace(Policy(), **said)


def _check_descriptors(links: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = links * DESCRIPTORS_A_LINK + 200
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise UsageError(
            f"{links} links need about {needed} file descriptors, this process may open {hard}",
            where="--users",
            mend="fewer users, --no-calm, or a higher `ulimit -n`",
        )
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))  # children inherit it


def _destination(endpoint: Endpoint) -> Destination:
    parts = urlsplit(endpoint.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    return Destination(url=endpoint.url, host=str(found[0][4][0]), port=port)


def _versions() -> dict[str, str]:
    return {
        "simsim": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _machine() -> dict[str, str]:
    cores = str(os.cpu_count())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cores": cores,
        "memory": f"{memory / 2**30:.0f} GiB",
    }
