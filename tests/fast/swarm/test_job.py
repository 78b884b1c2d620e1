"""A job travels as JSON, and its slots pair the arms of a user."""

from __future__ import annotations

from simulator.swarm.job import Job
from tests.helpers.plans import make_job, make_plan


def test_a_job_survives_the_journey() -> None:
    job = make_job()
    assert Job.model_validate_json(job.model_dump_json()) == job


def test_the_arms_of_a_user_are_neighbours_and_every_pair_comes_once() -> None:
    job = make_job(make_plan(users=3))
    slots = [(slot.user, slot.arm.name) for slot in map(job.slot, range(job.slots))]
    assert slots == [(user, arm) for user in range(3) for arm in ("plain", "tus")]


def test_on_one_machine_all_processes_share_the_origin() -> None:
    job = make_job()
    assert job.local_origin() == job.origin


def test_on_another_machine_the_origin_is_taken_from_the_wall_clock() -> None:
    job = make_job()
    elsewhere = job.model_copy(update={"boot_id": "another", "origin": 0.0})
    assert abs(elsewhere.local_origin() - job.origin) < 1.0
