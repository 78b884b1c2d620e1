"""The picture of a run so far, from records as they come."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.cli.progress import Progress
from simulator.records import Fault, Link, Outcome, Purpose, Request, Run, Sample, Upload, Wait, Why
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
