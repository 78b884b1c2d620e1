"""Google's resumable uploads in conversation: sessions, Content-Range, 308, and answers not to believe."""

from __future__ import annotations

import json

import pytest

from simulator.errors import UsageError
from simulator.protocols.core import Kind, State
from simulator.protocols.google import INCOMPLETE, TRANSITIONS
from simulator.protocols.google_fields import UNIT, content_range, rounded_up, start_target
from simulator.protocols.machine import Acknowledged, Breach, Restarted, Send
from simulator.protocols.policy import Policy
from simulator.records import Purpose, Why
from tests.helpers.talk import Talk

HOST = "http://127.0.0.1:1080"
ENDPOINT = f"{HOST}/upload/storage/v1/b/simsim/o"
SESSION = f"{ENDPOINT}?uploadType=resumable&upload_id=1"
MEDIA = f"{HOST}/download/storage/v1/b/simsim/o/f.bin?alt=media"
SIZE = 3 * UNIT + 5


def talk(size: int = SIZE, *, begun: bool = True, **more: object) -> Talk:
    speaks = Talk("google", size, endpoint=ENDPOINT, **more)  # type: ignore[arg-type]
    if begun:
        speaks.hears("POST")
        speaks.answers(200, location=SESSION)
    return speaks


def kept(count: int) -> dict[str, str]:
    return {"range": f"bytes=0-{count - 1}"} if count else {}


def range_of(send: Send) -> str:
    return dict(send.headers)["Content-Range"]


def completes(speaks: Talk, size: int | None = SIZE, link: object = MEDIA, status: int = 200) -> Talk:
    said = {"kind": "storage#object", "size": str(size), "mediaLink": link}
    return speaks.answers_with(status, (), None, json.dumps(said).encode())


def breach(speaks: Talk) -> Breach:
    (found,) = [note for note in speaks.notes if isinstance(note, Breach)]
    return found


# The way it goes


def test_a_session_is_begun_and_the_whole_goes_in_one_put() -> None:
    speaks = talk(begun=False, headers=(("Authorization", "Bearer x"),))
    post = speaks.hears("POST")
    assert post.purpose is Purpose.CREATE and post.has_body
    assert post.target == f"{ENDPOINT}?uploadType=resumable&name=f.bin&fields=name,size,mediaLink"
    assert post.headers == (
        ("X-Upload-Content-Type", "application/octet-stream"),
        ("X-Upload-Content-Length", str(SIZE)),
        ("Authorization", "Bearer x"),
    )
    speaks.answers(200, location=SESSION)
    put = speaks.hears("PUT", 0, SIZE)
    assert put.purpose is Purpose.APPEND and put.target == SESSION
    assert range_of(put) == f"bytes 0-{SIZE - 1}/{SIZE}"
    assert dict(put.headers)["Authorization"] == "Bearer x"
    completes(speaks).sees_done(MEDIA)
    assert speaks.notes == [Acknowledged(SIZE, "final")] and speaks.machine.offset == SIZE


@pytest.mark.parametrize("piece", [1, UNIT - 1, UNIT])
def test_every_piece_but_the_last_is_a_multiple_of_256_kib(piece: int) -> None:
    speaks = talk(policy=Policy(piece=piece))
    for start in range(0, 3 * UNIT, UNIT):
        assert (
            range_of(speaks.hears("PUT", start, start + UNIT)) == f"bytes {start}-{start + UNIT - 1}/{SIZE}"
        )
        speaks.answers(308, **kept(start + UNIT))
    speaks.hears("PUT", 3 * UNIT, SIZE)
    completes(speaks).sees_done(MEDIA)
    assert rounded_up(UNIT + 1) == 2 * UNIT and rounded_up(None) is None


def test_an_empty_upload_is_one_put_without_content() -> None:
    speaks = talk(0)
    put = speaks.hears("PUT")
    assert put.purpose is Purpose.APPEND and put.has_body
    assert put.headers == (("Content-Range", "bytes */0"),)
    completes(speaks, 0).sees_done(MEDIA)


def test_the_variant_says_nothing_of_the_content_and_no_x_goog_is_ever_said() -> None:
    speaks = talk(begun=False, variant="no-x-upload")
    assert speaks.hears("POST").headers == ()
    speaks.answers(200, location=SESSION)
    names = [name.lower() for name, _ in speaks.hears("PUT", 0, SIZE).headers]
    assert names == ["content-range", "content-type"]
    with pytest.raises(UsageError, match="did you mean 'no-x-upload'"):
        Talk("google", variant="no-x-uplaod")


@pytest.mark.parametrize(
    ("endpoint", "name", "target"),
    [
        (
            f"{ENDPOINT}?key=1",
            "a",
            f"{ENDPOINT}?key=1&uploadType=resumable&name=a&fields=name,size,mediaLink",
        ),
        (
            ENDPOINT,
            "a/b &ü",
            f"{ENDPOINT}?uploadType=resumable&name=a%2Fb+%26%C3%BC&fields=name,size,mediaLink",
        ),
        (f"{ENDPOINT}#x", "\udcff", f"{ENDPOINT}?uploadType=resumable&name=%FF&fields=name,size,mediaLink"),
    ],
)
def test_the_start_asks_beside_what_the_endpoint_asks(endpoint: str, name: str, target: str) -> None:
    assert start_target(endpoint, name) == target


# Resuming


def test_a_cut_asks_and_goes_on_from_what_is_kept() -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.cuts(2 * UNIT + 9).sees_wait(0.0)
    query = speaks.hears("PUT")
    assert query.purpose is Purpose.QUERY and query.has_body and query.target == SESSION
    assert query.headers == (("Content-Range", f"bytes */{SIZE}"),)
    speaks.answers(308, **kept(2 * UNIT))
    assert range_of(speaks.hears("PUT", 2 * UNIT, SIZE)) == f"bytes {2 * UNIT}-{SIZE - 1}/{SIZE}"
    completes(speaks).sees_done(MEDIA)
    assert speaks.notes == [Acknowledged(2 * UNIT, "query"), Acknowledged(SIZE, "final")]


def test_a_308_without_range_means_that_nothing_is_kept() -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.cuts(UNIT - 1).sees_wait(0.0)
    speaks.hears("PUT")
    speaks.answers(308)
    speaks.hears("PUT", 0, SIZE)
    assert speaks.notes == [Acknowledged(0, "query")]


def test_a_lost_last_answer_is_found_by_the_query_and_nothing_is_sent_again() -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.cuts(SIZE).sees_wait(0.0)
    speaks.hears("PUT")
    completes(speaks, status=201).sees_done(MEDIA)
    assert speaks.notes == [Acknowledged(SIZE, "query")]


def test_a_lost_creation_is_made_again_and_is_no_restart() -> None:
    speaks = talk(begun=False)
    for seconds in (0.0, 1.0):
        speaks.hears("POST")
        speaks.cuts(0).sees_wait(seconds)
    assert speaks.notes == []


def test_a_part_that_was_kept_is_gone_on_from_at_once_and_none_after_a_pause() -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.answers(308, **kept(UNIT))
    speaks.hears("PUT", UNIT, SIZE)
    speaks.answers(308, **kept(UNIT)).sees_wait(0.0)
    speaks.hears("PUT", UNIT, SIZE)
    speaks.answers(308, **kept(UNIT)).sees_wait(1.0)


@pytest.mark.parametrize("size", [0, SIZE])
def test_everything_kept_and_nothing_said_is_asked_about_with_growing_pauses(size: int) -> None:
    speaks = talk(size)
    speaks.hears("PUT", 0, size)
    speaks.answers(308, **kept(size)).sees_wait(0.0)
    for seconds in (0.0, 1.0, 3.0) if size else (1.0, 3.0):
        assert range_of(speaks.hears("PUT")) == f"bytes */{size}"
        speaks.answers(308, **kept(size)).sees_wait(seconds)
    speaks.hears("PUT")
    completes(speaks, size).sees_done(MEDIA)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_session_that_is_gone_is_begun_anew(status: int) -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.answers(308, **kept(UNIT))
    speaks.hears("PUT", UNIT, SIZE)
    speaks.answers(status).sees_wait(0.0)
    speaks.hears("POST")
    speaks.answers(200, location=SESSION)
    speaks.hears("PUT", 0, SIZE)
    assert speaks.notes == [Acknowledged(UNIT, "final"), Restarted(f"PUT: {status}")]


def test_a_server_that_forgets_every_session_is_given_up() -> None:
    speaks = talk(begun=False)
    for _ in range(10):
        speaks.hears("POST")
        speaks.answers(200, location=SESSION)
        speaks.hears("PUT", 0, SIZE)
        speaks.answers(404)
        speaks.next()
    speaks.hears("POST")
    speaks.answers(200, location=SESSION)
    speaks.hears("PUT", 0, SIZE)
    speaks.answers(404).sees_failure("forgets sessions")


@pytest.mark.parametrize(
    ("status", "wait"),
    [
        (408, (5.0, Why.RETRY_AFTER)),
        (500, (5.0, Why.RETRY_AFTER)),
        (429, (5.0, Why.BLOCKED)),
        (503, (5.0, Why.BLOCKED)),
        (423, (5.0, Why.BLOCKED)),
    ],
)
def test_refusals_for_now_wait_and_ask(status: int, wait: tuple[float, Why]) -> None:
    speaks = talk(begun=False)
    speaks.hears("POST")
    speaks.answers(status, retry_after=5).sees_wait(*wait)
    speaks.hears("POST")
    speaks.answers(200, location=SESSION)
    speaks.hears("PUT", 0, SIZE)
    speaks.answers(status, retry_after=5).sees_wait(*wait)
    assert speaks.hears("PUT").purpose is Purpose.QUERY
    speaks.answers(status, retry_after=5).sees_wait(*wait)
    assert speaks.hears("PUT").purpose is Purpose.QUERY


def test_a_conflict_is_asked_about_at_once_and_then_with_a_pause() -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.answers(409)
    speaks.hears("PUT")
    speaks.answers(308)
    speaks.hears("PUT", 0, SIZE)
    speaks.answers(409).sees_wait(1.0, Why.BLOCKED)


def test_too_large_pieces_are_halved_down_to_the_unit() -> None:
    speaks = talk(5 * UNIT)
    for stop in (5 * UNIT, 2 * UNIT, UNIT):
        speaks.hears("PUT", 0, stop)
        speaks.answers(413)
        if stop > UNIT:
            speaks.hears("PUT")
            speaks.answers(308)
    speaks.sees_failure("413", str(UNIT))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 413, 301, 307, 308, 460])
def test_permanent_errors_to_the_start_fail(status: int) -> None:
    speaks = talk(begun=False)
    speaks.hears("POST")
    speaks.answers(status).sees_failure("POST", str(status))


@pytest.mark.parametrize("status", [400, 401, 412, 416, 499, 301, 302, 307])
def test_permanent_errors_to_a_put_fail(status: int) -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.answers(status).sees_failure("PUT", str(status))


def test_a_308_with_a_location_is_a_redirect_and_not_followed() -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.answers(308, location="/elsewhere", **kept(UNIT))
    speaks.sees_failure("308", "/elsewhere", "not followed")


# Where it can be read back


@pytest.mark.parametrize(
    ("link", "place"),
    [
        (MEDIA, MEDIA),
        ("/download/x?alt=media", f"{HOST}/download/x?alt=media"),
        ("https://storage.googleapis.com/download/x", None),
        ("http://[", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_the_place_is_the_media_link_when_it_is_at_the_servers_origin(
    link: object, place: str | None
) -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    completes(speaks, link=link).sees_done(place)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b"[" * 5000, b'{"kind": "storage#object"}'])
def test_without_a_resource_the_place_is_not_known(body: bytes) -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.answers_with(200, (), None, body).sees_done(None)


# Answers that cannot be


@pytest.mark.parametrize("place", [None, "", "http://[", "ftp://h/x", "http://h:99999/"])
def test_a_start_without_a_session_is_a_breach(place: str | None) -> None:
    speaks = talk(begun=False)
    speaks.hears("POST")
    speaks.answers(200, **({} if place is None else {"location": place})).sees_failure("Location")
    assert "Initiate" in breach(speaks).rule


BAD_RANGES = {
    f"bytes=0-{SIZE}": "beyond the length",
    f"bytes=0-{2 * UNIT}": "beyond",
    f"bytes=0-{UNIT - 2}": "decreased",
    f"bytes=1-{UNIT}": "does not begin at 0",
    f"bytes 0-{UNIT - 1}": "not bytes=0-N",
    f"0-{UNIT - 1}": "not bytes=0-N",
    f"bytes=0-{UNIT - 1}, bytes=0-{UNIT - 1}": "not bytes=0-N",
    "bytes=0-": "not bytes=0-N",
    "bytes=0--1": "not bytes=0-N",
    "bytes=0-٣": "not bytes=0-N",
    "bytes=0-" + "9" * 400: "not bytes=0-N",
    "": "not bytes=0-N",
}


@pytest.mark.parametrize(("value", "words"), BAD_RANGES.items())
@pytest.mark.parametrize("asks", [False, True])
def test_a_range_that_cannot_be_is_a_breach(value: str, words: str, asks: bool) -> None:
    speaks = talk(policy=Policy(piece=UNIT))
    speaks.hears("PUT", 0, UNIT)
    speaks.answers(308, **kept(UNIT))
    speaks.hears("PUT", UNIT, 2 * UNIT)
    if asks:
        speaks.cuts(UNIT).sees_wait(0.0)
        speaks.hears("PUT")
    speaks.answers(308, range=value).sees_failure(words)
    assert breach(speaks).rule.startswith("Cloud Storage, Perform resumable uploads: ")
    assert speaks.machine.offset == UNIT


def test_a_range_that_is_gone_is_a_breach_too() -> None:
    speaks = talk(policy=Policy(piece=UNIT))
    speaks.hears("PUT", 0, UNIT)
    speaks.answers(308, **kept(UNIT))
    speaks.hears("PUT", UNIT, 2 * UNIT)
    speaks.answers(308).sees_failure("Range is gone")


@pytest.mark.parametrize("status", [202, 204, 206])
def test_another_success_does_not_complete_it(status: int) -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    completes(speaks, status=status).sees_failure(str(status), "not 200 or 201")


def test_complete_before_everything_was_sent_is_a_breach() -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    speaks.cuts(UNIT).sees_wait(0.0)
    speaks.hears("PUT")
    completes(speaks).sees_failure(f"only {UNIT} of {SIZE} bytes")


@pytest.mark.parametrize("size", [0, SIZE - 1, SIZE + 1, "many", None, True])
def test_an_object_of_another_size_is_a_breach(size: object) -> None:
    speaks = talk()
    speaks.hears("PUT", 0, SIZE)
    completes(speaks, size).sees_failure("size")  # type: ignore[arg-type]
    assert breach(speaks).rule == "Cloud Storage, JSON API: Objects"


def test_the_tables_have_an_answer_for_every_kind_in_every_state() -> None:
    states = {State.CREATE, State.APPEND, State.QUERY}
    assert {state: set(row) for state, row in TRANSITIONS.items()} == {state: set(Kind) for state in states}
    assert set(INCOMPLETE) == states


def test_content_range_counts_the_last_byte_in() -> None:
    assert content_range(0, 1, 1) == ("Content-Range", "bytes 0-0/1")
    assert content_range(5, 5, 9) == ("Content-Range", "bytes */9")
