"""The weather of a run, drawn again from its plan."""

from __future__ import annotations

from typing import Any

from simulator.measure.redraw import redraw
from simulator.records import Plan
from simulator.weather import draw, load_profile
from tests.helpers.made_records import MadeRun

PROFILE = load_profile("mobile-flaky")


def plan(users: int = 2, **more: Any) -> Plan:
    return MadeRun(users=users, profile=PROFILE.to_dict(), seed=7, **more).plan


def digests(users: int) -> list[str]:
    return [draw(PROFILE, 7, user).digest() for user in range(users)]


def test_the_timelines_are_those_that_were_played() -> None:
    found = redraw(plan(digests=digests(2)))
    assert [found.windy[user].digest() for user in (0, 1)] == digests(2)
    assert (found.calm, found.doubt) == ({}, "")


def test_calm_twins_have_the_same_link_without_its_faults() -> None:
    found = redraw(plan(arms=("tus", "tus/calm")))
    assert found.windy[0].breaks != ()
    assert found.calm[0].breaks == ()


def test_a_timeline_that_differs_is_left_out_and_said_so() -> None:
    found = redraw(plan(digests=[digests(1)[0], "other"], arms=("tus", "tus/calm")))
    assert (set(found.windy), set(found.calm)) == ({0}, {0})
    assert found.doubt == "the timelines of 1 of 2 users differ from those that were played"


def test_a_profile_that_cannot_be_read_leaves_no_timelines() -> None:
    found = redraw(MadeRun().plan)
    assert found.windy == {}
    assert "cannot be drawn again" in found.doubt
