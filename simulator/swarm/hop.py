"""The HTTP-aware hop of a run: between the links and the server, with its firings on the record.

links of arms --> steps    --> server
links of calm twins --> no steps --> server      the same way, without its faults
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.links import gateway_buffer
from simulator.links.gateway.process import Firing, Gateway, Route
from simulator.records import Hop
from simulator.swarm.job import Job
from simulator.swarm.results import RecordFile
from simulator.weather import Profile


@contextmanager
def between(job: Job, folder: Path, records: RecordFile) -> Iterator[tuple[Job, Gateway | None]]:
    """Yield the job with the hop's addresses to send to, and the hop; the job as it is without steps.

    Raises ``PartDied`` when the hop cannot be started.
    """
    if not job.hop:
        yield job, None
        return
    profile = Profile.from_dict(job.plan.profile)
    arms = list(job.destinations)
    buffer = gateway_buffer(profile.fastest_up)
    routes = [_route(job, arm, profile) for arm in arms]  # each arm is counted by itself

    def keep(firing: Firing) -> None:
        records.extend([record_of(firing, job.origin)])

    log = folder / "logs" / "gateway.log"
    with Gateway(routes, buffer=buffer, log=log, sink=keep) as gateway:
        there = {
            arm: job.destinations[arm].model_copy(update={"host": "127.0.0.1", "port": port})
            for arm, port in zip(arms, gateway.ports, strict=True)
        }
        yield job.model_copy(update={"destinations": there}), gateway


def record_of(firing: Firing, origin: float) -> Hop:
    """Return the record of a firing in a run whose zero is *origin*."""
    said = {key: value for key, value in firing.items() if key not in ("t", "upload")}
    return Hop(t=firing["t"] - origin, **said, **_whose(firing["upload"]))


def _whose(upload: str | None) -> dict[str, str | int]:
    """Return user, arm and upload of ``"3/tus/0"``; an arm's name may hold a slash."""
    user, _, rest = (upload or "").partition("/")
    arm, _, number = rest.rpartition("/")
    if not (user.isdecimal() and arm and number.isdecimal()):
        return {}  # some other client: nobody's that this run knows
    return {"user": int(user), "arm": arm, "upload": int(number)}


def _route(job: Job, arm: str, profile: Profile) -> Route:
    calm = {item.name for item in job.plan.arms if item.calm_of is not None}
    destination = job.destinations[arm]
    return Route(() if arm in calm else profile.hop, (destination.host, destination.port))
