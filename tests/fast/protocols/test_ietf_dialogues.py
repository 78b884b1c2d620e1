"""The machine for resumable uploads in conversation: one exchange with a server a test, in its order."""

from __future__ import annotations

import pytest

from simulator.errors import UsageError
from simulator.protocols.ietf_upload import BREACHES
from simulator.protocols.machine import Acknowledged, Breach, Checksum, Restarted
from simulator.protocols.policy import Policy
from simulator.records import Purpose, Why
from tests.helpers.ietftalk import (
    ALL,
    COMPLETE,
    DRAFT_12,
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
from tests.helpers.talk import ENDPOINT, UPLOAD, Talk

# The way without trouble


def test_an_optimistic_creation_carries_everything_and_its_2xx_is_the_end() -> None:
    talk = Talk("ietf", 100, filename="naïve.bin", headers=(("Authorization", "Bearer x"),))
    create = talk.hears("POST", 0, 100)
    assert create.purpose is Purpose.CREATE and create.target == ENDPOINT and create.has_body
    assert create.headers == (
        ("Upload-Draft-Interop-Version", "9"),
        ("Upload-Complete", "?1"),
        ("Upload-Length", "100"),
        ("Content-Type", "application/octet-stream"),
        ("Content-Disposition", "inline; filename*=UTF-8''na%C3%AFve.bin"),
        ("Authorization", "Bearer x"),
    )
    talk.informs(location="/files/1", **V9).answers(200, **COMPLETE).sees_done()
    assert talk.notes == [Acknowledged(100, "final")]


@pytest.mark.parametrize("interop", ALL)
def test_a_careful_creation_is_empty_and_one_append_follows(interop: int) -> None:
    talk = talk_of(interop, "+careful")
    create = talk.hears("POST")
    word, more, end = ("Upload-Incomplete", "?1", "?0") if interop == 3 else ("Upload-Complete", "?0", "?1")
    assert create.has_body and field_of(create, word) == more
    talk.answers(201, location="1", upload_offset=0, **said(interop, complete=False))
    append = talk.hears("PATCH", 0, 100)
    assert append.target == UPLOAD and append.purpose is Purpose.APPEND
    assert field_of(append, word) == end and field_of(append, "Upload-Offset") == "0"
    assert field_of(append, "Content-Type") == (None if interop < 6 else "application/partial-upload")
    talk.answers(200, upload_offset=100, **said(interop, complete=True)).sees_done()
    assert talk.notes[-1] == Acknowledged(100, "final") and not breaches(talk)


@pytest.mark.parametrize("interop", ALL)
def test_pieces_follow_one_another(interop: int) -> None:
    talk = talk_of(interop, policy=Policy(piece=40))
    talk.hears("POST", 0, 40)
    more = said(interop, complete=False)
    talk.answers(201, location="/files/1", upload_offset=40, **more)
    talk.hears("PATCH", 40, 80)
    talk.answers(201, upload_offset=80, **more)
    talk.hears("PATCH", 80, 100)
    talk.answers(201, upload_offset=100, **said(interop, complete=True)).sees_done()
    assert not breaches(talk)


@pytest.mark.parametrize("interop", (7, 8, 9))
def test_a_success_for_a_part_needs_no_offset_from_version_7_on(interop: int) -> None:
    talk = talk_of(interop, policy=Policy(piece=60))
    talk.hears("POST", 0, 60)
    talk.answers(201, location="/files/1", **INCOMPLETE)
    talk.hears("PATCH", 60, 100)
    talk.answers(204, **COMPLETE).sees_done()
    assert not breaches(talk)


@pytest.mark.parametrize("interop", ALL)
@pytest.mark.parametrize("way", ["", "+careful"])
def test_an_empty_upload_is_one_empty_creation_that_completes(interop: int, way: str) -> None:
    talk = talk_of(interop, way, size=0)
    create = talk.hears("POST")
    name, value = ("Upload-Incomplete", "?0") if interop == 3 else ("Upload-Complete", "?1")
    assert create.has_body and field_of(create, name) == value
    talk.answers(201, location="/files/1").sees_done()


def test_a_server_that_knows_nothing_of_resumption_is_uploaded_to_all_the_same() -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.answers(200).sees_done(None)


def test_the_newest_version_is_spoken_unless_another_is_asked_for() -> None:
    assert field_of(Talk("ietf").hears("POST", 0, 100), "Upload-Draft-Interop-Version") == "9"
    assert field_of(talk_of(6).hears("POST", 0, 100), "Upload-Draft-Interop-Version") == "6"


@pytest.mark.parametrize("variant", ["2", "10", "interop=x", "careful=1", "6+7", "carefull", "digest=md5"])
def test_a_variant_that_there_is_not_is_refused(variant: str) -> None:
    with pytest.raises(UsageError):
        Talk("ietf", variant=variant)


def test_optimistic_and_careful_at_once_is_refused() -> None:
    with pytest.raises(UsageError, match="optimistic and careful exclude each other"):
        Talk("ietf", variant="optimistic+careful")


def test_digest_asks_for_the_digest_of_each_content_and_of_no_emptiness() -> None:
    talk = talk_of(9, "+careful+digest")
    assert talk.hears("POST").checksum is None
    talk.answers(201, location="/files/1", **INCOMPLETE)
    digest = Checksum("Content-Digest", "sha-256", "sha-256=:{base64}:")
    assert talk.hears("PATCH", 0, 100).checksum == digest
    headers, body = problem("digest-mismatching-values")
    talk.answers_with(400, headers, body=body).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=0, **INCOMPLETE, **KNOWN)
    assert talk.hears("PATCH", 0, 100).checksum == digest
    assert talk_of(9).hears("POST", 0, 100).checksum is None


# Interim answers


@pytest.mark.parametrize("interop", ALL)
def test_after_a_cut_the_offset_is_asked_for_at_the_place_that_a_104_told(interop: int) -> None:
    talk = begun(interop)
    talk.cuts(60).sees_wait(0.0)
    query = talk.hears("HEAD")
    assert query.purpose is Purpose.QUERY and not query.has_body and query.target == UPLOAD
    assert query.headers == (("Upload-Draft-Interop-Version", str(interop)),)
    talk.answers(204, upload_offset=50, **said(interop, complete=False), **KNOWN)
    talk.hears("PATCH", 50, 100)
    talk.answers(200, upload_offset=100, **said(interop, complete=True)).sees_done()
    assert talk.notes == [Acknowledged(50, "query"), Acknowledged(100, "final")]


@pytest.mark.parametrize("interop", ALL)
def test_without_a_104_a_cut_creation_begins_anew(interop: int) -> None:
    talk = talk_of(interop)
    talk.hears("POST", 0, 100)
    talk.cuts(60).sees_wait(0.0)
    talk.hears("POST", 0, 100)
    assert talk.notes == [Restarted("POST: reset")]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"upload_draft_interop_version": 8},
        {"upload_draft_interop_version": "9.0"},
        {"upload_draft_interop_version": "?1"},
        {"upload_draft_interop_version": "nine"},
    ],
)
def test_a_104_of_no_or_another_version_is_ignored(fields: dict[str, str | int]) -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.informs(location="/files/1", upload_offset=40, **fields).cuts(60).sees_wait(0.0)
    talk.hears("POST", 0, 100)


@pytest.mark.parametrize("status", [100, 102, 103])
def test_other_interim_answers_say_nothing(status: int) -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.informs(status, location="/files/1", upload_offset=40, **V9).cuts(60).sees_wait(0.0)
    talk.hears("POST", 0, 100)
    assert talk.notes == [Restarted("POST: reset")]


def test_progress_in_a_104_is_acknowledged_at_once_and_only_where_it_is_news() -> None:
    talk = begun()
    for offset in (0, 20, 20, 40):
        talk.informs(upload_offset=offset, **V9)
    assert talk.machine.offset == 40
    assert talk.notes == [Acknowledged(20, "interim"), Acknowledged(40, "interim")]
    talk.cuts(60).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=40, **INCOMPLETE, **KNOWN)
    talk.hears("PATCH", 40, 100)
    talk.informs(upload_offset=70, **V9).answers(503, retry_after=2).sees_wait(2.0, Why.BLOCKED)
    assert talk.machine.offset == 70


def test_what_a_104_acknowledged_no_later_answer_takes_back() -> None:
    talk = begun().informs(upload_offset=40, **V9)
    talk.cuts(60).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=30, **INCOMPLETE, **KNOWN)
    talk.hears("DELETE")
    talk.answers(204).sees_failure("decreased from 40 to 30", f"{DRAFT_12}, Offset Retrieval")


@pytest.mark.parametrize("interop", (3, 4))
def test_versions_without_progress_take_no_offset_from_a_104(interop: int) -> None:
    talk = begun(interop).informs(upload_draft_interop_version=interop, upload_offset=40)
    assert talk.machine.offset == 0 and talk.notes == []


def test_progress_without_a_known_place_is_of_no_use() -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.informs(upload_offset=40, **V9)
    assert talk.machine.offset == 0


@pytest.mark.parametrize(
    ("offset", "words"), [(20, "decreased from 40 to 20"), (101, "beyond the length"), (61, "beyond 60")]
)
def test_a_104_that_cannot_be_is_a_breach_and_is_not_believed(offset: int, words: str) -> None:
    talk = appending(policy=Policy(piece=60))
    talk.hears("PATCH", 0, 60)
    talk.informs(upload_offset=40, **V9).informs(upload_offset=offset, **V9)
    assert talk.machine.offset == 40
    assert [words in breach.evidence for breach in breaches(talk)] == [True]


def test_a_104_that_acknowledged_what_was_not_yet_sent_ends_the_upload() -> None:
    talk = begun().informs(upload_offset=80, **V9).cuts(60)
    talk.hears("DELETE")
    talk.answers(204).sees_failure("a 104 acknowledged 80, 60 were sent")


def test_a_location_in_a_104_to_an_append_is_a_breach_and_changes_nothing() -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    talk.informs(location="/files/2", **V9).cuts(10).sees_wait(0.0)
    assert talk.hears("HEAD").target == UPLOAD
    assert len(breaches(talk)) == 1


@pytest.mark.parametrize("place", ["ftp://h/x", "http://[", "http://h:99999/", "a b"])
def test_a_104_whose_location_is_no_url_is_a_breach_and_tells_no_place(place: str) -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.informs(location=place, **V9).cuts(50).sees_wait(0.0)
    talk.hears("POST", 0, 100)
    assert "not an http URL" in breaches(talk)[0].evidence


def test_however_many_breaches_there_are_few_are_told() -> None:
    talk = begun()
    for n in range(1000):
        talk.informs(location=f"/files/{n + 2}", **V9)
    assert len(talk.notes) == BREACHES


# What an answer says of who answers


@pytest.mark.parametrize("status", [400, 404, 409, 413, 500, 503, 307])
def test_the_targets_own_error_ends_the_upload_whatever_its_status(status: int) -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    headers, body = problem("x", "no such project")
    talk.answers_with(status, (*headers, ("upload-complete", "?1")), body=body)
    talk.sees_failure("the target ended the upload", str(status), "no such project")


def test_in_version_9_the_target_may_refuse_early_in_the_creation_too() -> None:
    talk = begun()
    talk.answers(503, sent=20, **COMPLETE).sees_failure("the target ended the upload")
    talk = begun()
    talk.answers(201, sent=20, **COMPLETE).sees_failure("the target ended the upload")
    talk = begun(8)
    talk.answers(503, sent=20, **COMPLETE).sees_wait(1.0, Why.BLOCKED)


def test_in_older_versions_an_error_is_not_the_targets_for_a_completeness() -> None:
    talk = appending(6)
    talk.hears("PATCH", 0, 100)
    talk.answers(500, **COMPLETE).sees_wait(0.0)
    talk.hears("HEAD")


@pytest.mark.parametrize("interop", ALL)
def test_a_success_that_says_incomplete_after_all_was_sent_is_asked_about(interop: int) -> None:
    talk = appending(interop)
    talk.hears("PATCH", 0, 100)
    talk.answers(201, upload_offset=100, **said(interop, complete=False))
    assert breaches(talk)
    talk.hears("HEAD")
    talk.answers(204, upload_offset=100, **said(interop, complete=False), **KNOWN)
    finish = talk.hears("PATCH", 100, 100)
    assert finish.has_body and field_of(finish, "Upload-Offset") == "100"
    talk.answers(200, upload_offset=100, **said(interop, complete=True)).sees_done()


@pytest.mark.parametrize(("interop", "asks"), [(3, False), (6, False), (7, False), (8, True), (9, True)])
def test_a_success_for_the_rest_that_says_nothing_ends_it_up_to_version_7(interop: int, asks: bool) -> None:
    talk = appending(interop)
    talk.hears("PATCH", 0, 100)
    talk.answers(204, upload_offset=100)
    if not asks:
        talk.sees_done()
        return
    talk.hears("HEAD")
    talk.answers(204, upload_offset=100, **COMPLETE, **KNOWN).sees_done()
    assert breaches(talk) == [
        Breach(
            f"draft-ietf-httpbis-resumable-upload-{interop + 3:02}, Upload Append",
            "Upload-Complete is missing",
        )
    ]


@pytest.mark.parametrize("interop", (4, 5, 6))
def test_the_slip_of_the_drafts_to_05_about_a_parts_answer_is_not_held_against_a_server(interop: int) -> None:
    talk = appending(interop, policy=Policy(piece=60))
    talk.hears("PATCH", 0, 60)
    talk.answers(201, upload_offset=60, **COMPLETE)
    talk.hears("PATCH", 60, 100)
    assert not breaches(talk)


@pytest.mark.parametrize("interop", (3, 4, 5, 6))
def test_up_to_version_6_an_offset_other_than_what_was_sent_fails_the_upload(interop: int) -> None:
    talk = appending(interop, policy=Policy(piece=60))
    talk.hears("PATCH", 0, 60)
    talk.answers(201, upload_offset=50, **said(interop, complete=False))
    talk.hears("DELETE")
    talk.cuts().sees_failure("Upload-Offset 50 after 60 were sent")


@pytest.mark.parametrize("interop", (3, 4, 5, 6))
def test_up_to_version_6_a_part_without_an_offset_is_a_breach_and_asked_about(interop: int) -> None:
    talk = appending(interop, policy=Policy(piece=60))
    talk.hears("PATCH", 0, 60)
    talk.answers(201, **said(interop, complete=False)).sees_wait(0.0)
    talk.hears("HEAD")
    assert "Upload-Offset is missing" in [breach.evidence for breach in breaches(talk)]


def test_an_answer_before_all_was_sent_is_asked_about() -> None:
    talk = begun()
    talk.answers(201, sent=30, location="/files/1", **INCOMPLETE).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=20, **INCOMPLETE, **KNOWN)
    talk.hears("PATCH", 20, 100)


def test_a_success_before_all_was_sent_and_without_a_place_is_a_breach() -> None:
    talk = talk_of()
    talk.hears("POST", 0, 100)
    talk.answers(200, sent=99).sees_failure("RFC 9110, Successful 2xx", "after 99 bytes")


@pytest.mark.parametrize("place", [{}, {"location": "ftp://x/"}, {"location": "http://["}])
def test_a_part_whose_creation_tells_no_place_is_a_breach(place: dict[str, str]) -> None:
    talk = talk_of(9, "+careful")
    talk.hears("POST")
    talk.answers(201, **INCOMPLETE, **place).sees_failure("Upload Creation", "Location")


def test_a_creation_whose_answer_names_another_place_than_its_104_is_cancelled() -> None:
    talk = begun(policy=Policy(piece=60))
    talk.answers(201, location="/files/2", **INCOMPLETE)
    assert talk.hears("DELETE").target == UPLOAD
    talk.answers(204).sees_failure("is not that of the 104")


# The query


def test_a_query_that_shows_the_upload_complete_ends_it() -> None:
    talk = appending()
    talk.hears("PATCH", 0, 100)
    talk.cuts().sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(204, upload_offset=100, **COMPLETE, **KNOWN).sees_done()


def test_bytes_that_are_all_there_are_completed_by_an_empty_append() -> None:
    talk = interrupted(sent=100)
    talk.answers(204, upload_offset=100, **INCOMPLETE, **KNOWN)
    append = talk.hears("PATCH", 100, 100)
    assert append.has_body and field_of(append, "Upload-Complete") == "?1"
    talk.answers(200, **COMPLETE).sees_done()


@pytest.mark.parametrize("interop", ALL)
def test_a_greater_offset_than_was_sent_is_gone_on_from_in_version_9_only(interop: int) -> None:
    talk = interrupted(interop, sent=60)
    talk.answers(204, upload_offset=80, **said(interop, complete=False), **KNOWN)
    if interop == 9:
        talk.hears("PATCH", 80, 100)
        talk.cuts(0).sees_wait(0.0)
        return
    talk.hears("DELETE")
    talk.answers(204).sees_failure("lies beyond 60")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Upload-Offset is missing"),
        ({"upload_offset": "1e1"}, "Upload-Offset is '1e1': as if absent"),
        ({"upload_offset": "-5"}, "as if absent"),
        ({"upload_offset": "?1"}, "as if absent"),
        ({"upload_offset": "5, 5"}, "as if absent"),
        ({"upload_offset": "9" * 16}, "as if absent"),
        ({"upload_offset": "101"}, "beyond the length 100"),
        ({"upload_offset": "5", "upload_length": 99}, "Upload-Length is 99"),
    ],
)
def test_a_query_whose_answer_cannot_be_believed_fails(fields: dict[str, str | int], words: str) -> None:
    talk = interrupted()
    talk.answers(200, **INCOMPLETE, **{**KNOWN, **fields})
    talk.hears("DELETE")
    talk.answers(500).sees_failure("Offset Retrieval", words)


def test_a_completeness_that_comes_too_early_is_the_targets_in_9_and_a_breach_before() -> None:
    talk = interrupted(9)
    talk.answers(200, upload_offset=50, **COMPLETE, **KNOWN).sees_failure("the target ended", "50 of 100")
    talk = interrupted(8)
    talk.answers(200, upload_offset=50, **COMPLETE, **KNOWN)
    talk.hears("DELETE")
    talk.answers(204).sees_failure("complete at offset 50 of 100")


@pytest.mark.parametrize(
    ("interop", "status", "missing"),
    [
        (3, 200, {"success is answered 200", "Upload-Incomplete is missing"}),
        (4, 200, {"success is answered 200", "Upload-Complete is missing"}),
        (5, 200, {"Upload-Complete is missing"}),
        (6, 206, {"success is answered 206", "Upload-Complete is missing"}),
        (7, 206, {"Upload-Complete is missing", "Upload-Length is missing"}),
        (8, 200, {"Upload-Complete is missing", "Upload-Length is missing", "Upload-Limit is missing"}),
        (9, 200, {"Upload-Complete is missing", "Upload-Length is missing", "Upload-Limit is missing"}),
    ],
)
def test_what_a_query_leaves_out_is_noted_and_survived(interop: int, status: int, missing: set[str]) -> None:
    talk = interrupted(interop)
    talk.answers(status, upload_offset=50)
    assert {breach.evidence for breach in breaches(talk)} == missing
    talk.hears("PATCH", 50, 100)
