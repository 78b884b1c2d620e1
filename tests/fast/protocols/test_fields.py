"""Fields as values: rows of what is written and what it means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulator.protocols.fields import (
    content_disposition,
    field,
    http_date,
    metadata,
    resolved,
    retry_after,
    whole_number,
)

NOON = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


def test_lines_of_one_field_are_joined_in_order() -> None:
    assert field((("a", "1"), ("b", "2"), ("a", "3")), "a") == "1, 3"
    assert field((("a", "1"),), "b") is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "+5", "-5", "5.0", " 5", "5\n", "１", "٣", "²", "1_0", "0x1", "9" * 19])
def test_anything_else_is_none(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_all_three_forms_of_a_date_mean_the_same(text: str) -> None:
    assert http_date(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "06 Nov 1994",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert http_date(text) is None


LATER = "Sun, 06 Nov 1994 08:50:07 GMT"
DATE = ("date", "Sun, 06 Nov 1994 08:49:37 GMT")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), None),
        ((("retry-after", "120"),), 120.0),
        ((("retry-after", "1.5"),), None),
        ((("retry-after", "-3"),), None),
        ((("retry-after", "9" * 400),), None),
        ((("retry-after", LATER), DATE), 30.0),
        ((("retry-after", DATE[1]), ("date", LATER)), 0.0),
        ((("retry-after", LATER),), None),
        ((("retry-after", LATER), ("date", "now")), None),
    ],
)
def test_retry_after_is_seconds_or_a_date_against_the_answers_own(
    headers: tuple[tuple[str, str], ...], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("f.bin", 'attachment; filename="f.bin"'),
        ('a"b\\c', 'attachment; filename="a\\"b\\\\c"'),
        ("naïve", "attachment; filename*=UTF-8''na%C3%AFve"),
        ("a\r\nX: 1", "attachment; filename*=UTF-8''a%0D%0AX%3A%201"),
        ("\udcff", "attachment; filename*=UTF-8''%FF"),
    ],
)
def test_no_name_of_a_file_can_break_out_of_its_field(name: str, value: str) -> None:
    assert content_disposition(name) == value


def test_metadata_is_pairs_in_base64() -> None:
    assert metadata((("filename", "a"), ("empty", ""))) == "filename YQ==,empty "


@pytest.mark.parametrize("reference", ["mailto:x", "https://", "http://h:0/", "http://h:x/", "http://[::1/"])
def test_what_leads_nowhere_is_none(reference: str) -> None:
    assert resolved("http://127.0.0.1/files/", reference) is None
