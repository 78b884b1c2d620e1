"""A session's link is drawn and opened once, when it is asked for: before the first user, if need be."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.links.engine import Address, LinkSpec
from simulator.records import Arm
from simulator.swarm.session import Session, Workload
from simulator.weather import Profile, draw
from tests.helpers.plans import make_job, make_plan

ARMS = [Arm(name=name, protocol=name) for name in ("plain", "tus")]
TWINS = [Arm(name=f"{arm.name}/calm", protocol=arm.protocol, calm_of=arm.name) for arm in ARMS]


class Engine:
    """Takes note of what it is told to open."""

    name = "noting"
    pid = 0

    def __init__(self) -> None:
        self.opened: list[LinkSpec] = []

    def open(self, links: Sequence[LinkSpec]) -> dict[str, Address]:
        self.opened.extend(links)
        return {link.id: ("127.0.0.1", 1) for link in links}

    def address(self, link: str) -> Address:
        return ("127.0.0.1", 1)


def test_a_link_that_is_open_is_not_opened_again() -> None:
    job, engine = make_job(), Engine()
    session = Session(job, job.slot(1), engine, workload=Workload(job), record=lambda _: None)  # type: ignore[arg-type]
    assert session.open() is session.open()
    assert [(link.id, link.group, link.upstream) for link in engine.opened] == [
        ("0:tus", "tus", ("127.0.0.1", 1))
    ]


def test_the_arms_of_a_user_share_their_weather_and_twins_share_the_calm() -> None:
    job, engine = make_job(make_plan(arms=[*ARMS, *TWINS])), Engine()
    workload = Workload(job)
    for index in range(job.slots):
        Session(job, job.slot(index), engine, workload=workload, record=lambda _: None).open()  # type: ignore[arg-type]
    plain, tus, plain_calm, tus_calm = (link.timeline for link in engine.opened[4:])
    profile = Profile.from_dict(job.plan.profile)
    assert plain is tus and plain == draw(profile, 1, 1)
    assert plain_calm is tus_calm and plain_calm == draw(profile, 1, 1, calm=True)
    assert engine.opened[0].timeline != plain
