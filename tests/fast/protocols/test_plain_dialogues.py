"""The baseline in conversation: whole or from the start again."""

from __future__ import annotations

import pytest

from simulator.errors import UsageError
from simulator.protocols import PROTOCOLS, make_machine
from simulator.protocols.core import Kind, State
from simulator.protocols.machine import Acknowledged, Breach, Restarted
from simulator.protocols.plain import TRANSITIONS
from simulator.protocols.policy import Policy
from simulator.records import Purpose, Why
from tests.helpers.talk import ENDPOINT, UPLOAD, Talk


def test_one_post_carries_everything() -> None:
    talk = Talk("plain", headers=(("Authorization", "Bearer x"),))
    post = talk.hears("POST", 0, 100)
    assert post.purpose is Purpose.CREATE and post.target == ENDPOINT and post.has_body
    assert post.headers == (
        ("Content-Type", "application/octet-stream"),
        ("Content-Disposition", 'attachment; filename="f.bin"'),
        ("Authorization", "Bearer x"),
    )
    talk.answers(201, location="/files/1").sees_done(UPLOAD)
    assert talk.notes == [Acknowledged(100, "final")] and talk.machine.offset == 100


def test_an_answer_without_location_leaves_the_place_open() -> None:
    talk = Talk("plain")
    talk.hears("POST", 0, 100)
    talk.answers(200).sees_done(None)


def test_an_empty_upload_is_one_empty_request() -> None:
    talk = Talk("plain", 0)
    assert talk.hears("POST", 0, 0).has_body
    talk.answers(201, location="/files/1").sees_done()


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [(ENDPOINT, ENDPOINT + "f%20%2F.bin"), ("http://127.0.0.1:1/put", "http://127.0.0.1:1/put")],
)
def test_put_names_its_resource(endpoint: str, target: str) -> None:
    talk = Talk("plain", framing="put", endpoint=endpoint, filename="f /.bin")
    assert talk.hears("PUT", 0, 100).target == target
    talk.answers(201).sees_done(target)


def test_a_cut_begins_again_from_the_first_byte_after_the_back_off() -> None:
    talk = Talk("plain")
    for seconds in (0.0, 1.0, 3.0, 5.0, 5.0):
        talk.hears("POST", 0, 100)
        talk.cuts(99).sees_wait(seconds)
    assert talk.notes == [Restarted("reset")] * 5 and talk.machine.offset == 0


@pytest.mark.parametrize(
    ("status", "wait"),
    [
        (408, (5.0, Why.RETRY_AFTER)),
        (429, (5.0, Why.BLOCKED)),
        (503, (5.0, Why.BLOCKED)),
        (500, (5.0, Why.RETRY_AFTER)),
    ],
)
def test_refusals_for_now_are_tried_again_when_the_server_says(status: int, wait: tuple[float, Why]) -> None:
    talk = Talk("plain")
    talk.hears("POST", 0, 100)
    talk.answers(status, retry_after=5).sees_wait(*wait)
    talk.hears("POST", 0, 100)
    assert talk.notes == [Restarted(str(status))]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 423, 460, 301, 308])
def test_permanent_errors_fail(status: int) -> None:
    talk = Talk("plain")
    talk.hears("POST", 0, 100)
    talk.answers(status).sees_failure("POST", str(status))
    assert talk.notes == []


def test_success_before_everything_was_sent_is_a_breach_and_fails() -> None:
    talk = Talk("plain")
    talk.hears("POST", 0, 100)
    talk.answers(200, sent=60).sees_failure("200 after 60 of 100 bytes")
    assert isinstance(talk.notes[0], Breach)


def test_bounded_retries_end_it_without_a_restart_that_never_happens() -> None:
    talk = Talk("plain", policy=Policy(retries=1))
    talk.hears("POST", 0, 100)
    talk.cuts(1).sees_wait(0.0)
    talk.hears("POST", 0, 100)
    talk.cuts(2).sees_failure("no progress in 2 attempts", "reset")
    assert talk.notes == [Restarted("reset")]


# Where a server takes no bare POST


def test_the_baseline_on_a_tus_server_is_one_creation_with_all_content() -> None:
    talk = Talk("plain", framing="tus")
    headers = dict(talk.hears("POST", 0, 100).headers)
    assert headers["Upload-Length"] == "100" and headers["Tus-Resumable"] == "1.0.0"
    assert (
        headers["Content-Type"] == "application/offset+octet-stream"
        and "filename " in headers["Upload-Metadata"]
    )
    talk.answers(201, location="1", upload_offset=100).sees_done(UPLOAD)


def test_a_part_kept_by_a_tus_server_counts_as_an_interruption() -> None:
    talk = Talk("plain", framing="tus")
    talk.hears("POST", 0, 100)
    talk.answers(201, location="1", upload_offset=40).sees_wait(0.0)
    talk.hears("POST", 0, 100)
    assert talk.notes == [Restarted("201")] and talk.machine.offset == 0


@pytest.mark.parametrize("offset", [None, "101", "-1", "61"])
def test_an_offset_that_cannot_be_fails_the_baseline_too(offset: str | None) -> None:
    talk = Talk("plain", framing="tus")
    talk.hears("POST", 0, 100)
    talk.answers(201, sent=60, location="1", **({"upload_offset": offset} if offset else {}))
    talk.sees_failure("Upload-Offset")
    assert isinstance(talk.notes[0], Breach)


def test_an_empty_baseline_on_a_tus_server_needs_no_offset() -> None:
    talk = Talk("plain", 0, framing="tus")
    assert "Content-Type" not in dict(talk.hears("POST").headers)
    talk.answers(201, location="1").sees_done()


# The registry


def test_the_table_has_an_answer_for_every_kind() -> None:
    assert {state: set(row) for state, row in TRANSITIONS.items()} == {State.CREATE: set(Kind)}


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"protocol": "tuss"}, "did you mean 'tus'"),
        ({"framing": "putt"}, "did you mean 'put'"),
        ({"size": -1}, "0 bytes or more"),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_hint(wrong: dict[str, object], hint: str) -> None:
    good = {"protocol": "plain", "endpoint": ENDPOINT, "size": 1, "filename": "f", "policy": Policy()}
    with pytest.raises(UsageError, match=hint):
        make_machine(**{**good, **wrong})  # type: ignore[arg-type]


def test_the_name_of_a_protocol_is_its_key() -> None:
    assert all(spec.name == name and "" in spec.framings for name, spec in PROTOCOLS.items())


@pytest.mark.parametrize(
    "wrong", [{"piece": 0}, {"jitter": 1.5}, {"backoff": (-1.0,)}, {"blocked_wait": -1.0}]
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Policy(**wrong)  # type: ignore[arg-type]


def test_a_policy_survives_its_record() -> None:
    policy = Policy(piece=5, backoff=(1.0, 2.0), retries=3)
    assert Policy.from_dict(policy.to_dict()) == policy
