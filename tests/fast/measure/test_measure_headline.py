"""The sentence that answers the run, for every way a run can turn out."""

from __future__ import annotations

import pytest

from simulator.measure.headline import percent
from simulator.measure.summary import summarise
from simulator.records import Cause
from tests.helpers.made_records import MadeRun


def cut(run: MadeRun, arm: str, user: int, carried: int, start: int) -> None:
    upload = run.upload(arm, user=user).send(0, 1, sent=carried, cause=Cause.RESET)
    upload.send(1, 2, start=start).completed(2)


def told(run: MadeRun) -> str:
    return summarise(run.dataset()).headline


def test_what_resumption_avoided() -> None:
    run = MadeRun(users=6)
    for user in range(6):
        cut(run, "plain", user, 500 + 10 * user, 0)
        cut(run, "tus", user, 500 + 10 * user, 450 + 10 * user)
    assert told(run) == (
        "Resumption avoided 90 % of the retransmission [90–91 %]: "
        "1.05 against 1.52 bytes carried per byte of payload"
    )


def test_few_users_have_no_interval() -> None:
    run = MadeRun()
    cut(run, "plain", 0, 500, 0)
    cut(run, "tus", 0, 500, 450)
    assert told(run) == (
        "Resumption avoided 90 % of the retransmission: 1.05 against 1.50 bytes carried per byte of payload"
    )


def test_a_censored_baseline_says_at_least() -> None:
    run = MadeRun()
    run.upload("plain").send(0, 1, sent=800, cause=Cause.RESET).send(
        1, 2, sent=800, cause=Cause.RESET
    ).censored(60)
    cut(run, "tus", 0, 500, 420)
    assert told(run) == (
        "Resumption avoided at least 90 % of the retransmission: "
        "1.08 against at least 1.60 bytes carried per byte of payload"
    )


def test_an_arm_that_carried_more_again_is_not_dressed_up() -> None:
    run = MadeRun()
    cut(run, "plain", 0, 500, 0)
    cut(run, "tus", 0, 600, 0)
    assert told(run) == (
        "Resumption carried 20 % more again than plain: 1.60 against 1.50 bytes carried per byte of payload"
    )


def test_several_arms_name_the_best() -> None:
    run = MadeRun(arms=("plain", "tus", "ietf"))
    cut(run, "plain", 0, 500, 0)
    cut(run, "tus", 0, 500, 400)
    cut(run, "ietf", 0, 500, 480)
    assert told(run).startswith("ietf avoided 96 % of the retransmission: 1.02 against 1.50")


def test_nothing_interrupted() -> None:
    run = MadeRun()
    run.upload("plain").send(0, 1).completed(1)
    run.upload("tus").send(0, 1).completed(1)
    assert told(run) == (
        "No upload was interrupted, so there was nothing to avoid: "
        "1.00 against 1.00 bytes carried per byte of payload"
    )


def test_a_baseline_that_was_cut_and_carried_nothing_twice() -> None:
    run = MadeRun()
    cut(run, "plain", 0, 0, 0)
    cut(run, "tus", 0, 100, 50)
    assert told(run).startswith("plain carried nothing twice in spite of 1 interruption: 1.05 against 1.00")


def test_a_baseline_that_was_never_cut() -> None:
    run = MadeRun()
    run.upload("plain").send(0, 1).completed(1)
    cut(run, "tus", 0, 100, 50)
    assert told(run).startswith(
        "No upload of plain was interrupted, so there was nothing to avoid: 1.05 against 1.00"
    )


def test_one_arm_alone_with_its_twin() -> None:
    run = MadeRun(arms=("tus", "tus/calm"), baseline="tus")
    cut(run, "tus", 0, 500, 480)
    run.upload("tus/calm").send(0, 1).completed(1)
    assert told(run) == "tus: 1 of 1 uploads completed, 1.02 bytes carried per byte of payload"


def test_nothing_completed() -> None:
    run = MadeRun()
    run.upload("plain").send(0, 1, sent=5, cause=Cause.RESET).censored(60)
    run.upload("tus").send(0, 1, status=413).failed(1, "413")
    assert told(run) == "Nothing was completed within 60 s: 0 of 1 uploads (plain), 0 of 1 uploads (tus)"


def test_an_arm_that_began_nothing() -> None:
    run = MadeRun()
    run.upload("plain").send(0, 1).completed(1)
    assert told(run) == "tus began no upload"


def test_nothing_begun() -> None:
    assert told(MadeRun()) == "No upload was begun"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.97, "97 %"),
        (0.996, "99.6 %"),
        (0.9996, "99.96 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.003, "0.3 %"),
        (-0.12, "-12 %"),
        (-0.0, "0 %"),
    ],
)
def test_percentages_do_not_round_to_all_or_nothing(share: float, text: str) -> None:
    assert percent(share) == text
