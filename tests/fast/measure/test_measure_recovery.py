"""Recoveries and their parts, worked out by hand. A link carries 1000 bytes a second, a head has 10."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.measure.recovery import PARTS, Recovery, interruptions, recoveries, recovery_numbers
from simulator.records import Cause, Why
from tests.helpers.made_records import MadeRun, steady


def found(run: MadeRun, arm: str = "tus") -> list[Recovery]:
    return recoveries(run.dataset())[arm]


def parts(**some: float) -> Any:
    return pytest.approx({**dict.fromkeys(PARTS, 0.0), **some})


def test_a_silent_death_is_taken_apart() -> None:
    run = MadeRun(timeline=steady(delay=0.1))
    run.fault("handover", 2.0, until=2.5, arm="tus")
    upload = run.upload("tus", size=9000)
    upload.send(0, 7.0, sent=2000, cause=Cause.STALLED, moved=2.0, fault="handover").wait(7.0, 1.0)
    upload.query(8.0, 8.5, offset=1900).wait(8.5, 0.25, Why.BLOCKED)
    upload.send(8.75, 16.0, start=1900, connected=8.875).completed(16.0)
    [recovery] = found(run)
    # connected at 8.875, one round trip of 0.2 by the engine, head and one byte in 0.011, 0.1 of delay
    assert recovery.parts == parts(
        detect=5.0, backoff=1.0, query=0.5, blocked=0.25, reconnect=0.125, resend=0.2 + 0.011 + 0.1
    )
    assert (recovery.fault, recovery.began) == ("handover", 2.0)
    assert recovery.total == pytest.approx(8.875 + 0.311 - 2.0)


def test_another_engine_plays_no_round_trip_for_new_connections() -> None:
    run = MadeRun(timeline=steady(delay=0.1), engine="toxiproxy")
    upload = run.upload("tus").send(0, 1, sent=100, cause=Cause.RESET)
    upload.send(1, 3, start=100).completed(3)
    assert found(run)[0].parts["resend"] == pytest.approx(0.111)


def test_an_interim_answer_tells_the_first_new_byte_when_it_is_earlier() -> None:
    run = MadeRun(timeline=steady(rate=80))  # 10 bytes a second: the timeline says 1.1 s after
    upload = run.upload("tus").send(0, 1, sent=5, cause=Cause.RESET)
    upload.send(1, 90, start=5).interim(1.5, 5).interim(1.75, 6).completed(90)
    assert found(run)[0].resumed == 1.75


def test_without_a_timeline_it_is_when_the_request_could_send() -> None:
    run = MadeRun()
    upload = run.upload("tus").send(0, 1, sent=100, cause=Cause.RESET)
    upload.send(1, 3, start=100, connected=1.5).completed(3)
    data = type(run.dataset()).of(run.records(), weather=type(run.weather())())
    [recovery] = recoveries(data)["tus"]
    assert (recovery.resumed, recovery.parts["resend"]) == (1.5, 0)


def test_further_cuts_before_anything_moves_belong_to_the_same_recovery() -> None:
    run = MadeRun()
    run.fault("down", 1.0, until=4.0, arm="tus", connections=0)
    upload = run.upload("tus", size=1000).send(0, 1.5, sent=500, cause=Cause.STALLED, moved=1.0)
    upload.send(1.5, 1.75, start=500, sent=0, cause=Cause.REFUSED, port=None, connected=None)
    upload.wait(1.75, 3.0)
    upload.send(4.75, 5.75, start=500, sent=0, cause=Cause.STALLED)
    upload.send(5.75, 6.25, start=500).completed(6.25)
    [recovery] = found(run)
    assert recovery.fault == "down"
    # noticed in 0.5 and again in 1.0; the refused dial is dialling
    assert recovery.parts == parts(detect=1.5, reconnect=0.25, backoff=3.0, resend=0.011)
    assert interruptions(run.dataset().uploads["tus"]) == 3


def test_what_comes_over_after_the_client_gave_up_is_no_progress() -> None:
    run = MadeRun()
    run.fault("down-silent", 1.0, until=4.0, arm="plain", connections=0)
    upload = run.upload("plain", size=1000).send(0, 2, sent=500, cause=Cause.STALLED, moved=1.0)
    upload.send(2, 3, sent=200, carried=-1, cause=Cause.STALLED)  # its connection is taken at 4 s
    run.connection({"user": 0, "arm": "plain"}, 40002, 4.0, 4.5, 210, "client")
    upload.send(3, 5.5, connected=4.0).completed(5.5)
    [recovery] = found(run, "plain")
    assert (recovery.began, recovery.resumed) == (1.0, pytest.approx(4.011))


def test_each_cut_after_some_progress_is_a_recovery_of_its_own() -> None:
    run = MadeRun()
    upload = run.upload("plain", size=1000)
    for t in range(3):
        upload.send(t, t + 1, sent=500, cause=Cause.RESET, moved=t + 0.75)
    upload.send(3, 4).completed(4)
    assert [item.began for item in found(run, "plain")] == [0.75, 1.75, 2.75]
    assert [item.parts["detect"] for item in found(run, "plain")] == [0.25] * 3


def test_an_attempt_of_which_the_server_kept_nothing_is_no_progress_for_a_resumable_protocol() -> None:
    run = MadeRun()
    upload = run.upload("tus", size=1000).send(0, 1, sent=500, cause=Cause.RESET).query(1, 1.5, offset=400)
    upload.send(1.5, 2, start=400, sent=30, cause=Cause.RESET).query(2, 2.5, offset=400)
    upload.send(2.5, 3.5, start=400).completed(3.5)
    [recovery] = found(run)
    assert recovery.parts["query"] == 1.0
    assert recovery.resumed == pytest.approx(2.511)


def test_a_refusal_for_now_is_blocked_time() -> None:
    run = MadeRun()
    upload = run.upload("tus").send(0, 1, sent=500, cause=Cause.RESET)
    upload.query(1, 1.25, status=423).wait(1.25, 1.0, Why.BLOCKED).query(2.25, 2.5, offset=500)
    upload.send(2.5, 3, start=500).completed(3)
    [recovery] = found(run)
    assert (recovery.parts["blocked"], recovery.parts["query"]) == (1.25, 0.25)


def test_an_answer_that_was_lost_is_recovered_from_by_asking() -> None:
    run = MadeRun()
    upload = run.upload("tus", size=1000).send(0, 6, sent=1000, cause=Cause.STALLED, moved=1.0)
    upload.query(6, 6.5, offset=1000).completed(6.5)
    [recovery] = found(run)
    assert recovery.resumed == 6.5
    assert recovery.parts == parts(detect=5.0, query=0.5)


def test_an_upload_that_never_went_on_is_left_out_of_the_medians_and_said_so() -> None:
    run = MadeRun()
    run.upload("tus").send(0, 1, sent=500, cause=Cause.RESET).wait(1, 59).censored(60)
    [recovery] = found(run)
    assert (recovery.resumed, recovery.total) == (None, None)
    numbers = recovery_numbers([recovery])
    assert all(number.value is None for number in numbers.values())


def test_the_median_is_over_all_recoveries_with_how_they_were_found() -> None:
    run = MadeRun(users=3)
    for user, pause in enumerate((1.0, 2.0, 4.0)):
        upload = run.upload("tus", user=user).send(0, 1, sent=500, cause=Cause.RESET, moved=1.0)
        upload.wait(1, pause).send(1 + pause, 3 + pause, start=500).completed(3 + pause)
    run.upload("tus", user=0, upload=1).send(9, 10, sent=5, cause=Cause.RESET).censored(60)
    number = recovery_numbers(found(run))["recovery_backoff"]
    assert (number.value, number.n, number.unit) == (2.0, 3, "s")
    assert "3 of 3 begun at the last moved byte" in number.method
    assert "1 never recovered" in number.method


def test_the_deadline_is_not_an_interruption() -> None:
    run = MadeRun()
    run.upload("tus").send(0, 60, sent=500, cause=Cause.DEADLINE).censored(60)
    assert found(run) == []
    assert interruptions(run.dataset().uploads["tus"]) == 0


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([("reset", 1.5, None, 1)], ("reset", 1.5)),
        ([("reset", 1.5, None, 0)], ("unknown", 1.75)),  # it struck nothing
        ([("reset", 0.5, None, 1)], ("unknown", 1.75)),  # before this connection
        ([("reset", 2.5, None, 1)], ("unknown", 1.75)),  # after the end
        ([("handover", 1.25, 1.5, 1), ("reset", 1.75, None, 1)], ("handover", 1.25)),  # the first one kills
        ([("stall", 1.25, 1.5, 1)], ("unknown", 1.75)),  # over before the last byte moved
        ([("stall", 1.75, 9.0, 1)], ("stall", 1.75)),
        ([("down-silent", 0.5, 9.0, 0)], ("down-silent", 1.0)),  # held before the request began
        ([("slow", 1.5, 9.0, 1)], ("unknown", 1.75)),  # a slow link ends nothing
    ],
)
def test_the_fault_behind_an_interruption(
    faults: list[tuple[str, float, float | None, int]], expected: tuple[str, float]
) -> None:
    run = MadeRun()
    for kind, t, until, connections in faults:
        run.fault(kind, t, until=until, arm="tus", connections=connections)
    run.upload("tus").send(1, 2, sent=500, cause=Cause.RESET, moved=1.75).censored(60)
    [recovery] = found(run)
    assert (recovery.fault, recovery.began) == expected


@pytest.mark.parametrize(("connections", "kind"), [(None, "reset"), (1, "reset"), (0, "unknown")])
def test_a_fault_whose_connections_nobody_counted_may_have_ended_any(
    connections: int | None, kind: str
) -> None:
    run = MadeRun(engine="toxiproxy")
    run.fault("reset", 0.9, arm="tus", connections=connections)
    upload = run.upload("tus").send(0, 1, sent=100, carried=-1, cause=Cause.RESET)
    upload.send(1, 3, start=100).completed(3)
    assert found(run)[0].fault == kind
