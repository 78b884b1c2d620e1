"""The picture of a run so far, from records as they come."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from simulator.cli.progress import BARS, INSTANT, Progress
from simulator.records import (
    Fault,
    Integrity,
    Link,
    Outcome,
    Purpose,
    Request,
    Run,
    Sample,
    Upload,
    Wait,
    Why,
)
from simulator.swarm.planning import longest
from tests.helpers.plans import make_plan


def begun(links: int = 2) -> Progress:
    progress = Progress()
    progress.take(Run(t=0, event="start", plan=make_plan()))
    for user in range(links):
        progress.take(Link(t=0.1, user=user, arm="tus"))
    return progress


def request(**changes: Any) -> Request:
    figures: dict[str, Any] = {
        "t": 1.0, "end": 2.0, "user": 0, "arm": "tus", "upload": 0, "n": 0, "purpose": Purpose.APPEND,
        "method": "PATCH", "target": "/", "start": 0, "length": 1000, "sent": 400, "head": 100,
        "received": 0, "port": 1, "fresh": True,
    }  # fmt: skip
    return Request(**{**figures, **changes})


def upload(user: int, outcome: Outcome = Outcome.COMPLETED) -> Upload:
    return Upload(t=5, started=0.1, user=user, arm="tus", upload=0, size=1000, sha256="", outcome=outcome)


def test_bytes_sent_again_are_those_before_the_point_surely_reached() -> None:
    progress = begun()
    in_flight = make_plan().in_flight_bytes
    progress.take(request(length=500_000, sent=400_000, unsent=100))
    progress.take(request(start=250_000, length=250_000, sent=250_000))
    assert progress.arms["tus"].again == 400_000 - 100 - in_flight - 250_000


def test_parts_side_by_side_send_nothing_again_of_each_other() -> None:
    progress = begun()
    progress.take(request(start=500_000, length=500_000, sent=400_000, part=1))
    progress.take(request(start=0, length=500_000, sent=500_000, part=0))
    assert progress.arms["tus"].again == 0
    progress.take(request(start=500_000, length=500_000, sent=500_000, part=1))
    assert progress.arms["tus"].again == 400_000 - make_plan().in_flight_bytes


def test_the_end_is_reckoned_from_the_first_link() -> None:
    progress = begun()
    assert progress.longest == pytest.approx(0.1 + longest(make_plan()))


def test_users_are_sending_then_waiting_then_through() -> None:
    progress = begun()
    assert progress.states("tus") == (2, 0, 0)
    progress.take(Wait(t=1.0, user=0, arm="tus", upload=0, seconds=5.0, why=Why.BACKOFF))
    assert progress.states("tus") == (1, 1, 0)
    progress.take(upload(0))
    progress.take(upload(1, Outcome.CENSORED))
    assert progress.states("tus") == (0, 0, 2)
    assert (progress.arms["tus"].completed, progress.arms["tus"].ended) == (1, 2)


def test_carried_bytes_are_summed_over_the_engines() -> None:
    progress = begun()
    progress.take(Sample(t=1, part="engine-0", carried_up={"tus": 100, "plain": 5}))
    progress.take(Sample(t=1, part="engine-1", carried_up={"tus": 10}))
    progress.take(Sample(t=2, part="engine-0", carried_up={"tus": 150}))
    assert progress.arms["tus"].carried == 160


def test_the_sparkline_shows_the_share_of_links_under_a_fault() -> None:
    progress = begun()
    progress.take(Fault(t=1.0, until=3.0, user=0, arm="tus", fault="stall", issued=1.0, done=1.0))
    progress.take(Fault(t=2.0, until=2.0, user=1, arm="tus", fault="reset", issued=2.0, done=2.0))
    progress.take(Sample(t=4.5, part="engine-0"))
    assert progress.sparkline(10) == " ▄█  "


def fault(t: float, until: float | None = None) -> Fault:
    return Fault(t=t, until=until or t, user=0, arm="tus", fault="stall", issued=t, done=t)


@pytest.mark.parametrize("width", [1, 30, 120])
def test_the_sparkline_forgets_nothing_that_it_shows(width: int) -> None:
    luck = random.Random(5)
    progress, faults = begun(links=40), []
    for _ in range(400):
        start = luck.uniform(0, 300)  # in any order: records of several engines come as they come
        faults.append(fault(start, start + luck.choice([0, 0.25, 2, 250])))
        progress.take(faults[-1])
    last = int(progress.now)
    for second, bar in zip(range(last - width + 1, last + 1), progress.sparkline(width), strict=True):
        hit = sum(item.t < second + 1 and max(item.until, item.t + INSTANT) > second for item in faults)
        assert bar == BARS[min(len(BARS) - 1, math.ceil(hit / 40 * (len(BARS) - 1)))]


def test_faults_that_are_over_are_not_kept() -> None:
    progress = begun()
    for second in range(20_000):
        progress.take(fault(second + 0.5))
    assert held(progress) < 2000


def held(thing: object) -> int:
    """Return how many things *thing* holds, all the way down."""
    if isinstance(thing, dict):
        return sum(held(item) for item in thing.values())
    if isinstance(thing, list | tuple):
        return sum(map(held, thing))
    return 1 + (held(vars(thing)) if type(thing).__module__ == Progress.__module__ else 0)


def test_uploads_that_have_ended_are_not_kept() -> None:
    progress = begun()
    for number in range(2000):
        progress.take(request(upload=number))
        progress.take(upload(0).model_copy(update={"upload": number}))
    assert held(progress) < 200


def check(user: int) -> Integrity:
    return Integrity(t=6, user=user, arm="tus", upload=0, how="unverified")


def test_after_the_swarm_it_is_said_what_is_waited_for() -> None:
    progress = begun()
    progress.take(upload(0))
    progress.take(upload(1, Outcome.CENSORED))
    assert progress.waits_for == ""
    progress.take(Run(t=6, event="check"))
    assert progress.waits_for == "checking what the server stored: 0 of 2 uploads checked"
    progress.take(check(0))
    assert progress.waits_for == "checking what the server stored: 1 of 2 uploads checked"
    progress.take(Run(t=6, event="end", status="finished"))
    assert progress.waits_for == "writing the report"


def test_where_no_engine_counts_carried_bytes_are_what_the_sockets_took() -> None:
    progress = begun()
    progress.take(request(sent=400, unsent=100))
    progress.take(request(t=2.0, end=3.0, sent=50))
    assert progress.arms["tus"].carried == 350
