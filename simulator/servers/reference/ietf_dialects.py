"""What the interop versions of draft-ietf-httpbis-resumable-upload want of a server, one row for each.

The text of each is the draft at its tag in httpwg/http-extensions. Interop 9 is the draft after -11:
the repository's text still names 8, but its changes since -11 are those of the row.
"""

from __future__ import annotations

from dataclasses import dataclass

MISMATCH = "mismatching-upload-offset"
COMPLETED = "completed-upload"
INCONSISTENT = "inconsistent-upload-length"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One interop version.

    ``incomplete``: the flag is Upload-Incomplete, and its absence from an append says "complete".
    ``progress``: offsets are told by 104. ``media``: an append must be application/partial-upload.
    ``lifetime``: the key for it in Upload-Limit, None where that field is unknown; ``unlimited``:
    what the field says without any limit. ``lengths``: Upload-Length is known. ``strict``: HEAD and
    DELETE with fields of an append get 400. ``must_flag``: an append without its flag gets 400.
    ``offsets``: every final answer tells the offset. ``partial``: status of an append that more
    follows. ``problems``: types that a refusal may name. ``patches``: OPTIONS tells Accept-Patch.
    ``excess_ends``: content beyond the length makes the upload invalid. ``replays``: the final answer
    is given again for a valid empty append to a complete upload. ``get``: GET is a query, too.
    """

    interop: int
    incomplete: bool = False
    progress: bool = True
    media: bool = True
    lifetime: str | None = "max-age"
    unlimited: str = ""
    lengths: bool = True
    strict: bool = False
    must_flag: bool = True
    offsets: bool = False
    partial: int = 204
    problems: frozenset[str] = frozenset({MISMATCH, COMPLETED, INCONSISTENT})
    patches: bool = False
    excess_ends: bool = False
    replays: bool = False
    get: bool = False


_NONE: frozenset[str] = frozenset()

DIALECTS = {
    dialect.interop: dialect
    for dialect in (
        Dialect(  # draft -01
            3, incomplete=True, progress=False, media=False, lifetime=None, lengths=False,
            strict=True, must_flag=False, offsets=True, partial=201, problems=_NONE,
        ),
        Dialect(  # draft -02
            4, progress=False, media=False, lifetime=None, lengths=False,
            strict=True, must_flag=False, offsets=True, partial=201, problems=_NONE,
        ),
        Dialect(  # draft -03
            5, media=False, lifetime=None, lengths=False,
            strict=True, must_flag=False, offsets=True, partial=201, problems=_NONE,
        ),
        Dialect(  # drafts -04 and -05, which adds Upload-Length without a new interop version
            6, lifetime="expires", strict=True, must_flag=False, offsets=True, partial=201,
            problems=frozenset({MISMATCH, COMPLETED}),
        ),
        Dialect(7),  # drafts -06 to -08
        Dialect(8, unlimited="min-size=0", patches=True, excess_ends=True),  # drafts -09 to -11
        Dialect(
            9, unlimited="min-size=0", excess_ends=True, replays=True, get=True,
            problems=frozenset({MISMATCH, INCONSISTENT}),
        ),
    )
}  # fmt: skip

NEWEST = DIALECTS[max(DIALECTS)]
