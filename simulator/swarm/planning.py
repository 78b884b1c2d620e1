"""What was asked becomes a plan and a job: everything that can be refused is refused here, before a start."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from simulator import __version__, servers
from simulator.errors import UsageError, refuse_undecodable
from simulator.links import gateway_allowance, gateway_buffer, in_flight_allowance
from simulator.links.engines import approximations, check_engine, refuse
from simulator.links.gateway.script import load_script
from simulator.protocols.fields import origin
from simulator.protocols.policy import Policy
from simulator.records import Arm, Plan
from simulator.servers.server import Endpoint, Target
from simulator.swarm.arms import Wanted, settle, wanted
from simulator.swarm.job import Destination, Job, boot_id
from simulator.trust import trust_asked
from simulator.weather import Profile, draw, load_profile, rules
from simulator.weather.quantities import Refused
from simulator.weather.sizes import parse_sizes

CALM = "/calm"
DESCRIPTORS_A_LINK = 8  # listener, two ends each of a live and a frozen connection, with room to spare
PACKAGES = ("locust", "gevent", "httpx", "h11", "numpy", "scipy")

# What `simsim run` calls what can be asked; whoever asks by other names has a table of its own.
OPTIONS = {
    "users": "--users",
    "uploads": "--uploads",
    "duration": "--for",
    "size": "--size",
    "spawn_rate": "--spawn-rate",
    "deadline": "--deadline",
    "seed": "--seed",
    "workers": "--workers",
    "piece": "--piece",
    "stall_timeout": "--stall-timeout",
    "protocols": "--protocol",
    "against": "--against",
}


@dataclass(frozen=True)
class Asked:
    """What the user asked for; None leaves a figure to the profile.

    ``protocols`` are the words of ``simulator.swarm.arms``. ``options`` is what messages call what was
    asked, by its key in ``OPTIONS``.
    """

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
    server: str | None = None
    against: str | None = None
    allow_remote: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    hop: str | None = None
    ca: Path | None = None
    insecure: bool = False
    command: tuple[str, ...] = field(default=())
    options: Mapping[str, str] = field(default_factory=lambda: OPTIONS)

    @property
    def started(self) -> str:
        """Return the server of the catalog that is started when nothing else is said."""
        return "reference" if self.server is None else self.server

    @property
    def arms(self) -> tuple[Wanted, ...]:
        """Return the arms, calm twins not counted. Raises ``UsageError``."""
        return wanted(self.protocols, self.options["protocols"])


def profile_asked(asked: Asked) -> Profile:
    """Return the profile with what was asked laid over it. Raises ``UsageError``."""
    profile = load_profile(asked.profile)
    if asked.hop is not None:
        profile = profile.with_hop(load_script(Path(asked.hop)))
    _check_figures(asked)
    refuse(asked.engine, profile)
    file = file_asked(asked)
    try:
        return profile.with_workload(
            users=asked.users,
            uploads=asked.uploads,
            duration_s=asked.duration_s,
            spawn_rate=asked.spawn_rate,
            size=asked.size if file is None else f"{file.stat().st_size} B",
            deadline_s=asked.deadline_s,
        )
    except UsageError as error:  # the profile by itself is good, so it is what was asked that is not
        key = error.where.rpartition("workload.")[2]
        raise UsageError(error.what, where=asked.options.get(key, error.where), mend=error.mend) from error


def file_asked(asked: Asked) -> Path | None:
    """Return the file to upload when the size names one.

    Raises ``UsageError`` for one that is empty, cannot be read, or has a name that no record can hold.
    """
    if asked.size is None or _is_sizes(asked.size):
        return None
    path = Path(asked.size)
    if max(map(len, path.parts), default=0) > 255 or not path.is_file():  # linux/limits.h: NAME_MAX
        return None  # not a file either: the size's own error says what a size looks like
    where = f"{asked.options['size']} {asked.size}"
    if path.stat().st_size == 0:
        raise UsageError("the file is empty", where=where, mend="name a file with bytes in it")
    if not os.access(path, os.R_OK):
        raise UsageError("the file cannot be read", where=where, mend="name a file that you may read")
    refuse_undecodable([str(path.resolve())])
    return path.resolve()


def check_words(asked: Asked) -> None:
    """Raise ``UsageError`` for an engine or a protocol that simsim has not, or what is said twice."""
    check_engine(asked.engine, allow_remote=asked.allow_remote)
    _refuse_parallel(asked)
    if asked.server is not None and asked.against is not None:
        raise UsageError("both say where uploads go", where="--server and --against", mend="give one of them")


def _refuse_parallel(asked: Asked) -> None:
    """Refuse parts side by side where the engine gives each connection the whole rate of its link."""
    for arm in asked.arms:
        if asked.engine != "embedded" and arm.options.get("parallel", 1) > 1:
            raise UsageError(
                f"the parts of '{arm.name}' would not share the link: this engine limits each connection",
                where=asked.options["protocols"],
                mend="use the embedded engine, or leave 'parallel' out",
            )


def check_spoken(asked: Asked, server: str, spoken: Collection[str]) -> None:
    """Raise ``UsageError`` for a protocol that *server* does not speak."""
    for arm in asked.arms:
        if arm.protocol not in spoken:
            what, mend = f"{server} does not speak '{arm.protocol}'", f"it speaks: {', '.join(spoken)}"
            raise UsageError(what, where=asked.options["protocols"], mend=mend)


def check_machine(asked: Asked, profile: Profile) -> None:
    """Let this process and its children open what the links need. Raises ``UsageError`` when it may not."""
    links = profile.workload.users * len(asked.protocols) * (2 if asked.calm else 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = links * DESCRIPTORS_A_LINK + 200
    if hard != resource.RLIM_INFINITY and needed > hard:
        ways = ["fewer users", *(["--no-calm"] if asked.calm else []), "a higher `ulimit -n`"]
        raise UsageError(
            f"{links} links need about {needed} file descriptors, this process may open {hard}",
            where=asked.options["users"],
            mend=", or ".join(ways),
        )
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))  # children inherit it


def check_hop(asked: Asked, profile: Profile) -> None:
    """Raise ``UsageError`` where a hop cannot read what passes."""
    if profile.hop and asked.against is not None and asked.against.lower().startswith("https:"):
        raise UsageError(
            "a hop reads what passes, and cannot read TLS",
            where="--hop" if asked.hop is not None else f"profile '{profile.name}': hop",
            mend="name an http target, or a profile without [[hop]]",
        )


def reach(asked: Asked) -> Target | None:
    """Return the target of ``--against``, None for a server that is ours to start.

    Raises ``UsageError`` when it does not answer as it should, and for options that are of no use
    without it.
    """
    if asked.against is not None:
        trust = trust_asked(asked.ca, insecure=asked.insecure, url=asked.against)
        return servers.external(
            asked.against,
            asked.headers,
            protocols=tuple(dict.fromkeys(arm.protocol for arm in asked.arms)),
            allow_remote=asked.allow_remote,
            trust=trust,
        )
    options = (("--header", asked.headers), ("--ca", asked.ca), ("--insecure", asked.insecure))
    for option, given in options:
        if given:
            needed = asked.options["against"]
            raise UsageError(f"goes with {needed} only", where=option, mend="our own servers need none")
    return None


def make_plan(asked: Asked, profile: Profile, target: Target, run_id: str) -> Plan:
    """Return the plan of the run, for which all that can be checked has been.

    Raises ``UsageError`` when the target can be asked for none of the arms.
    """
    settled = settle(asked.arms, target, asked.options["protocols"])
    workload = profile.workload
    timelines = (draw(profile, asked.seed, user) for user in range(workload.users))
    drawn = [(in_flight_allowance(timeline), timeline.digest()) for timeline in timelines]
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
        arms=_with_twins(settled.arms, asked),
        unsupported=list(settled.unsupported),
        baseline=next((arm.name for arm in settled.arms if arm.name == "plain"), settled.arms[0].name),
        engine=asked.engine,
        approximations=approximations(asked.engine, profile),
        server=target.name,
        server_version=target.version,
        target=target.endpoints[settled.arms[0].protocol].url,
        insecure=not target.trust.checked,
        workers=asked.workers,
        policy=_policy(asked, profile).to_dict(),
        in_flight_bytes=max(allowance for allowance, _ in drawn) + _held(profile),
        digests=[digest for _, digest in drawn],
        versions=_versions(),
        machine=_machine(),
    )


def make_job(asked: Asked, plan: Plan, target: Target) -> Job:
    """Return the job that a swarm is given; its origin is now. Raises ``UsageError`` if its file is gone."""
    file = file_asked(asked)
    if file is None and asked.size is not None and not _is_sizes(asked.size):
        raise UsageError(
            "the file to upload is gone",
            where=f"--size {asked.size}",
            mend="leave it in place until the run has ended",
        )
    return Job(
        plan=plan,
        destinations={arm.name: _destination(target.endpoints[arm.protocol]) for arm in plan.arms},
        headers=[*target.headers],
        trust=target.trust,
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
    """Hold what was asked to the limits of profiles, and say it by its option's name."""
    figures = {
        "workers": asked.workers,
        "seed": asked.seed,
        "users": asked.users,
        "uploads": asked.uploads,
        "spawn_rate": asked.spawn_rate,
        "deadline": asked.deadline_s,
        "duration": asked.duration_s,
        "stall_timeout": asked.stall_timeout_s,
        "piece": asked.piece,
    }
    for name, value in figures.items():
        try:
            if value is not None:
                rules.refuse_outside(name, value)
        except Refused as error:
            raise UsageError(str(error), where=asked.options[name], mend=error.mend) from error
    if asked.uploads is not None and asked.duration_s is not None:
        raise UsageError("both bound the workload", where="--uploads and --for", mend="give one of them")


def _is_sizes(text: str) -> bool:
    try:
        parse_sizes(text)
    except ValueError:
        return False
    return True


def _with_twins(arms: Sequence[Arm], asked: Asked) -> list[Arm]:
    twins = [arm.model_copy(update={"name": arm.name + CALM, "calm_of": arm.name}) for arm in arms]
    return [*arms, *(twins if asked.calm else [])]


def _policy(asked: Asked, profile: Profile) -> Policy:
    said = profile.policy.given()
    if asked.piece is not None:
        said["piece"] = asked.piece
    if asked.stall_timeout_s is not None:
        said["stall_timeout"] = asked.stall_timeout_s
    return replace(Policy(), **said)


def _held(profile: Profile) -> int:
    """Return the bytes of a request that the hop may hold, if there is one."""
    return gateway_allowance(gateway_buffer(profile.fastest_up)) if profile.hop else 0


def _destination(endpoint: Endpoint) -> Destination:
    """Return where a link leads to: the name, for a link tries all of its addresses."""
    _, host, port = origin(endpoint.url)
    return Destination(url=endpoint.url, host=host, port=port, credentials=endpoint.credentials)


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
