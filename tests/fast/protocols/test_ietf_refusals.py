"""The machine for resumable uploads where it is refused, limited, sent elsewhere or gives up."""

from __future__ import annotations

import pytest

from simulator.protocols.core import Kind, State
from simulator.protocols.ietf import REDIRECTS, REQUESTS, TRANSITIONS
from simulator.protocols.machine import Acknowledged, Failed, Restarted
from simulator.protocols.policy import Policy
from simulator.protocols.resuming import RESTARTS, SMALLEST_PIECE
from simulator.records import Cause, Purpose, Why
from tests.helpers.ietftalk import (
    ALL,
    COMPLETE,
    INCOMPLETE,
    KNOWN,
    V9,
    appending,
    begun,
    breaches,
    field_of,
    interrupted,
    problem,
    said,
    talk_of,
)
from tests.helpers.talk import UPLOAD

# Limits


def test_max_append_size_bounds_the_pieces_and_may_change() -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    talk.informs(upload_limit="max-append-size=30", **V9).cuts(0).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=0, upload_length=100, upload_limit="max-append-size=30", **INCOMPLETE)
    talk.hears("PATCH", 0, 30)
    talk.answers(204, upload_limit="max-append-size=50, min-append-size=10", **INCOMPLETE)
    talk.hears("PATCH", 30, 80)
    talk.answers(204, **INCOMPLETE)
    talk.hears("PATCH", 80, 100)


def test_min_append_size_makes_pieces_longer_but_for_the_last() -> None:
    talk = appending(policy=Policy(piece=10))
    talk.hears("PATCH", 0, 10)
    talk.answers(204, upload_limit="min-append-size=45", **INCOMPLETE)
    for start, stop in ((10, 55), (55, 100)):
        talk.hears("PATCH", start, stop)
        talk.answers(204, upload_complete="?1" if stop == 100 else "?0")
    talk.sees_done()


@pytest.mark.parametrize(
    "limit",
    [
        "max-append-size=?1, max-size=5",
        "max-append-size",
        "max-append-size=5.0",
        "max-append-size=(5)",
        "max-append-size=-5",
        'max-append-size=5, max-age="soon"',
        "max-append-size=5,, max-size=1",
        "MAX-append-size=5",
        "later=5, sooner=?0",
    ],
)
def test_limits_of_another_type_are_ignored_and_so_are_unknown_keys(limit: str) -> None:
    talk = begun(policy=Policy(piece=60)).informs(upload_limit=limit, **V9)
    talk.answers(201, location="/files/1", **INCOMPLETE)
    talk.hears("PATCH", 60, 100)


@pytest.mark.parametrize(
    "limit", ["max-size=99", "max-append-size=0", "max-append-size=5, min-append-size=6"]
)
def test_limits_that_cannot_be_kept_cancel_the_upload(limit: str) -> None:
    talk = begun().informs(upload_limit=limit, **V9)
    talk.cuts(50).sees_wait(0.0)
    assert talk.hears("DELETE").purpose is Purpose.CANCEL
    talk.answers(204).sees_failure("Upload-Limit says")


def test_limits_that_a_refused_creation_tells_fail_it_at_once() -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.answers(413, sent=0, upload_limit="max-size=99").sees_failure("max-size=99", "100 bytes")


@pytest.mark.parametrize("interop", (3, 4, 5))
def test_versions_without_limits_know_none(interop: int) -> None:
    talk = appending(interop)
    talk.hears("PATCH", 0, 100)
    talk.informs(upload_draft_interop_version=interop, upload_limit="max-size=1").cuts(0).sees_wait(0.0)
    talk.hears("HEAD")


def test_limits_that_change_are_a_breach_where_the_draft_says_so() -> None:
    for interop, told in ((7, 1), (8, 0), (9, 0)):
        talk = appending(interop, policy=Policy(piece=10))
        for start, limit in ((0, "max-append-size=50"), (10, "max-append-size=40, max-age=3")):
            talk.hears("PATCH", start, start + 10)
            talk.answers(204, upload_limit=limit, **INCOMPLETE)
        assert len(breaches(talk)) == told


def test_413_halves_the_piece_down_to_a_bound() -> None:
    size = 4 * SMALLEST_PIECE
    talk = appending(size=size)
    known = {**KNOWN, "upload_length": size}
    for length in (4, 2, 1):
        talk.hears("PATCH", 0, length * SMALLEST_PIECE)
        talk.answers(413, sent=0)
        if length > 1:
            assert talk.next() is not None  # a wait
            talk.hears("HEAD")
            talk.answers(200, upload_offset=0, **INCOMPLETE, **known)
    talk.sees_failure("413")


def test_413_with_a_limit_goes_by_the_limit_and_a_creation_becomes_a_part() -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.answers(413, sent=0, upload_limit="max-append-size=30").sees_wait(0.0)
    create = talk.hears("POST", 0, 30)
    assert field_of(create, "Upload-Complete") == "?0" and field_of(create, "Upload-Length") == "100"


def test_413_in_a_creation_whose_place_is_known_is_gone_on_with_there() -> None:
    talk = begun().informs(upload_offset=10, **V9)
    talk.answers(413, sent=20, upload_limit="max-append-size=30").sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=15, **INCOMPLETE, **KNOWN)
    talk.hears("PATCH", 15, 45)  # the query tells no such limit: what went well once is kept to


# Refusals


@pytest.mark.parametrize("interop", ALL)
def test_409_with_the_offset_is_appended_to_there(interop: int) -> None:
    talk = appending(interop)
    talk.hears("PATCH", 0, 100)
    talk.answers(409, upload_offset=30, **said(interop, complete=False))
    talk.hears("PATCH", 30, 100)
    assert talk.notes[-1] == Acknowledged(30, "final") and not breaches(talk)


@pytest.mark.parametrize("interop", ALL)
def test_409_without_the_offset_is_asked_about(interop: int) -> None:
    talk = appending(interop)
    talk.hears("PATCH", 0, 100)
    talk.answers(409, **said(interop, complete=False))
    talk.hears("HEAD")


@pytest.mark.parametrize("interop", ALL)
def test_409_without_a_completeness_may_be_of_a_hop_and_ends_the_upload_in_version_9(interop: int) -> None:
    talk = appending(interop)
    talk.hears("PATCH", 0, 100)
    talk.answers(409)
    if interop == 9:
        talk.sees_failure("PATCH was answered 409")
    else:
        talk.hears("HEAD")


def test_409_with_the_problem_of_a_mismatch_is_the_uploads_own() -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    headers, body = problem("mismatching-upload-offset")
    talk.answers_with(409, (*headers, ("upload-offset", "30")), body=body)
    talk.hears("PATCH", 30, 100)


def test_409_that_names_the_very_offset_is_asked_about_and_the_next_after_a_pause() -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    talk.answers(409, upload_offset=0, **INCOMPLETE)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=0, **INCOMPLETE, **KNOWN)
    talk.hears("PATCH", 0, 100)
    talk.answers(409, upload_offset=0, **INCOMPLETE).sees_wait(1.0, Why.BLOCKED)


def test_409_with_an_offset_that_shrank_is_a_breach() -> None:
    talk = appending(policy=Policy(piece=60))
    talk.hears("PATCH", 0, 60)
    talk.answers(204, **INCOMPLETE)
    talk.hears("PATCH", 60, 100)
    talk.answers(409, upload_offset=40, **INCOMPLETE)
    talk.hears("DELETE")
    talk.answers(204).sees_failure("decreased from 60 to 40")


@pytest.mark.parametrize("status", [423, 429, 503])
def test_what_is_refused_for_now_waits_and_asks(status: int) -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    talk.answers(status, sent=30).sees_wait(1.0, Why.BLOCKED)
    talk.hears("HEAD")
    talk.answers(status, retry_after=7).sees_wait(7.0, Why.BLOCKED)
    talk.hears("HEAD")


@pytest.mark.parametrize("status", [408, 500, 502, 504])
def test_an_error_of_the_moment_backs_off_and_asks(status: int) -> None:
    talk = begun()
    talk.answers(status).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(status).sees_wait(1.0)
    talk.hears("HEAD")
    talk.cuts(0, Cause.STALLED).sees_wait(3.0)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_upload_that_is_gone_begins_anew_with_its_limits_kept(status: int) -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    talk.answers(status, upload_limit="max-append-size=70").sees_wait(0.0)
    talk.hears("POST")
    assert talk.notes[-1] == Restarted(f"PATCH: {status}")
    talk.answers(201, location="/files/2", **INCOMPLETE)
    assert talk.hears("PATCH", 0, 70).target.endswith("/files/2")


def test_a_server_that_forgets_again_and_again_is_given_up() -> None:
    talk = talk_of(9, "+careful")
    for _ in range(RESTARTS + 1):
        talk.hears("POST")
        talk.answers(201, location="/files/1", **INCOMPLETE)
        talk.hears("PATCH", 0, 100)
        talk.answers(404)
        step = talk.next()
    assert isinstance(step, Failed) and "forgets" in step.why


@pytest.mark.parametrize("interop", [7, 8])
def test_412_says_which_version_the_server_does_not_speak(interop: int) -> None:
    talk = talk_of(interop)
    talk.hears("POST", 0, 100)
    talk.answers(412, sent=0).sees_failure(f"does not speak interop version {interop}")


def test_a_refusal_shows_its_problem() -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    headers, body = problem("inconsistent-upload-length", "lengths differ")
    talk.answers_with(400, headers, body=body).sees_failure("400", "lengths differ")


@pytest.mark.parametrize("status", [400, 410])
def test_completed_upload_is_the_end_when_the_completing_answer_got_lost(status: int) -> None:
    talk = appending(8)
    talk.hears("PATCH", 0, 100)
    talk.cuts(100).sees_wait(0.0)
    talk.hears("HEAD")
    headers, body = problem("completed-upload")
    talk.answers_with(status, headers, body=body).sees_done()


def test_completed_upload_without_having_completed_it_is_a_breach() -> None:
    talk = appending(8)
    talk.hears("PATCH", 0, 100)
    talk.cuts(99).sees_wait(0.0)
    talk.hears("HEAD")
    headers, body = problem("completed-upload")
    talk.answers_with(410, headers, body=body)
    talk.hears("DELETE")
    talk.answers(204).sees_failure("this client completed nothing")


# Redirects


def test_a_creation_follows_308_for_good_and_307_once() -> None:
    talk = talk_of(9, "+careful")
    talk.hears("POST")
    talk.answers(308, location="/new/")
    assert talk.hears("POST").target == "http://127.0.0.1:1080/new/"
    talk.answers(307, location="http://localhost:99/once")
    assert talk.hears("POST").target == "http://localhost:99/once"
    talk.cuts(0).sees_wait(0.0)
    assert talk.hears("POST").target == "http://127.0.0.1:1080/new/"
    assert talk.notes == []


def test_a_query_follows_307_and_the_append_after_it_goes_there_too() -> None:
    talk = interrupted()
    talk.answers(307, location="/moved/1")
    assert talk.hears("HEAD").target == "http://127.0.0.1:1080/moved/1"
    talk.answers(200, upload_offset=50, **INCOMPLETE, **KNOWN)
    assert talk.hears("PATCH", 50, 100).target == "http://127.0.0.1:1080/moved/1"
    talk.cuts(0).sees_wait(0.0)
    assert talk.hears("HEAD").target == UPLOAD


def test_an_append_follows_308_from_the_same_offset() -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    talk.answers(308, sent=0, location="/moved/1")
    assert talk.hears("PATCH", 0, 100).target == "http://127.0.0.1:1080/moved/1"
    talk.answers(200, **COMPLETE).sees_done("http://127.0.0.1:1080/moved/1")


def test_a_redirected_creation_whose_place_is_known_is_asked_there() -> None:
    talk = begun().informs(upload_offset=10, **V9)
    talk.answers(307, sent=20, location="/other/")
    assert talk.hears("HEAD").target == UPLOAD


def test_redirects_without_end_end() -> None:
    talk = appending()
    for _ in range(REDIRECTS + 1):
        talk.hears("PATCH", 0, 100)
        talk.answers(307, sent=0, location="/files/1")
    talk.sees_failure("redirected 6 times in a row")


@pytest.mark.parametrize("place", [{}, {"location": "gopher://h/"}, {"location": "http://["}])
def test_a_redirect_to_no_url_is_a_breach(place: dict[str, str]) -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.answers(307, 0, **place).sees_failure("RFC 9110, Redirection 3xx")


@pytest.mark.parametrize("status", [301, 302, 303])
def test_redirects_that_may_change_the_method_are_not_followed(status: int) -> None:
    talk = interrupted()
    talk.answers(status, location="/moved/1").sees_failure(str(status), "redirects are not followed")
    assert bool(breaches(talk)) == (status != 303)
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.answers(status, location="/moved/1").sees_failure("redirects are not followed")


# Giving up


@pytest.mark.parametrize("status", [204, 404, 301, 500])
def test_an_upload_is_cancelled_once_whatever_is_answered(status: int) -> None:
    talk = interrupted()
    talk.answers(200, **INCOMPLETE, **KNOWN)
    cancel = talk.hears("DELETE")
    assert cancel.purpose is Purpose.CANCEL and not cancel.has_body and cancel.target == UPLOAD
    assert cancel.headers == (("Upload-Draft-Interop-Version", "9"),)
    talk.answers(status, location="/x").sees_failure("Upload-Offset is missing")


def test_bounded_retries_end() -> None:
    talk = begun(policy=Policy(retries=1))
    talk.cuts(0).sees_wait(0.0)
    talk.hears("HEAD")
    talk.cuts(0).sees_failure("no progress in 2 attempts")


# The table


def test_the_table_has_an_answer_for_every_kind_in_every_state_that_asks() -> None:
    assert set(TRANSITIONS) == set(REQUESTS) == {State.CREATE, State.APPEND, State.QUERY, State.CANCEL}
    assert all(set(row) == set(Kind) for row in TRANSITIONS.values())
