"""The tus machine in conversation: each test is one exchange with a server, in its order."""

from __future__ import annotations

import base64

import pytest

from simulator.protocols.core import Kind, State
from simulator.protocols.machine import Acknowledged, Breach, Failed, Restarted, Send
from simulator.protocols.policy import Policy
from simulator.protocols.resuming import RESTARTS, SMALLEST_PIECE
from simulator.protocols.tus import REQUESTS, TRANSITIONS
from simulator.records import Cause, Purpose, Why
from tests.helpers.talk import ENDPOINT, UPLOAD, Talk

TUS = {"tus_resumable": "1.0.0"}
KNOWN = {**TUS, "upload_length": 100, "cache_control": "no-store"}


def created(size: int = 100, policy: Policy | None = None) -> Talk:
    """Return a talk whose upload exists at /files/1 and has nothing yet."""
    talk = Talk("tus", size, policy)
    talk.hears("POST")
    return talk.answers(201, location="/files/1", **TUS)


def interrupted(size: int = 100, sent: int = 60, policy: Policy | None = None) -> Talk:
    """Return a talk whose first append was cut and which is about to ask for the offset."""
    talk = created(size, policy)
    talk.hears("PATCH", 0, size)
    talk.cuts(sent).sees_wait(0.0)
    return talk


# The way without trouble


def test_an_upload_is_created_empty_and_sent_in_one_append() -> None:
    talk = Talk("tus", 100, headers=(("Authorization", "Bearer x"),))
    create = talk.hears("POST")
    assert create.purpose is Purpose.CREATE and create.target == ENDPOINT and create.has_body
    talk.answers(201, location="/files/1", **TUS)
    append = talk.hears("PATCH", 0, 100)
    assert append.target == UPLOAD and append.purpose is Purpose.APPEND
    assert append.headers == (
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
        ("Authorization", "Bearer x"),
    )
    talk.answers(204, upload_offset=100, **TUS).sees_done()
    assert talk.notes == [Acknowledged(100, "final")]


def test_metadata_carries_name_and_type_in_base64() -> None:
    metadata = dict(Talk("tus", 7, filename="naïve, b.bin").hears("POST").headers)["Upload-Metadata"]
    pairs = {
        key: base64.b64decode(value).decode() for key, value in (p.split(" ") for p in metadata.split(","))
    }
    assert pairs == {"filename": "naïve, b.bin", "filetype": "application/octet-stream"}


def test_pieces_follow_one_another() -> None:
    talk = created(policy=Policy(piece=40))
    for start, stop in ((0, 40), (40, 80), (80, 100)):
        talk.hears("PATCH", start, stop)
        talk.answers(204, upload_offset=stop, **TUS)
    talk.sees_done()


def test_creation_with_upload_carries_the_first_piece() -> None:
    talk = Talk("tus", 100, Policy(piece=40), variant="creation-with-upload")
    create = talk.hears("POST", 0, 40)
    assert ("Content-Type", "application/offset+octet-stream") in create.headers
    talk.answers(201, location="/files/1", upload_offset=40, **TUS)
    talk.hears("PATCH", 40, 80)


def test_creation_with_upload_may_keep_a_part_only() -> None:
    talk = Talk("tus", 100, variant="creation-with-upload")
    talk.hears("POST", 0, 100)
    talk.answers(201, sent=30, location="/files/1", upload_offset=30, **TUS)
    talk.hears("PATCH", 30, 100)


@pytest.mark.parametrize("variant", ["", "creation-with-upload"])
def test_an_empty_upload_is_complete_after_its_creation(variant: str) -> None:
    talk = Talk("tus", 0, variant=variant)
    create = talk.hears("POST")
    assert ("Upload-Length", "0") in create.headers and "Content-Type" not in dict(create.headers)
    talk.answers(201, location="/files/1", **TUS).sees_done()


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/files/1", UPLOAD),
        ("1", UPLOAD),
        ("http://127.0.0.1:1080/files/1", UPLOAD),
        ("//127.0.0.1:1080/files/1", UPLOAD),
        ("?id=1", "http://127.0.0.1:1080/files/?id=1"),
        ("https://localhost/other/1", "https://localhost/other/1"),
    ],
)
def test_location_may_be_relative_or_absolute(location: str, target: str) -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.answers(201, location=location, **TUS)
    assert talk.hears("PATCH", 0, 100).target == target


# Interruptions


def test_after_a_cut_the_offset_is_asked_for_and_the_rest_sent() -> None:
    talk = interrupted(sent=60)
    query = talk.hears("HEAD")
    assert query.purpose is Purpose.QUERY and not query.has_body and query.target == UPLOAD
    talk.answers(200, upload_offset=50, **KNOWN)
    assert talk.machine.offset == 50
    talk.hears("PATCH", 50, 100)
    talk.answers(204, upload_offset=100, **TUS).sees_done()
    assert talk.notes == [Acknowledged(50, "query"), Acknowledged(100, "final")]


def test_a_query_that_shows_everything_ends_the_upload_although_the_append_failed() -> None:
    talk = created()
    talk.hears("PATCH", 0, 100)
    talk.answers(502).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=100, **KNOWN).sees_done()


def test_back_off_grows_without_progress_and_begins_again_with_it() -> None:
    talk = interrupted()
    for seconds in (1.0, 3.0, 5.0, 5.0):
        talk.hears("HEAD")
        talk.cuts(0, Cause.STALLED).sees_wait(seconds)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=10, **KNOWN)
    talk.hears("PATCH", 10, 100)
    talk.cuts(5).sees_wait(0.0)


def test_jitter_comes_from_the_noise_alone() -> None:
    talk = Talk("tus", policy=Policy(backoff=(10.0,), jitter=0.5), noise=(0.0, 1.0, 0.5))
    for seconds in (10.0, 5.0, 7.5, 10.0):
        talk.hears("POST")
        talk.cuts(0).sees_wait(seconds)


def test_a_creation_whose_answer_got_lost_is_made_again_at_another_url() -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.cuts(0, Cause.CLOSED).sees_wait(0.0)
    talk.hears("POST")
    talk.answers(201, location="/files/2", **TUS)
    assert talk.hears("PATCH", 0, 100).target.endswith("/2")
    assert talk.notes == [], "nothing was sent twice"


def test_content_of_a_creation_whose_answer_got_lost_is_sent_again_and_noted() -> None:
    talk = Talk("tus", variant="creation-with-upload")
    talk.hears("POST", 0, 100)
    talk.cuts(70).sees_wait(0.0)
    talk.hears("POST", 0, 100)
    assert talk.notes == [Restarted("POST: reset")]


def test_an_append_of_which_nothing_was_kept_is_not_repeated_at_once() -> None:
    talk = created()
    talk.hears("PATCH", 0, 100)
    talk.answers(204, upload_offset=0, **TUS).sees_wait(0.0)
    talk.hears("PATCH", 0, 100)
    talk.answers(204, upload_offset=0, **TUS).sees_wait(1.0)


def test_a_server_that_keeps_a_part_and_says_so_is_sent_the_rest_at_once() -> None:
    talk = created()
    talk.hears("PATCH", 0, 100)
    talk.answers(204, sent=60, upload_offset=40, **TUS)
    talk.hears("PATCH", 40, 100)


def test_one_byte_short_of_the_whole_is_not_done() -> None:
    talk = created()
    talk.hears("PATCH", 0, 100)
    talk.answers(204, upload_offset=99, **TUS)
    talk.hears("PATCH", 99, 100)
    talk.cuts(0).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=99, **KNOWN)
    talk.hears("PATCH", 99, 100)


# Refusals for now


def test_409_asks_for_the_offset_and_appends_there() -> None:
    talk = interrupted()
    talk.hears("HEAD")
    talk.answers(200, upload_offset=40, **KNOWN)
    talk.hears("PATCH", 40, 100)
    talk.answers(409)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=55, **KNOWN)
    talk.hears("PATCH", 55, 100)


def test_409_again_and_again_pauses_in_between() -> None:
    talk = created()
    for pauses in (False, True, True):
        talk.hears("PATCH", 0, 100)
        talk.answers(409)
        if pauses:
            talk.sees_wait(1.0, Why.BLOCKED)
        talk.hears("HEAD")
        talk.answers(200, upload_offset=0, **KNOWN)


@pytest.mark.parametrize("status", [423, 429, 503])
def test_a_server_that_blocks_is_waited_for_and_then_asked(status: int) -> None:
    talk = created(policy=Policy(blocked_wait=2.5))
    talk.hears("PATCH", 0, 100)
    talk.answers(status).sees_wait(2.5, Why.BLOCKED)
    talk.hears("HEAD")
    talk.answers(status, retry_after=7).sees_wait(7.0, Why.BLOCKED)
    talk.hears("HEAD")


@pytest.mark.parametrize("status", [423, 429, 503])
def test_a_creation_that_is_blocked_is_made_later(status: int) -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.answers(status, retry_after=4).sees_wait(4.0, Why.BLOCKED)
    talk.hears("POST")


@pytest.mark.parametrize("status", [408, 500, 502, 504, 599])
def test_transient_errors_are_followed_by_back_off_and_a_query(status: int) -> None:
    talk = created()
    talk.hears("PATCH", 0, 100)
    talk.answers(status).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(status, retry_after=9).sees_wait(9.0, Why.RETRY_AFTER)
    talk.hears("HEAD")


def test_460_asks_and_sends_the_same_bytes_again() -> None:
    talk = created(policy=Policy(piece=50))
    talk.hears("PATCH", 0, 50)
    talk.answers(460).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=0, **KNOWN)
    talk.hears("PATCH", 0, 50)


def test_bounded_retries_end_a_checksum_that_never_matches() -> None:
    talk = created(policy=Policy(retries=2))
    for _ in range(3):
        talk.hears("PATCH", 0, 100)
        talk.answers(460)
        if isinstance(step := talk.next(), Failed):
            break
        talk.hears("HEAD")
        talk.answers(200, upload_offset=0, **KNOWN)
    assert isinstance(step, Failed) and "no progress in 3 attempts" in step.why and "460" in step.why


# The upload is gone


@pytest.mark.parametrize("status", [403, 404, 410])
@pytest.mark.parametrize("during", ["PATCH", "HEAD"])
def test_an_upload_that_is_gone_is_created_anew(status: int, during: str) -> None:
    talk = interrupted() if during == "HEAD" else created()
    talk.hears(*(("HEAD",) if during == "HEAD" else ("PATCH", 0, 100)))
    talk.answers(status)
    assert talk.notes == [Restarted(f"{during}: {status}")]
    assert talk.machine.offset == 0
    talk.next()  # the back-off's wait
    talk.hears("POST")


def test_a_new_upload_cannot_have_what_was_sent_to_the_one_before() -> None:
    talk = created()
    talk.hears("PATCH", 0, 100)
    talk.answers(404).sees_wait(0.0)
    talk.hears("POST")
    talk.answers(201, location="/files/2", **TUS)
    talk.hears("PATCH", 0, 100)
    talk.cuts(10)
    talk.next()  # the back-off's wait
    talk.hears("HEAD")
    talk.answers(200, upload_offset=50, **KNOWN).sees_failure("50 lies beyond 10")


def forget(talk: Talk, stored: int) -> None:
    """Let the machine create an upload, store some of it, then lose it."""
    talk.hears("POST")
    talk.answers(201, location="/files/1", **TUS)
    talk.hears("PATCH", 0, 100)
    talk.answers(204, sent=stored, upload_offset=stored, **TUS)
    if stored:
        talk.hears("PATCH", stored, 100)
        talk.answers(404)
    else:
        talk.next()
        talk.hears("PATCH", 0, 100)
        talk.answers(404)


@pytest.mark.parametrize("stored", [0, 30])
def test_a_server_that_forgets_again_and_again_is_given_up(stored: int) -> None:
    talk = Talk("tus")
    for _ in range(RESTARTS):
        forget(talk, stored)
        talk.next()  # the back-off's wait
    forget(talk, stored)
    talk.sees_failure("forgets uploads", "404")


def test_getting_further_than_ever_begins_the_count_of_restarts_again() -> None:
    talk = Talk("tus")
    for stored in range(1, RESTARTS + 5):
        forget(talk, stored)
        talk.next()
    talk.hears("POST")


# Permanent errors


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 415, 418, 301, 307, 100])
def test_a_creation_that_is_refused_fails(status: int) -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.answers(status).sees_failure("POST", str(status))


@pytest.mark.parametrize("status", [400, 401, 405, 415, 301, 307])
@pytest.mark.parametrize("during", ["PATCH", "HEAD"])
def test_a_request_that_is_refused_fails_the_upload(status: int, during: str) -> None:
    talk = interrupted() if during == "HEAD" else created()
    talk.hears(*(("HEAD",) if during == "HEAD" else ("PATCH", 0, 100)))
    talk.answers(status, location="/elsewhere").sees_failure(during, str(status), "/elsewhere")


def test_412_names_the_versions_that_the_server_speaks() -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.answers(412, tus_version="0.2.2,0.2.1").sees_failure("0.2.2,0.2.1", "1.0.0")
    assert talk.notes == []


def test_412_without_versions_is_a_breach() -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.answers(412).sees_failure("412")
    assert talk.notes == [Breach("tus 1.0.0, Headers: Tus-Resumable", "412 without Tus-Version")]


def test_413_makes_pieces_half_as_long_until_they_pass() -> None:
    size = 5 * SMALLEST_PIECE
    talk = created(size)
    stop = size
    for stop in (size, size // 2, size // 4):
        talk.hears("PATCH", 0, stop)
        talk.answers(413, sent=0)
        talk.hears("HEAD")
        talk.answers(200, upload_offset=0, upload_length=size, **TUS)
    talk.hears("PATCH", 0, SMALLEST_PIECE)
    talk.answers(204, upload_offset=SMALLEST_PIECE, **TUS)
    talk.hears("PATCH", SMALLEST_PIECE, 2 * SMALLEST_PIECE)
    talk.answers(413).sees_failure("413", str(SMALLEST_PIECE))


def test_413_on_an_empty_creation_fails() -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.answers(413).sees_failure("413")


def test_413_on_a_creation_with_content_tries_it_without() -> None:
    talk = Talk("tus", variant="creation-with-upload")
    talk.hears("POST", 0, 100)
    talk.answers(413)
    talk.hears("POST", 0, 0)
    talk.answers(413).sees_failure("413")


def test_413_that_names_the_greatest_size_fails_at_once() -> None:
    talk = Talk("tus", variant="creation-with-upload")
    talk.hears("POST", 0, 100)
    talk.answers(413, tus_max_size=10).sees_failure("413")


# Breaches


def test_a_creation_without_location_is_a_breach_and_fails() -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.answers(201, **TUS).sees_failure("Location")
    assert talk.notes == [Breach("tus 1.0.0, Creation, Requests: POST", "201 without Location")]


@pytest.mark.parametrize(
    "location", ["ftp://host/1", "http://[", "http://h:99999/1", "https:///1", "a b", "\x7f"]
)
def test_a_location_that_is_no_http_url_is_a_breach_and_fails(location: str) -> None:
    talk = Talk("tus")
    talk.hears("POST")
    talk.answers(201, location=location, **TUS).sees_failure("Location")
    assert isinstance(talk.notes[-1], Breach)


BAD_OFFSETS = {
    "": "not a non-negative integer",
    "+5": "not a non-negative integer",
    "-1": "not a non-negative integer",
    "5.0": "not a non-negative integer",
    "１": "not a non-negative integer",
    "5, 5": "not a non-negative integer",
    "9" * 5000: "not a non-negative integer",
    "101": "beyond the length 100",
    "999999999999": "beyond the length 100",
    "10": "decreased from 20 to 10",
    "61": "beyond 60, the end of what was sent",
}


@pytest.mark.parametrize(("offset", "evidence"), BAD_OFFSETS.items(), ids=lambda text: text[:12])
@pytest.mark.parametrize("during", ["PATCH", "HEAD"])
def test_an_offset_that_cannot_be_is_a_breach_and_fails(offset: str, evidence: str, during: str) -> None:
    talk = created()
    talk.hears("PATCH", 0, 100)
    talk.answers(204, sent=20, upload_offset=20, **TUS)
    talk.hears("PATCH", 20, 100)
    if during == "PATCH":
        talk.answers(204, sent=40, upload_offset=offset, **TUS)
    else:
        talk.cuts(40).sees_wait(0.0)
        talk.hears("HEAD")
        talk.answers(200, upload_offset=offset, **KNOWN)
    talk.sees_failure("broke a rule", evidence)
    breach = talk.notes[-1]
    assert isinstance(breach, Breach) and evidence in breach.evidence and len(breach.evidence) < 200
    assert breach.rule.startswith("tus 1.0.0, ")


@pytest.mark.parametrize("during", ["POST", "PATCH", "HEAD"])
def test_an_answer_without_its_offset_is_a_breach_and_fails(during: str) -> None:
    if during == "POST":
        talk = Talk("tus", variant="creation-with-upload")
        talk.hears("POST", 0, 100)
        talk.answers(201, location="/files/1", **TUS)
    elif during == "PATCH":
        talk = created()
        talk.hears("PATCH", 0, 100)
        talk.answers(204, **TUS)
    else:
        talk = interrupted()
        talk.hears("HEAD")
        talk.answers(200, **KNOWN)
    talk.sees_failure("Upload-Offset is missing")


def test_a_query_that_shows_another_length_is_a_breach_and_fails() -> None:
    talk = interrupted()
    talk.hears("HEAD")
    talk.answers(200, **{**KNOWN, "upload_offset": 5, "upload_length": 99}).sees_failure("99", "100")


def test_lesser_breaches_are_noted_once_and_survived() -> None:
    talk = Talk("tus", policy=Policy(piece=40))
    talk.hears("POST")
    talk.answers(200, location="/files/1")
    for start, stop in ((0, 40), (40, 80)):
        talk.hears("PATCH", start, stop)
        talk.answers(200, upload_offset=stop, tus_resumable="0.2.2")
    talk.hears("PATCH", 80, 100)
    talk.cuts(0).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=80)
    talk.hears("PATCH", 80, 100)
    assert [note for note in talk.notes if isinstance(note, Breach)] == [
        Breach("tus 1.0.0, Headers: Tus-Resumable", "missing"),
        Breach("tus 1.0.0, Creation, Requests: POST", "success is answered 200, not 201"),
        Breach("tus 1.0.0, Requests: PATCH", "success is answered 200, not 204"),
        Breach("tus 1.0.0, Headers: Upload-Length", "HEAD is answered without Upload-Length"),
        Breach("tus 1.0.0, Requests: HEAD", "answered without Cache-Control: no-store"),
    ]


def test_an_error_page_of_a_hop_is_no_breach_of_tus() -> None:
    talk = created()
    talk.hears("PATCH", 0, 100)
    talk.answers(502, content_type="text/html")
    assert talk.notes == []


# The table


def test_the_table_has_an_answer_for_every_kind_in_every_state_that_asks() -> None:
    assert set(TRANSITIONS) == set(REQUESTS) == {State.CREATE, State.APPEND, State.QUERY, State.CANCEL}
    assert all(set(row) == set(Kind) for row in TRANSITIONS.values())


def test_steps_are_frozen() -> None:
    step = Talk("tus").next()
    assert isinstance(step, Send)
    with pytest.raises(AttributeError):
        step.start = 5  # type: ignore[misc]
