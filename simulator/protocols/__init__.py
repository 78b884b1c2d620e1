"""Protocols: how an upload is said over HTTP, as machines without I/O. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.errors import UsageError, did_you_mean
from simulator.protocols.core import Job
from simulator.protocols.machine import Headers, Machine
from simulator.protocols.plain import FRAMINGS, Plain
from simulator.protocols.policy import Policy
from simulator.protocols.tus import Tus

WITH_UPLOAD = "creation-with-upload"


@dataclass(frozen=True)
class ProtocolSpec:
    """One protocol: its name, the wordings it knows, and how a machine of it is made."""

    name: str
    framings: tuple[str, ...]
    make: Callable[[Job, str], Machine]


def _plain(job: Job, framing: str) -> Machine:
    return Plain(job, framing)


def _tus(job: Job, framing: str) -> Machine:
    return Tus(job, creation_with_upload=framing == WITH_UPLOAD)


PROTOCOLS: dict[str, ProtocolSpec] = {
    "plain": ProtocolSpec("plain", tuple(FRAMINGS), _plain),
    "tus": ProtocolSpec("tus", ("", WITH_UPLOAD), _tus),
}


def make_machine(
    protocol: str,
    *,
    endpoint: str,
    size: int,
    filename: str,
    policy: Policy,
    noise: tuple[float, ...] = (0.0,),
    framing: str = "",
    headers: Headers = (),
) -> Machine:
    """Return a machine for one upload of *size* bytes to the absolute URL *endpoint*.

    *framing* picks one of the protocol's wordings, *headers* go with every request, *noise* (0 to 1)
    makes the jitter. Raises ``UsageError`` for a protocol or framing that is not known, or a size
    below 0.
    """
    spec = PROTOCOLS.get(protocol)
    if spec is None:
        mend = did_you_mean(protocol, PROTOCOLS)
        raise UsageError(f"there is no protocol '{protocol}'", where="protocol", mend=mend)
    if framing not in spec.framings:
        mend = did_you_mean(framing, filter(None, spec.framings))
        raise UsageError(f"{protocol} has no framing '{framing}'", where="framing", mend=mend)
    if size < 0:
        raise UsageError(f"an upload cannot have {size} bytes", where="size", mend="0 bytes or more")
    return spec.make(Job(endpoint, size, filename, policy, noise or (0.0,), headers), framing)
