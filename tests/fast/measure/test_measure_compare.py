"""One arm against the baseline."""

from __future__ import annotations

import pytest

from simulator.measure.compare import compare
from simulator.measure.models import Comparison
from simulator.records import Cause
from tests.helpers.made_records import MadeRun


def cut_once(run: MadeRun, arm: str, user: int, carried: int, resume: bool) -> None:
    """An upload of 1000 bytes that is cut after *carried*; the server keeps all but 50 of them, or none."""
    start = carried - 50 if resume else 0
    upload = run.upload(arm, user=user, size=1000).send(0, 1, sent=carried, cause=Cause.RESET)
    upload.send(1, 2, start=start).completed(2)


def only(run: MadeRun) -> Comparison:
    [comparison] = compare(run.dataset())
    return comparison


def test_the_share_avoided_is_of_what_the_baseline_carried_again() -> None:
    run = MadeRun(users=6)
    for user in range(6):
        cut_once(run, "plain", user, 400 + 20 * user, resume=False)
        cut_once(run, "tus", user, 400 + 20 * user, resume=True)
    found = only(run)
    again = sum(400 + 20 * user for user in range(6))  # 2700
    assert found.avoided.value == pytest.approx(1 - 300 / again)
    assert found.saved_bytes.value == again - 300
    assert found.saved_share.value == pytest.approx((again - 300) / (6000 + again))
    assert (found.avoided.n, found.avoided.at_least) == (6, False)
    for number in (found.avoided, found.saved_bytes, found.saved_share):
        assert number.low is not None and number.high is not None
        assert number.low < number.value < number.high


def test_arms_that_did_the_same_avoid_and_save_nothing() -> None:
    run = MadeRun(users=6)
    for user in range(6):
        for arm in ("plain", "tus"):
            cut_once(run, arm, user, 300 + user, resume=False)
    found = only(run)
    for number in (found.avoided, found.saved_bytes, found.saved_share):
        assert (number.value, number.low, number.high) == (0, 0, 0)


def test_pairs_are_uploads_that_both_arms_began() -> None:
    run = MadeRun(users=2)
    for user in range(2):
        cut_once(run, "plain", user, 500, resume=False)
    cut_once(run, "tus", 0, 500, resume=True)
    cut_once(run, "tus", 7, 999, resume=False)
    found = only(run)
    assert (found.avoided.value, found.avoided.n) == (pytest.approx(0.9), 1)


def test_a_censored_baseline_makes_it_at_least() -> None:
    run = MadeRun(users=2)
    run.upload("plain", user=0).send(0, 1, sent=800, cause=Cause.RESET).send(
        1, 2, sent=600, cause=Cause.RESET
    ).censored(60)
    cut_once(run, "plain", 1, 400, resume=False)
    for user in range(2):
        cut_once(run, "tus", user, 500, resume=True)
    found = only(run)
    # carried again for certain: 800 + 600 - 800 by the first, 400 by the second
    assert (found.avoided.value, found.avoided.at_least) == (pytest.approx(1 - 100 / 1000), True)
    assert "1 unfinished uploads of plain count with what they carried so far" in found.avoided.method


def test_a_censored_arm_of_its_own_makes_no_such_claim() -> None:
    run = MadeRun(users=2)
    for user in range(2):
        run.upload("plain", user=user).send(0, 1, sent=800, cause=Cause.RESET).censored(60)
        run.upload("tus", user=user).send(0, 1, sent=300, cause=Cause.RESET).censored(60)
    found = only(run)
    assert not found.saved_bytes.at_least
    assert "unfinished uploads of tus" in found.saved_bytes.method


def test_a_baseline_that_carried_nothing_twice_leaves_nothing_to_avoid() -> None:
    run = MadeRun(users=6)
    for user in range(6):
        run.upload("plain", user=user).send(0, 1).completed(1)
        run.upload("tus", user=user).send(0, 1).completed(1)
    found = only(run)
    assert (found.avoided.value, found.avoided.method) == (None, "the baseline carried nothing twice")
    assert (found.saved_bytes.value, found.saved_bytes.low, found.saved_bytes.high) == (0, 0, 0)


def test_too_few_users_with_retransmission_give_an_estimate_without_an_interval() -> None:
    run = MadeRun(users=8)
    cut_once(run, "plain", 0, 500, resume=False)
    cut_once(run, "tus", 0, 500, resume=True)
    for user in range(1, 8):
        run.upload("plain", user=user).send(0, 1).completed(1)
        run.upload("tus", user=user).send(0, 1).completed(1)
    found = only(run)
    assert (found.avoided.value, found.avoided.low) == (pytest.approx(0.9), None)


def test_calm_twins_and_the_baseline_are_not_compared() -> None:
    run = MadeRun(arms=("plain", "tus", "plain/calm", "tus/calm"))
    assert [(item.arm, item.baseline) for item in compare(run.dataset())] == [("tus", "plain")]


def test_a_run_without_its_baseline_compares_nothing() -> None:
    assert compare(MadeRun(arms=("tus",)).dataset()) == []
