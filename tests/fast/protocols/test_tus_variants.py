"""The variants of tus in conversation, each against what its extension wants."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import UsageError
from simulator.protocols import PROTOCOLS
from simulator.protocols.machine import Acknowledged, Breach, Checksum, Failed, Restarted, Send, Wait
from simulator.protocols.policy import Policy
from simulator.protocols.tus import MISMATCHES
from simulator.protocols.tus_endings import TERMINATIONS
from simulator.records import Purpose, Why
from tests.helpers.talk import UPLOAD, Talk

TUS = {"tus_resumable": "1.0.0"}
KNOWN = {**TUS, "upload_length": 100, "cache_control": "no-store"}
DEFERRED = {**TUS, "upload_defer_length": 1, "cache_control": "no-store"}
EXPIRES = "Wed, 25 Jun 2014 16:00:00 GMT"
BEFORE, AFTER = "Wed, 25 Jun 2014 15:59:59 GMT", "Wed, 25 Jun 2014 16:00:01 GMT"


def created(variant: str, size: int = 100, piece: int | None = None, **more: Any) -> Talk:
    talk = Talk("tus", size, Policy(piece=piece), variant=variant)
    talk.hears("POST")
    return talk.answers(201, location="/files/1", **TUS, **more)


def fields(send: Send) -> dict[str, str]:
    return dict(send.headers)


# Checksum


def test_every_piece_carries_a_checksum_and_what_carries_nothing_does_not() -> None:
    talk = Talk("tus", 100, Policy(piece=60), variant="checksum=sha1")
    assert talk.hears("POST").checksum is None
    talk.answers(201, location="/files/1", **TUS)
    wanted = Checksum("Upload-Checksum", "sha1", "sha1 {base64}")
    assert talk.hears("PATCH", 0, 60).checksum == wanted
    talk.answers(204, upload_offset=60, **TUS)
    assert talk.hears("PATCH", 60, 100).checksum == wanted
    talk.cuts(10).sees_wait(0.0)
    assert talk.hears("HEAD").checksum is None
    talk.answers(200, upload_offset=60, **KNOWN)
    assert talk.hears("PATCH", 60, 100).checksum == wanted


def test_a_creation_with_content_carries_a_checksum_too_and_is_made_again_after_460() -> None:
    talk = Talk("tus", variant="checksum=sha256+creation-with-upload")
    assert talk.hears("POST", 0, 100).checksum == Checksum("Upload-Checksum", "sha256", "sha256 {base64}")
    talk.answers(460, **TUS).sees_wait(0.0)
    talk.hears("POST", 0, 100)
    assert talk.notes == [Restarted("POST: 460")]


def test_a_piece_that_never_matches_is_given_up_with_a_clear_reason() -> None:
    talk = created("checksum=sha1", piece=60)
    for _ in range(MISMATCHES):
        talk.hears("PATCH", 0, 60)
        talk.answers(460, **TUS)
        talk.next()  # the back-off's wait
        talk.hears("HEAD")
        talk.answers(200, upload_offset=0, **KNOWN)
    talk.hears("PATCH", 0, 60)
    talk.answers(460, **TUS).sees_failure("checksum of 60 bytes was found wrong 11 times")


def test_progress_begins_the_count_of_mismatches_again() -> None:
    talk = created("checksum=sha1", piece=1)
    for at in range(MISMATCHES + 2):
        talk.hears("PATCH", at, at + 1)
        talk.answers(460, **TUS).sees_wait(0.0)
        talk.hears("HEAD")
        talk.answers(200, upload_offset=at, **KNOWN)
        talk.hears("PATCH", at, at + 1)
        talk.answers(204, upload_offset=at + 1, **TUS)


# Creation with a deferred length


def test_a_deferred_length_comes_with_the_first_piece() -> None:
    talk = Talk("tus", 100, Policy(piece=60), variant="deferred=first")
    create = fields(talk.hears("POST"))
    assert create["Upload-Defer-Length"] == "1" and "Upload-Length" not in create
    talk.answers(201, location="/files/1", **TUS)
    assert fields(talk.hears("PATCH", 0, 60))["Upload-Length"] == "100"
    talk.answers(204, upload_offset=60, **TUS)
    assert "Upload-Length" not in fields(talk.hears("PATCH", 60, 100))
    talk.answers(204, upload_offset=100, **TUS).sees_done()


def test_a_deferred_length_comes_with_the_last_piece_and_again_if_it_was_not_taken() -> None:
    talk = created("deferred=last", piece=60)
    assert "Upload-Length" not in fields(talk.hears("PATCH", 0, 60))
    talk.answers(204, upload_offset=60, **TUS)
    assert fields(talk.hears("PATCH", 60, 100))["Upload-Length"] == "100"
    talk.cuts(0).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=60, **DEFERRED)
    assert fields(talk.hears("PATCH", 60, 100))["Upload-Length"] == "100"
    talk.cuts(30).sees_wait(1.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=80, **KNOWN)
    assert "Upload-Length" not in fields(talk.hears("PATCH", 80, 100))
    assert not any(isinstance(note, Breach) for note in talk.notes)


def test_an_upload_that_has_every_byte_and_no_length_is_not_done_before_it_is_told() -> None:
    talk = created("deferred=last")
    talk.hears("PATCH", 0, 100)
    talk.cuts(100).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=100, **DEFERRED)
    assert fields(talk.hears("PATCH", 100, 100))["Upload-Length"] == "100"
    talk.answers(204, upload_offset=100, **TUS).sees_done()


def test_an_empty_upload_of_deferred_length_is_told_its_length() -> None:
    talk = created("deferred=first", size=0)
    assert fields(talk.hears("PATCH", 0, 0))["Upload-Length"] == "0"
    talk.answers(204, upload_offset=0, **TUS).sees_done()


def test_a_query_that_hides_that_the_length_is_deferred_is_a_breach() -> None:
    talk = created("deferred=last", piece=60)
    talk.hears("PATCH", 0, 60)
    talk.cuts(10).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=0, cache_control="no-store", **TUS)
    talk.hears("PATCH", 0, 60)
    assert [note.evidence for note in talk.notes if isinstance(note, Breach)] == [
        "HEAD is answered without Upload-Defer-Length: 1"
    ]


# Expiration


def expiring(variant: str = "expiration") -> Talk:
    talk = created(variant, piece=60, upload_expires=EXPIRES, date=BEFORE)
    talk.hears("PATCH", 0, 60)
    return talk.answers(204, upload_offset=60, upload_expires=EXPIRES, date=BEFORE, **TUS)


def test_an_upload_that_expired_by_the_servers_own_clock_is_begun_anew_without_a_question() -> None:
    talk = expiring()
    talk.hears("PATCH", 60, 100)
    talk.answers(423, date=AFTER, **TUS).sees_wait(0.0)
    talk.hears("POST")
    assert talk.notes[-1] == Restarted("PATCH: 423")


@pytest.mark.parametrize(
    ("variant", "date"), [("expiration", BEFORE), ("expiration", "never"), ("", AFTER), ("override", AFTER)]
)
def test_an_upload_that_may_be_there_is_asked_for(variant: str, date: str) -> None:
    talk = expiring(variant.replace("override", ""))
    talk.hears("PATCH", 60, 100)
    talk.answers(423, date=date, **TUS).sees_wait(1.0, Why.BLOCKED)
    talk.hears("HEAD")


@pytest.mark.parametrize(
    ("fields", "evidence"),
    [
        ({"upload_expires": "soon"}, "not an HTTP-date"),
        ({}, "204 without it"),
        ({"upload_expires": EXPIRES, "date": AFTER}, "a success says that the upload expired"),
    ],
    ids=["no date", "left out", "over already"],
)
def test_what_is_wrong_with_an_expiry_is_a_breach_and_survived(fields: dict[str, str], evidence: str) -> None:
    talk = created("", piece=60, upload_expires=EXPIRES, date=BEFORE)
    talk.hears("PATCH", 0, 60)
    talk.answers(204, upload_offset=60, **fields, **TUS)
    (breach,) = [note for note in talk.notes if isinstance(note, Breach)]
    assert breach.rule == "tus 1.0.0, Expiration, Upload-Expires" and evidence in breach.evidence
    talk.hears("PATCH", 60, 100)


# Termination


def test_an_upload_that_fails_is_deleted_first() -> None:
    talk = created("terminate")
    talk.hears("PATCH", 0, 100)
    talk.answers(400, sent=0)
    delete = talk.hears("DELETE")
    assert (delete.purpose, delete.target, delete.has_body) == (Purpose.CANCEL, UPLOAD, True)
    talk.answers(204, **TUS).sees_failure("PATCH was answered 400")


def test_a_restart_deletes_the_upload_before() -> None:
    talk = created("terminate")
    talk.hears("PATCH", 0, 100)
    talk.answers(404).sees_wait(0.0)
    talk.hears("DELETE")
    talk.answers(404)
    talk.hears("POST")
    assert talk.notes == [Restarted("PATCH: 404")]


@pytest.mark.parametrize("status", [500, 503, 423, None])
def test_what_cannot_be_deleted_is_left_after_some_attempts(status: int | None) -> None:
    talk = created("terminate")
    talk.hears("PATCH", 0, 100)
    talk.answers(400, sent=0)
    for attempt in range(TERMINATIONS):
        if attempt:
            assert isinstance(talk.next(), Wait)
        talk.hears("DELETE")
        talk.answers(status) if status else talk.cuts()
    talk.sees_failure("PATCH was answered 400")


def test_a_server_without_termination_is_asked_once() -> None:
    talk = created("terminate")
    talk.hears("PATCH", 0, 100)
    talk.answers(400, sent=0)
    talk.hears("DELETE")
    talk.answers(405).sees_failure("PATCH was answered 400")


def test_an_upload_that_was_never_made_is_not_deleted() -> None:
    talk = Talk("tus", variant="terminate")
    talk.hears("POST")
    talk.answers(401).sees_failure("POST was answered 401")


def test_a_deletion_that_is_answered_200_is_a_breach() -> None:
    talk = created("terminate")
    talk.hears("PATCH", 0, 100)
    talk.answers(400, sent=0)
    talk.hears("DELETE")
    talk.answers(200, **TUS)
    assert talk.notes == [
        Breach("tus 1.0.0, Termination, Requests: DELETE", "success is answered 200, not 204")
    ]


# X-HTTP-Method-Override


def test_post_stands_in_for_patch_and_delete_and_for_nothing_else() -> None:
    talk = Talk("tus", variant="override+terminate")
    assert "X-HTTP-Method-Override" not in fields(talk.hears("POST"))
    talk.answers(201, location="/files/1", **TUS)
    append = talk.hears("POST", 0, 100)
    assert (append.target, append.purpose) == (UPLOAD, Purpose.APPEND)
    assert fields(append)["X-HTTP-Method-Override"] == "PATCH"
    talk.cuts(10).sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, upload_offset=10, **KNOWN)
    talk.hears("POST", 10, 100)
    talk.answers(400)
    delete = talk.hears("POST")
    assert (fields(delete)["X-HTTP-Method-Override"], delete.target) == ("DELETE", UPLOAD)


# The greatest size


def test_an_upload_over_the_size_that_is_known_fails_without_a_request() -> None:
    talk = Talk("tus", 100, variant="max-size=99")
    talk.sees_failure("takes at most 99 bytes (Tus-Max-Size), the upload has 100")
    Talk("tus", 100, variant="max-size=100").hears("POST")


@pytest.mark.parametrize("variant", ["", "creation-with-upload"])
def test_a_413_that_names_the_size_is_said_plainly(variant: str) -> None:
    talk = Talk("tus", 100, variant=variant)
    talk.hears("POST", 0, 100 if variant else 0)
    talk.answers(413, tus_max_size=10).sees_failure("413", "at most 10 bytes (Tus-Max-Size)")


# What an arm may write


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("checksum", "'' is no checksum: one of sha1, sha256, sha512, md5, crc32"),
        ("checksum=SHA1", "'SHA1' is no checksum"),
        ("checksum=", "'' is no checksum"),
        ("parallel=1", "'1' is no parallel: a whole number from 2 to 16"),
        ("parallel=17", "'17' is no parallel"),
        ("parallel=-2", "'-2' is no parallel"),
        ("parallel=four", "'four' is no parallel"),
        ("parallel=\u0664", "is no parallel"),
        ("deferred", "'' is no deferred: one of first, last"),
        ("deferred=middle", "'middle' is no deferred"),
        ("terminate=yes", "'terminate' takes no value"),
        ("max-size=1MB", "'1MB' is no max-size"),
        ("terminate+terminate", "'terminate' is said twice"),
        ("cheksum=sha1", "tus has no variant 'cheksum'"),
        ("+", "tus has no variant ''"),
        ("4", "tus has no variant '4'"),
    ],
)
def test_a_variant_that_makes_no_sense_is_refused_in_words(text: str, what: str) -> None:
    with pytest.raises(UsageError) as refused:
        PROTOCOLS["tus"].parse(text)
    assert what in str(refused.value)


def test_offsets_are_told_as_they_are() -> None:
    talk = created("checksum=md5")
    talk.hears("PATCH", 0, 100)
    talk.answers(204, upload_offset=100, **TUS).sees_done()
    assert talk.notes == [Acknowledged(100, "final")]
    assert not isinstance(talk.next(), Failed)
