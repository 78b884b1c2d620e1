"""Bytes of an arm: small stories with the sums worked out by hand."""

from __future__ import annotations

import pytest

from simulator.measure.bytes import byte_numbers, losses
from simulator.measure.models import Number
from simulator.records import Cause
from tests.helpers.made_records import ANSWER, HEAD, MadeRun


def numbers(run: MadeRun, arm: str = "tus") -> dict[str, Number]:
    return byte_numbers(run.dataset().uploads[arm])


def one_cut(run: MadeRun, arm: str = "tus", user: int = 0) -> None:
    """700 sent and 600 carried of 1000, of which the server has 500; then the other 500."""
    upload = run.upload(arm, user=user, size=1000)
    upload.send(0, 1, sent=700, carried=600, length=1000, cause=Cause.RESET)
    upload.query(1, 1.1, offset=500).send(1.1, 2, start=500).completed(2)


def test_each_sum_is_what_it_says() -> None:
    run = MadeRun()
    one_cut(run)
    found = numbers(run)
    assert {name: found[name].value for name in found} == {
        "payload": 1000,
        "sent": 1200,
        "carried": 1100,
        "overhead": 3 * HEAD + 2 * ANSWER,
        "stored": 1000,
        "retransmitted": 100,
        "amplification": 1.1,
        "lost": 100,
    }
    assert not found["carried"].at_least
    assert found["carried"].method == "C by the engine's counts"


def test_the_amplification_is_a_ratio_of_sums() -> None:
    run = MadeRun(users=2)
    run.upload("tus", user=0, size=9000).send(0, 1).completed(1)
    upload = run.upload("tus", user=1, size=1000)
    upload.send(0, 1, sent=1000, cause=Cause.RESET).send(1, 2).completed(2)
    number = numbers(run)["amplification"]
    assert (number.value, number.n) == (pytest.approx(11 / 10), 2)
    assert number.low is None
    assert "no interval: too few users" in number.method


def test_an_unfinished_upload_makes_it_a_lower_bound() -> None:
    run = MadeRun(users=2)
    one_cut(run)
    run.upload("tus", user=1, size=1000).send(0, 1, sent=300, cause=Cause.RESET).censored(60)
    found = numbers(run)
    assert (found["amplification"].value, found["amplification"].at_least) == (1400 / 2000, True)
    assert found["carried"].at_least
    assert found["retransmitted"].value == 100
    assert found["stored"].value == 1000


def test_five_users_give_an_interval_that_holds_the_estimate() -> None:
    run = MadeRun(users=5)
    for user in range(5):
        upload = run.upload("tus", user=user, size=1000)
        upload.send(0, 1, sent=100 * user, cause=Cause.RESET).send(1, 2).completed(2)
    number = numbers(run)["amplification"]
    assert number.value == pytest.approx(1.2)
    assert number.low is not None and number.high is not None
    assert 1.0 <= number.low < 1.2 < number.high <= 1.4


def test_without_an_engine_the_method_is_named() -> None:
    run = MadeRun()
    upload = run.upload("tus", size=1000)
    upload.send(0, 1, sent=700, carried=-1, unsent=150, cause=Cause.RESET)
    upload.query(1, 1.1, offset=500).send(1.1, 2, start=500, carried=-1).completed(2)
    found = numbers(run)
    assert found["carried"].value == 550 + 500
    assert "1 of 2 requests estimated: the client's socket less its send queue" in found["carried"].method


def test_plain_loses_all_that_an_attempt_carried() -> None:
    run = MadeRun()
    run.upload("plain").send(0, 1, sent=600, cause=Cause.RESET).send(1, 2, sent=300, cause=Cause.RESET).send(
        2, 3
    ).completed(3)
    assert losses(run.dataset().uploads["plain"][0]) == [600, 300]


def test_an_upload_begun_again_loses_what_earlier_attempts_had_brought() -> None:
    run = MadeRun()
    upload = run.upload("tus").send(0, 1, sent=600, cause=Cause.RESET).query(1, 2, offset=600)
    upload.send(2, 3, start=600, sent=100, cause=Cause.RESET).query(3, 4, status=404)
    upload.send(4, 5, start=0).completed(5, restarts=1)
    assert losses(run.dataset().uploads["tus"][0]) == [0, 700]


def test_an_interruption_after_which_nothing_is_known_is_left_out() -> None:
    run = MadeRun()
    run.upload("tus").send(0, 1, sent=600, cause=Cause.RESET).censored(60)
    assert losses(run.dataset().uploads["tus"][0]) == []
    assert numbers(run)["lost"].value is None


def test_no_uploads_give_no_numbers_and_no_error() -> None:
    found = numbers(MadeRun())
    assert (found["payload"].value, found["amplification"].value) == (0, None)


def test_the_loss_per_interruption_is_a_mean_so_that_rare_losses_show() -> None:
    number = lost_of(0, 0, 0, 400)
    assert (number.value, number.n) == (100.0, 4)


def lost_of(*kept_short: int) -> Number:
    """Return the loss of a run with one interruption per user after 500 bytes, of which so many were lost."""
    run = MadeRun(users=len(kept_short))
    for user, short in enumerate(kept_short):
        upload = run.upload("tus", user=user, size=1000)
        upload.send(0, 1, sent=500, length=1000, cause=Cause.RESET)
        upload.query(1, 1.1, offset=500 - short).send(1.1, 2, start=500 - short).completed(2)
    return numbers(run)["lost"]


def test_an_estimate_is_never_less_than_what_the_server_turned_out_to_hold() -> None:
    run = MadeRun()  # a link of 1000 bytes a second, so 0.5 s let 490 pass
    upload = run.upload("tus", size=1000)
    upload.send(0, 0.5, sent=900, carried=-1, cause=Cause.RESET)
    upload.query(0.5, 0.6, offset=700).send(0.6, 2, start=700, carried=-1).completed(2)
    assert numbers(run)["carried"].value == 700 + 300
    assert numbers(run)["amplification"].value == 1
