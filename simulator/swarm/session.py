"""One client of the swarm: its link, its HTTP client, and its uploads one after another."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import count
from pathlib import Path

import httpx

from simulator.links import client_send_buffer
from simulator.links.engine import Engine, LinkSpec
from simulator.links.gateway.core import UPLOAD_FIELD
from simulator.payload import FilePayload, Payload, SeededPayload, payload_name
from simulator.protocols import make_machine
from simulator.protocols.policy import Policy
from simulator.records import Link, Outcome
from simulator.rng import rng
from simulator.servers.ways import Ways
from simulator.swarm.diary import Identity, Recorder
from simulator.swarm.driver import Driver, Sign, Sleep, Together, in_turn
from simulator.swarm.job import Destination, Job, Slot
from simulator.transport import LinkTransport, Waiter
from simulator.weather import Profile, draw
from simulator.weather.sizes import Sizes, parse_sizes

NOISE = 64  # draws of back-off jitter per upload; longer sequences begin again
KEPT = 8  # timelines; the arms of one user come one after another, and share two

Trace = Callable[[httpx.Request, httpx.Response], None]


class Workload:
    """What each user uploads and over which link, and when a user is through.

    ``timeline(user, calm=...)`` is the weather of a user's link: the same for every arm, calm for a twin.
    """

    def __init__(self, job: Job) -> None:
        self._plan = job.plan
        self.profile = Profile.from_dict(job.plan.profile)
        self.timeline = lru_cache(KEPT)(partial(draw, self.profile, job.plan.seed))
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
        together: Together = in_turn,
    ) -> None:
        self._job = job
        self._slot = slot
        self._engine = engine
        self._workload = workload
        self._record = record
        self._waiter = waiter
        self._sleep = sleep
        self._together = together
        self._origin = job.local_origin()
        self._policy = Policy.from_dict(job.plan.policy)
        self._destination = job.destinations[slot.arm.name]
        self._transport: LinkTransport | None = None

    def open(self) -> LinkTransport:
        """Draw the link's weather and open it, unless that is done, and return what dials it.

        The weather of a long workload takes a second or more to draw, in which nobody else's bytes move:
        it is best opened before the first user starts.
        """
        if self._transport is None:
            slot = self._slot
            timeline = self._workload.timeline(slot.user, calm=slot.arm.calm_of is not None)
            upstream = (self._destination.host, self._destination.port)
            link = LinkSpec(link_id(slot), slot.arm.name, timeline, upstream)
            self._engine.open([link])
            self._transport = LinkTransport(
                dial=partial(self._engine.address, link.id),
                send_buffer=client_send_buffer(timeline),
                waiter=self._waiter,
                verify=self._job.trust.context() if self._destination.url.startswith("https:") else True,
            )
        return self._transport

    def run(self) -> list[Outcome]:
        """Open the link, upload until the workload is over, and return how each upload ended."""
        slot = self._slot
        with httpx.Client(transport=self.open(), trust_env=False) as client:
            t0 = time.monotonic()
            self._engine.start(link_id(slot), t0)
            self._record(Link(t=t0 - self._origin, user=slot.user, arm=slot.arm.name))
            return self._uploads(client, self._destination, t0)

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
        noise = rng(plan.seed, self._workload.profile.name, slot.user, f"backoff/{upload}").random(NOISE)
        machine = make_machine(
            slot.arm.protocol,
            endpoint=destination.url,
            size=payload.size,
            filename=re.sub(r"[^\w.-]", "-", f"simsim-{plan.id}-{slot.user}-{slot.arm.name}-{upload}.bin"),
            policy=self._policy,
            noise=tuple(noise.tolist()),
            framing=slot.arm.framing,
            variant=slot.arm.variant,
            headers=(*self._job.headers, *self._name_of(upload)),
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
            ways=Ways(destination.url),
            sleep=self._sleep,
            together=self._together,
            sign=_signer(destination),
        )
        return driver.run()

    def _name_of(self, upload: int) -> tuple[tuple[str, str], ...]:
        """Return the field by which the hop knows whose request it is; the hop takes it out again."""
        slot = self._slot
        return ((UPLOAD_FIELD, f"{slot.user}/{slot.arm.name}/{upload}"),) if self._job.hop else ()


def _signer(destination: Destination) -> Sign | None:
    if destination.credentials is None:
        return None
    from simulator.transport.signing import signer  # botocore takes its time, and few arms need it

    return signer(destination.credentials)


def link_id(slot: Slot) -> str:
    """Return the name of the slot's link in the engine's events."""
    return f"{slot.user}:{slot.arm.name}"
