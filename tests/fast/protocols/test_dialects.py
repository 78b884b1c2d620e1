"""The interop versions as rows: what the drafts say, read again and written down apart."""

from __future__ import annotations

import dataclasses

import pytest

from simulator.protocols.dialects import DIALECTS, NEWEST, Dialect

# interop: (draft, 104 with Upload-Offset, Upload-Length, lifetime's key, statuses of HEAD, offset in answers)
DRAFTS = {
    3: ("01", False, False, "", {204}, True),
    4: ("02", False, False, "", {204}, True),
    5: ("03", True, False, "", {200, 204}, True),
    6: ("05", True, True, "expires", {200, 204}, True),
    7: ("08", True, True, "max-age", set(range(200, 300)), False),
    8: ("11", True, True, "max-age", set(range(200, 300)), False),
    9: ("12", True, True, "max-age", set(range(200, 300)), False),
}


@pytest.mark.parametrize("interop", DRAFTS)
def test_a_row_says_what_its_draft_says(interop: int) -> None:
    row = DIALECTS[interop]
    said = (row.progress, row.length, row.lifetime, set(row.query_statuses), row.offset_in_answers)
    assert (row.draft.removeprefix("draft-ietf-httpbis-resumable-upload-"), *said) == DRAFTS[interop]
    assert row.interop == interop


def test_there_is_a_row_for_every_version_and_the_newest_is_the_highest() -> None:
    assert list(DIALECTS) == list(DRAFTS) and NEWEST == 9


def test_only_the_first_says_incomplete() -> None:
    assert [(row.completeness, row.complete_when) for row in DIALECTS.values()] == [
        ("Upload-Incomplete", False),
        *[("Upload-Complete", True)] * 6,
    ]


def test_appends_have_a_type_from_version_6_on() -> None:
    assert {row.interop: row.append_type for row in DIALECTS.values() if row.append_type} == dict.fromkeys(
        (6, 7, 8, 9), "application/partial-upload"
    )


def test_who_answers_is_said_from_version_7_on_and_of_creations_in_9() -> None:
    assert [row.interop for row in DIALECTS.values() if row.append_says_who] == [7, 8, 9]
    assert [row.interop for row in DIALECTS.values() if row.append_must_say] == [8, 9]
    assert [row.interop for row in DIALECTS.values() if row.creation_says_who] == [9]


def test_a_rule_names_the_draft_and_the_section() -> None:
    assert DIALECTS[3].rule(DIALECTS[3].append) == (
        "draft-ietf-httpbis-resumable-upload-01, Upload Appending Procedure"
    )


def test_rows_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DIALECTS[9].interop = 10  # type: ignore[misc]


def test_the_rfc_will_be_one_row_more_that_names_no_version() -> None:
    row = Dialect(None, "RFC 99999")
    assert row.name == "RFC 99999" and row.limits
