"""Structured fields and problems of resumable uploads: what is read, and what is as if it were absent."""

from __future__ import annotations

import json

import pytest

from simulator.protocols.core import Job
from simulator.protocols.dialects import DIALECTS, Dialect
from simulator.protocols.ietf_fields import (
    Limits,
    Problem,
    absent,
    limits_of,
    problem_of,
    same_version,
    says_complete,
    stated_boolean,
    stated_integer,
    written,
)
from simulator.protocols.ietf_wording import Wording
from simulator.protocols.policy import Policy

RFC = Dialect(None, "RFC 99999")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("5", 5),
        (" 5 ", 5),
        ("5;a=1", 5),
        ("999999999999999", 999_999_999_999_999),
        ("1000000000000000", None),
        ("-1", None),
        ("5.0", None),
        ("5, 5", None),
        ("", None),
        ("?1", None),
        ("five", None),
        ('"5"', None),
        (":NQ==:", None),
        ("0x5", None),
        ("+5", None),
        ("５", None),
        ("\xb5", None),
        ("@5", None),
        ("9" * 100_000, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_integer_is_non_negative_and_an_item(text: str, value: int | None) -> None:
    assert stated_integer((("upload-offset", text),), "upload-offset") == value


def test_a_field_that_is_not_there_or_is_there_twice_says_nothing() -> None:
    assert stated_integer((), "upload-offset") is None
    assert stated_integer((("upload-offset", "5"), ("upload-offset", "5")), "upload-offset") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("?1", True), ("?0", False), ("1", None), ("true", None), ("?2", None)],
)
def test_a_boolean_is_a_boolean(text: str, value: bool | None) -> None:
    assert stated_boolean((("upload-complete", text),), "upload-complete") is value


def test_completeness_is_turned_round_in_version_3() -> None:
    assert says_complete((("upload-incomplete", "?0"),), DIALECTS[3]) is True
    assert says_complete((("upload-incomplete", "?1"),), DIALECTS[3]) is False
    assert says_complete((("upload-complete", "?1"),), DIALECTS[3]) is None
    assert says_complete((("upload-complete", "?1"),), DIALECTS[4]) is True


def test_the_rfc_asks_for_no_version() -> None:
    assert same_version((), RFC)
    assert not same_version((), DIALECTS[9])


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("min-size=0", Limits(min_size=0)),
        ("max-size=5, max-append-size=3, min-append-size=2", Limits(5, None, 3, 2)),
        ("max-size=5;unit=byte, other=?1, more=(1 2)", Limits(max_size=5)),
        ("max-size=1, max-size=2", Limits(max_size=2)),
        ("max-age=60", Limits(max_age=60)),
        ("", Limits()),
        ("max-size", None),
        ("max-size=?0", None),
        ("max-size=5.5", None),
        ("max-size=-1", None),
        ("max-size=(5)", None),
        ('max-size=5, min-size="1"', None),
        ("max-size=5,", None),
        ("max-size: 5", None),
    ],
)
def test_limits_are_a_dictionary_of_integers(text: str, limits: Limits | None) -> None:
    assert limits_of((("upload-limit", text),), DIALECTS[9]) == limits


def test_the_lifetime_is_called_expires_in_version_6() -> None:
    headers = (("upload-limit", "expires=60"),)
    assert limits_of(headers, DIALECTS[6]) == Limits(max_age=60)
    assert limits_of(headers, DIALECTS[7]) == Limits()
    assert limits_of(headers, DIALECTS[5]) is None


@pytest.mark.parametrize(
    ("limits", "left", "forbidden"),
    [
        (Limits(), 100, False),
        (Limits(max_size=99), 1, True),
        (Limits(max_size=100), 100, False),
        (Limits(max_append=0), 1, True),
        (Limits(max_append=0), 0, False),
        (Limits(max_append=1), 100, False),
        (Limits(max_append=5, min_append=6), 100, True),
        (Limits(max_append=5, min_append=6), 5, False),
        (Limits(max_append=5, min_append=5), 100, False),
    ],
)
def test_limits_forbid_what_cannot_be_sent_under_them(limits: Limits, left: int, forbidden: bool) -> None:
    assert bool(limits.forbids(100, left)) is forbidden


def test_a_problem_is_read_from_its_media_type_only() -> None:
    body = json.dumps({"type": "t", "title": "it is so"}).encode()
    said = Problem("t", "it is so")
    assert problem_of((("content-type", "Application/Problem+JSON; charset=utf-8"),), body) == said
    assert problem_of((("content-type", "application/json"),), body) == Problem()
    assert problem_of((), body) == Problem()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"null", b'{"title": 5, "type": null}', b"\xff", b"[" * 65_536],
    ids=lambda body: repr(body[:12]),
)
def test_a_problem_that_is_none_says_nothing(body: bytes) -> None:
    assert problem_of((("content-type", "application/problem+json"),), body).words == ""


def test_what_stands_in_the_place_of_a_field_is_shown_and_cut() -> None:
    assert absent((), "upload-offset") == "Upload-Offset is missing"
    long = absent((("upload-offset", "x" * 500),), "upload-offset")
    assert long.startswith("Upload-Offset is 'xxx") and len(long) < 150


def test_values_are_written_as_items() -> None:
    assert (written(5), written(True), written(False)) == ("5", "?1", "?0")


def test_requests_of_the_rfc_name_no_version() -> None:
    job = Job("http://h/", 5, "f", Policy())
    create = Wording(job, RFC).creation("http://h/", 5)
    assert [name for name, _ in create.headers] == [
        "Upload-Complete",
        "Upload-Length",
        "Content-Type",
        "Content-Disposition",
    ]
