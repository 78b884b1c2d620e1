"""The interop versions of resumable uploads for HTTP, one row each: what differs, as data.

Every row was read from draft-ietf-httpbis-resumable-upload in httpwg/http-extensions, at the tag of the
newest draft that carries its version: 3 is -01, 4 is -02, 5 is -03, 6 is -05 (and -04, but for
``Upload-Length``), 7 is -08 (from -06), 8 is -11 (from -09), 9 is -12. The RFC will be one more row,
whose ``interop`` is None: then no request names a version, and a 104 need not.
"""

from __future__ import annotations

from dataclasses import dataclass

ANY_SUCCESS = frozenset(range(200, 300))


@dataclass(frozen=True)
class Dialect:
    """One interop version. Names of sections are the draft's own, for the rules in breaches."""

    interop: int | None
    draft: str

    # Words
    completeness: str = "Upload-Complete"
    complete_when: bool = True  # the field's value for an upload whose end this is
    append_type: str = "application/partial-upload"  # empty: an append needs no Content-Type
    creation: str = "Upload Creation"
    retrieval: str = "Offset Retrieval"
    append: str = "Upload Append"

    # What a server may say
    progress: bool = True  # 104 with Upload-Offset
    length: bool = True  # Upload-Length
    length_in_query: bool = True  # a length that was told must be in the answer to HEAD
    lifetime: str = "max-age"  # the key of Upload-Limit for seconds to live; empty: there is no Upload-Limit
    limits_in_query: bool = False  # Upload-Limit must be in the answer to HEAD
    limits_fixed: bool = False  # no limit may change while an upload lives
    limited_creation: bool = False  # max-append-size and min-append-size hold for creations too
    one_location: bool = False  # a creation's answers must all name the same Location
    query_statuses: frozenset[int] = ANY_SUCCESS

    # What an answer means
    offset_in_answers: bool = False  # answers to content must carry Upload-Offset, equal to what was sent
    partial_status: int | None = None  # the status of success for a part, where it is fixed
    append_says_who: bool = True  # Upload-Complete in an append's answer: true is the target's, and final
    creation_says_who: bool = False  # the same in the answer to a creation
    append_must_say: bool = False  # and a 2xx without it leaves the upload incomplete
    conflict_says_so: bool = False  # a 409 without "more is to come" is not this protocol's
    early_end: bool = False  # the target may end an upload before all of it was sent
    ahead: bool = False  # a HEAD may show more than was sent, and the client may go on from there

    def rule(self, section: str) -> str:
        """Return how a breach names *section* of this version's draft."""
        return f"{self.draft}, {section}"

    @property
    def limits(self) -> bool:
        """Whether this version knows ``Upload-Limit``."""
        return bool(self.lifetime)

    @property
    def name(self) -> str:
        """What people call this version."""
        return f"interop version {self.interop}" if self.interop is not None else self.draft


def _draft(number: int) -> str:
    return f"draft-ietf-httpbis-resumable-upload-{number:02}"


DIALECTS: dict[int, Dialect] = {
    row.interop: row
    for row in (
        Dialect(
            3,
            _draft(1),
            completeness="Upload-Incomplete",
            complete_when=False,
            append_type="",
            creation="Upload Creation Procedure",
            retrieval="Offset Retrieving Procedure",
            append="Upload Appending Procedure",
            progress=False,
            length=False,
            length_in_query=False,
            lifetime="",
            query_statuses=frozenset({204}),
            offset_in_answers=True,
            partial_status=201,
            append_says_who=False,
        ),
        # -02 to -05 ask for "Upload-Complete set to true" in the answer to an append that leaves the
        # upload incomplete, and for false in the answer to such a creation: a slip of the pen that a
        # server may have followed. So neither value is held against an append's answer.
        Dialect(
            4,
            _draft(2),
            append_type="",
            progress=False,
            length=False,
            length_in_query=False,
            lifetime="",
            query_statuses=frozenset({204}),
            offset_in_answers=True,
            partial_status=201,
            append_says_who=False,
        ),
        Dialect(
            5,
            _draft(3),
            append_type="",
            length=False,
            length_in_query=False,
            lifetime="",
            query_statuses=frozenset({200, 204}),
            offset_in_answers=True,
            partial_status=201,
            append_says_who=False,
        ),
        Dialect(
            6,
            _draft(5),
            length_in_query=False,  # -04 has the same version and no Upload-Length
            lifetime="expires",
            query_statuses=frozenset({200, 204}),
            offset_in_answers=True,
            partial_status=201,
            append_says_who=False,
        ),
        Dialect(7, _draft(8), limits_fixed=True),
        # -09 lets a 2xx end an upload by itself and fixes the limits; -10 and -11 do not, and are later.
        Dialect(8, _draft(11), limits_in_query=True, one_location=True, append_must_say=True),
        Dialect(
            9,
            _draft(12),
            limits_in_query=True,
            limited_creation=True,
            one_location=True,
            creation_says_who=True,
            append_must_say=True,
            conflict_says_so=True,
            early_end=True,
            ahead=True,
        ),
    )
    if row.interop is not None
}

NEWEST = max(DIALECTS)
