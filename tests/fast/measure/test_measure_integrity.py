"""Outcomes, integrity, copies and violations."""

from __future__ import annotations

from simulator.measure.integrity import failures, integrity_numbers, outcomes
from tests.helpers.made_records import MadeRun


def told() -> MadeRun:
    run = MadeRun(users=6)
    run.upload("tus", user=0).send(0, 1).completed(1).stored(True)
    run.upload("tus", user=1).send(0, 1).completed(1).stored(False, copies=None)
    run.upload("tus", user=2).send(0, 1).completed(1).stored(None, copies=None)
    run.upload("tus", user=3).send(0, 1).completed(1)
    run.upload("tus", user=4).send(0, 1, status=413).failed(1, "413 Content Too Large").stored(True, copies=3)
    run.upload("tus", user=5).send(0, 1).violation(1, "tus 1.0, PATCH").violation(
        1, "tus 1.0, HEAD"
    ).censored(60)
    return run


def test_a_corrupted_upload_is_never_a_completed_one() -> None:
    uploads = told().dataset().uploads["tus"]
    assert outcomes(uploads) == {"completed": 3, "failed": 1, "censored": 1, "corrupted": 1}
    assert integrity_numbers(uploads)["completed"].value == 0.5


def test_each_failure_is_counted_by_its_reason() -> None:
    assert failures(told().dataset().uploads["tus"]) == {
        "413 Content Too Large": 1,
        "stored bytes differ from those sent": 1,
    }


def test_only_what_could_be_read_counts_for_integrity() -> None:
    found = integrity_numbers(told().dataset().uploads["tus"])
    assert (found["intact"].value, found["intact"].n) == (2 / 3, 3)
    assert (found["unverified"].value, found["unverified"].n) == (2, 4)


def test_copies_beyond_the_first_are_duplicates() -> None:
    found = integrity_numbers(told().dataset().uploads["tus"])
    assert (found["duplicates"].value, found["duplicates"].n) == (2, 2)
    assert found["violations"].value == 2


def test_what_could_not_be_found_out_is_not_zero() -> None:
    run = MadeRun()
    run.upload("tus").send(0, 1).completed(1)
    found = integrity_numbers(run.dataset().uploads["tus"])
    assert (found["duplicates"].value, found["intact"].value) == (None, None)
