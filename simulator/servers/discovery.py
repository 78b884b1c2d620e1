"""What a server says that it can do: asked before a run, so that an arm it lacks is shown, not run.

    tus     one OPTIONS: Tus-Extension, Tus-Checksum-Algorithm (tus 1.0.0, Requests: OPTIONS)
    ietf    an empty upload in one interop version after another, the newest first, until one is made,
            is there for HEAD, and is cancelled: no draft has a field that lists versions

plain, google and s3 have nothing to discover.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from simulator.errors import PartDied
from simulator.protocols import make_machine
from simulator.protocols.dialects import DIALECTS, Dialect
from simulator.protocols.fields import listed, resolved
from simulator.protocols.machine import Headers, Send
from simulator.protocols.policy import Policy
from simulator.servers.server import Endpoint, Target
from simulator.servers.ways import Leads, Ways

_TIMEOUT = 10.0
_SHOWN = 120  # characters of a field that are enough to see what it lists

# What of tus a variant needs (tus 1.0.0, Protocol Extensions); the others need its core alone.
EXTENSIONS = {
    "creation-with-upload": "creation-with-upload",
    "checksum": "checksum",
    "parallel": "concatenation",
    "deferred": "creation-defer-length",
    "expiration": "expiration",
    "terminate": "termination",
}
MUST_HAVE = frozenset({"sha1"})  # of who offers checksums and does not say which (tus 1.0.0, Checksum)


@dataclass(frozen=True)
class Capabilities:
    """What one server offers in one protocol. ``evidence`` is its own answer, as text."""

    evidence: str
    extensions: frozenset[str] = frozenset()
    algorithms: frozenset[str] = frozenset()
    versions: frozenset[int] = frozenset()  # of the draft, as far as they were tried


def lacking(protocol: str, options: Mapping[str, Any], found: Capabilities) -> str | None:
    """Return why an arm with *options* cannot be run, in the server's own words; None when it can."""
    if protocol == "ietf":
        return None if options.get("interop") in found.versions else found.evidence
    if protocol != "tus":
        return None
    needed = [word for option, word in EXTENSIONS.items() if option in options]
    missing = [word for word in needed if word not in found.extensions]
    if missing:
        return f"no '{missing[0]}': {found.evidence}"
    wanted = options.get("checksum")
    if wanted is not None and wanted not in (found.algorithms or MUST_HAVE):
        return f"no '{wanted}': {found.evidence}"
    return None


def discover(target: Target, protocol: str, options: Mapping[str, Any]) -> Capabilities:
    """Return what *target* offers in *protocol*, as far as *options* need it.

    Raises ``PartDied`` when it does not answer.
    """
    if protocol not in ("tus", "ietf") or (protocol == "tus" and not EXTENSIONS.keys() & options.keys()):
        return Capabilities("nothing was asked")
    endpoint = target.endpoints[protocol]
    verify = target.trust.context() if endpoint.url.startswith("https:") else False
    try:
        with httpx.Client(
            timeout=_TIMEOUT, trust_env=False, verify=verify, headers=list(target.headers)
        ) as client:
            return _offers(client, endpoint) if protocol == "tus" else _speaks(client, endpoint, options)
    except httpx.TransportError as error:
        raise PartDied(
            f"the server does not tell what it can do: {error or type(error).__name__}", where=endpoint.url
        ) from error


def _offers(client: httpx.Client, endpoint: Endpoint) -> Capabilities:
    with client.stream("OPTIONS", endpoint.url, headers={"Tus-Resumable": "1.0.0"}) as answer:
        extensions = answer.headers.get("Tus-Extension", "")
        algorithms = answer.headers.get("Tus-Checksum-Algorithm", "")
    told = f"OPTIONS is answered {answer.status_code}, Tus-Extension: {extensions[:_SHOWN] or '(absent)'}"
    if algorithms or "checksum" in listed(extensions):
        told += f", Tus-Checksum-Algorithm: {algorithms[:_SHOWN] or '(absent)'}"
    return Capabilities(told, frozenset(listed(extensions)), frozenset(listed(algorithms)))


def _speaks(client: httpx.Client, endpoint: Endpoint, options: Mapping[str, Any]) -> Capabilities:
    """Return the newest interop version that makes an upload, or of the one that *options* name."""
    asked = options.get("interop")
    refused: dict[str, list[str]] = {}  # the versions of each reason
    for version in sorted(DIALECTS, reverse=True) if asked is None else [asked]:
        why = _refusal(client, endpoint, DIALECTS[version])
        if why is None:
            return Capabilities(
                f"an upload is made in interop version {version}", versions=frozenset({version})
            )
        refused.setdefault(why, []).append(str(version))
    told = "; ".join(f"{', '.join(versions)}: {why}" for why, versions in refused.items())
    return Capabilities(f"no upload is made in interop version {told}")


def _refusal(client: httpx.Client, endpoint: Endpoint, dialect: Dialect) -> str | None:
    """Return how the server answered what *dialect* says, None when it understood."""
    send = make_machine(
        "ietf",
        endpoint=endpoint.url,
        size=1,
        filename="simsim-probe.bin",
        policy=Policy(),
        variant=f"interop={dialect.interop}+careful",
    ).next()
    assert isinstance(send, Send)
    made = client.request(send.method, send.target, headers=[*send.headers, ("Content-Length", "0")])
    place = resolved(send.target, made.headers.get("Location", ""))
    if not made.is_success or "Location" not in made.headers or place is None:
        return f"POST is answered {made.status_code}" + ("" if made.is_error else " without a Location")
    way = Ways(endpoint.url).to(place)
    if way.leads is Leads.ELSEWHERE:
        return "Location is at another server"
    version: Headers = (("Upload-Draft-Interop-Version", str(dialect.interop)),)
    seen = client.head(way.url, headers=list(version))
    client.delete(way.url, headers=list(version))
    if not seen.is_success or seen.headers.get("Upload-Offset") != "0":
        offset = seen.headers.get("Upload-Offset", "none")
        return f"POST is answered {made.status_code}, but HEAD {seen.status_code} with Upload-Offset {offset}"
    return None
