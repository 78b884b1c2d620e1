"""What a request of the IETF draft asks for: from its fields, and from those of the creation before it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from simulator.servers.reference import ietf_fields
from simulator.servers.reference.append import Checksum
from simulator.servers.reference.ietf_dialects import DIALECTS, NEWEST, Dialect
from simulator.servers.reference.ietf_fields import Digest
from simulator.servers.reference.messages import Head
from simulator.servers.reference.resource import Upload


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request that brings content wants.

    ``complete``: its end is the upload's. ``created``: it is the creation. ``digest``: what the whole
    must have; ``want``: the algorithm of the digest that the final answer is to tell.
    """

    dialect: Dialect
    complete: bool
    created: bool
    digest: Digest | None
    want: str | None


@dataclass(frozen=True, slots=True)
class Memo:
    """What later requests to an upload must know of its creation: kept as the upload's metadata."""

    interop: int = NEWEST.interop
    digest: str = ""  # the value of Repr-Digest, if its algorithm is known
    want: str | None = None


def recall(upload: Upload) -> Memo:
    """Return what is known of the creation of *upload*."""
    return Memo(**json.loads(upload.metadata)) if upload.metadata else Memo()


def named(head: Head) -> Dialect | None:
    """Return the dialect of a creation: None for an ordinary upload."""
    version = ietf_fields.integer(head, ietf_fields.VERSION)
    return None if version is None else DIALECTS.get(version)


def asked_by(head: Head, dialect: Dialect, complete: bool, upload: Upload | None) -> Asked:
    """Return what a request wants; what it does not say of digests is as at the creation of *upload*."""
    digest, want = ietf_fields.digest(head, "Repr-Digest"), ietf_fields.wanted(head)
    if upload is not None:
        memo = recall(upload)
        kept = Head("", "", {"repr-digest": memo.digest}, None)
        digest = digest or ietf_fields.digest(kept, "Repr-Digest")
        want = want or memo.want
    return Asked(dialect, complete, upload is None, digest, want)


def memo_of(asked: Asked) -> str:
    """Return what to keep of a creation."""
    digest = "" if asked.digest is None else ietf_fields.digest_field("Repr-Digest", asked.digest)[1]
    return json.dumps({"interop": asked.dialect.interop, "digest": digest, "want": asked.want})


def checksum(head: Head, name: str = "Content-Digest") -> Checksum | None:
    """Return what the content must hash to (RFC 9530)."""
    digest = ietf_fields.digest(head, name)
    return None if digest is None else Checksum(ietf_fields.ALGORITHMS[digest[0]](), digest[1])


def length_by(head: Head, dialect: Dialect, offset: int, complete: bool, known: int | None) -> int | None:
    """Return the upload's length as far as this request or an earlier one tells it ("Length")."""
    told = {known, ietf_fields.integer(head, "Upload-Length") if dialect.lengths else None}
    if complete and head.length is not None:
        told.add(offset + head.length)
    told.discard(None)
    if len(told) > 1:
        raise ietf_fields.inconsistent(dialect, ((ietf_fields.offset(offset),) if dialect.offsets else ()))
    return told.pop() if told else None
