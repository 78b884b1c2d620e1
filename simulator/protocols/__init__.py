"""Protocols: how an upload is said over HTTP, as machines without I/O. Pure.

A protocol is one row of ``PROTOCOLS``: a class of machines, and the variants that an arm may ask for.
An arm is written ``tus``, ``ietf:6`` or ``tus:checksum=sha1+parallel=4``.
"""

from __future__ import annotations

from simulator.errors import UsageError, did_you_mean
from simulator.protocols.core import Job
from simulator.protocols.dialects import DIALECTS, NEWEST
from simulator.protocols.google import Google
from simulator.protocols.ietf import Ietf
from simulator.protocols.machine import Headers, Machine
from simulator.protocols.plain import FRAMINGS, Plain
from simulator.protocols.policy import Policy
from simulator.protocols.s3 import MOST_AT_ONCE, S3, part_size
from simulator.protocols.spec import ProtocolSpec, Variant, one_of, whole
from simulator.protocols.tus_parallel import MOST_PARTS, make_tus
from simulator.protocols.tus_wording import ALGORITHMS

WITH_UPLOAD = "creation-with-upload"

TUS = (
    Variant(WITH_UPLOAD, "the first piece goes with the creation"),
    Variant("checksum", "each piece is verified; what was cut is discarded", one_of(*ALGORITHMS), "sha1"),
    Variant("parallel", "parts side by side, joined at the end", whole(2, MOST_PARTS), "4"),
    Variant("deferred", "the length is told with the first or last piece", one_of("first", "last"), "last"),
    Variant("expiration", "an upload that expired is not asked for again"),
    Variant("terminate", "an upload that is given up is deleted"),
    Variant("override", "POST stands in for PATCH and DELETE"),
    Variant("max-size", "a larger upload fails at once; in bytes", whole(0, 10**18), "1000000000"),
)

IETF = (
    Variant("interop", "the draft's interop version", whole(min(DIALECTS), NEWEST), f"{NEWEST}"),
    Variant("optimistic", "the creation carries all, or the first piece (as without)"),
    Variant("careful", "the creation is empty, and appends follow"),
    Variant("digest", "every request with content carries its Content-Digest"),
)
PARTS = (
    Variant("parallel", "parts at once", whole(1, MOST_AT_ONCE), "4"),
    Variant("part", "the size of a part", part_size, "8MiB"),
)

PROTOCOLS: dict[str, ProtocolSpec] = {
    spec.name: spec
    for spec in (
        ProtocolSpec("plain", Plain, framings=tuple(FRAMINGS)),
        ProtocolSpec("tus", make_tus, TUS),
        ProtocolSpec("ietf", Ietf, IETF, numbered="interop", one_of_these=("optimistic", "careful")),
        ProtocolSpec("google", Google, (Variant("no-x-upload", "the start says nothing of the content"),)),
        ProtocolSpec("s3", S3, PARTS),
    )
}


def spec_of(protocol: str, where: str = "protocol") -> ProtocolSpec:
    """Return the row of *protocol*. Raises ``UsageError`` for one that is not known."""
    if protocol not in PROTOCOLS:
        mend = did_you_mean(protocol, PROTOCOLS)
        raise UsageError(f"there is no protocol '{protocol}'", where=where, mend=mend)
    return PROTOCOLS[protocol]


def make_machine(
    protocol: str,
    *,
    endpoint: str,
    size: int,
    filename: str,
    policy: Policy,
    noise: tuple[float, ...] = (0.0,),
    framing: str = "",
    variant: str = "",
    headers: Headers = (),
) -> Machine:
    """Return a machine for one upload of *size* bytes to the absolute URL *endpoint*.

    *framing* is how the server wants the protocol worded, *variant* what the arm asks for
    (``checksum=sha1+parallel=4``); *headers* go with every request, *noise* (0 to 1) makes the jitter.
    Raises ``UsageError`` for a protocol, framing or variant that is not known, or a size below 0.
    """
    spec = spec_of(protocol)
    if framing not in spec.framings:
        mend = did_you_mean(framing, filter(None, spec.framings))
        raise UsageError(f"{protocol} has no framing '{framing}'", where="framing", mend=mend)
    if size < 0:
        raise UsageError(f"an upload cannot have {size} bytes", where="size", mend="0 bytes or more")
    options = spec.parse(variant)
    return spec.make(Job(endpoint, size, filename, policy, noise or (0.0,), headers, framing, options))
