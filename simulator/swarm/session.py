"""One client of the swarm: its link, its HTTP client, and its uploads one after another."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import httpx

from simulator.links import client_send_buffer
from simulator.links.engine import Engine, LinkSpec
from simulator.payload import FilePayload, Payload, SeededPayload, payload_name
from simulator.protocols import make_machine
from simulator.protocols.policy import Policy
from simulator.records import Link, Outcome
from simulator.rng import rng
from simulator.swarm.driver import Driver, Identity, Recorder, Sleep
from simulator.swarm.job import Destination, Job, Slot
from simulator.transport import LinkTransport, Waiter
from simulator.weather import Profile, draw
from simulator.weather.sizes import Sizes, parse_sizes
from simulator.weather.timeline import Timeline

NOISE = 64  # draws of back-off jitter per upload; longer sequences begin again

Trace = Callable[[httpx.Request, httpx.Response], None]


class Workload:
    """What each user uploads: payloads by (user, arm, upload), and when a user is through."""

    def __init__(self, job: Job) -> None:
        self._plan = job.plan
        self._file = None if job.file is None else FilePayload(Path(job.file))
        self._sizes: Sizes | None = None if job.file is not None else parse_sizes(job.plan.size)

    def payload(self, slot: Slot, upload: int) -> Payload:
        """Return what *slot* uploads in its upload number *upload*; both arms draw the same size."""
        if self._sizes is None:
            assert self._file is not None
            return self._file
        plan = self._plan
        size = self._sizes.draw(plan.seed, str(plan.profile["name"]), slot.user, upload)
        return SeededPayload(payload_name(plan.seed, slot.user, slot.arm.name, upload), size)

    def over(self, upload: int, elapsed: float) -> bool:
        """Return whether a user that ended *upload* uploads in *elapsed* seconds is through."""
        if self._plan.duration_s is not None:
            return elapsed >= self._plan.duration_s
        return upload >= self._plan.uploads


class Session:
    """Runs all uploads of one slot through one link of the engine."""

    def __init__(
        self,
        job: Job,
        slot: Slot,
        engine: Engine,
        *,
        workload: Workload,
        record: Recorder,
        waiter: Waiter | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._job = job
        self._slot = slot
        self._engine = engine
        self._workload = workload
        self._record = record
        self._waiter = waiter
        self._sleep = sleep
        self._origin = job.local_origin()
        self._profile = Profile.from_dict(job.plan.profile)
        self._policy = Policy.from_dict(job.plan.policy)

    def run(self) -> list[Outcome]:
        """Open the link, upload until the workload is over, and return how each upload ended."""
        slot, destination = self._slot, self._job.destinations[self._slot.arm.name]
        timeline = timeline_of(self._job, slot, self._profile)
        link = link_id(slot)
        self._engine.open([self._spec(link, timeline, destination)])
        transport = LinkTransport(
            dial=partial(self._engine.address, link),
            send_buffer=client_send_buffer(timeline),
            waiter=self._waiter,
        )
        with httpx.Client(transport=transport, trust_env=False) as client:
            t0 = time.monotonic()
            self._engine.start(link, t0)
            self._record(Link(t=t0 - self._origin, user=slot.user, arm=slot.arm.name))
            return self._uploads(client, destination, t0)

    def _spec(self, link: str, timeline: Timeline, destination: Destination) -> LinkSpec:
        return LinkSpec(link, self._slot.arm.name, timeline, (destination.host, destination.port))

    def _uploads(self, client: httpx.Client, destination: Destination, t0: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for upload in count():
            if self._workload.over(upload, time.monotonic() - t0):
                break
            outcomes.append(self._upload(client, destination, upload))
        return outcomes

    def _upload(self, client: httpx.Client, destination: Destination, upload: int) -> Outcome:
        plan, slot = self._job.plan, self._slot
        payload = self._workload.payload(slot, upload)
        noise = rng(plan.seed, self._profile.name, slot.user, f"backoff/{upload}").random(NOISE)
        machine = make_machine(
            slot.arm.protocol,
            endpoint=destination.url,
            size=payload.size,
            filename=f"simsim-{plan.id}-{slot.user}-{slot.arm.name.replace('/', '-')}-{upload}.bin",
            policy=self._policy,
            noise=tuple(noise.tolist()),
            framing=slot.arm.framing,
            headers=tuple(self._job.headers),
        )
        driver = Driver(
            Identity(slot.user, slot.arm.name, upload),
            machine,
            client,
            payload,
            self._policy,
            record=self._record,
            origin=self._origin,
            deadline=time.monotonic() + plan.deadline_s,
            sleep=self._sleep,
        )
        return driver.run()


def link_id(slot: Slot) -> str:
    """Return the name of the slot's link in the engine's events."""
    return f"{slot.user}:{slot.arm.name}"


def timeline_of(job: Job, slot: Slot, profile: Profile) -> Timeline:
    """Return the weather of the slot's link: the same for every arm of a user, calm for a calm twin."""
    return draw(profile, job.plan.seed, slot.user, calm=slot.arm.calm_of is not None)
