"""What a server stored, found out after the swarm has ended, past every link.

    upload completed? -- no --> only its copies are counted
            | yes
    GET of its location -- 200 --> compared byte for byte as it comes
            | not given back
    its file in the store -- readable --> compared the same way
            | not readable, or not in time
    unverified, and why

A payload's first eight bytes name it (``simulator.payload``), so one look through the store also
finds the copies that no client knows of: what a lost last answer leaves behind.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

import httpx

from simulator.payload import STAMP, Payload, SeededPayload
from simulator.records import Integrity, Outcome, Upload
from simulator.servers.allowance import Allowance, OutOfTime, in_time
from simulator.servers.server import Target
from simulator.servers.ways import Leads, Ways
from simulator.transport import DeadlinePassed, Exchange, LinkTransport

_TIMEOUT = httpx.Timeout(10.0)  # without any byte
_PIECE = 1 << 18
_PATIENCE = 3  # GETs in a row that may come to nothing before the server is taken for dead
_GONE = (404, 410)

Stored = tuple[Path, int]  # a file and its size


@dataclass(frozen=True)
class Finding:
    """What was read of one stored upload. ``how`` of None: it could not be read, ``detail`` says why."""

    how: Literal["get", "store"] | None
    intact: bool | None = None
    stored: int | None = None
    first_difference: int | None = None
    detail: str = ""


def check(
    target: Target,
    uploads: Sequence[Upload],
    payload_of: Callable[[Upload], Payload],
    t: float,
) -> Iterator[Integrity]:
    """Yield what *target* stored of each of *uploads*, in their order.

    *payload_of* gives what an upload carried. *t* is the records' instant, in seconds since the run's
    start: the swarm has ended, so the store no longer changes. An upload that its client did not
    complete is ``unverified``, but its copies are counted: the server may have it all the same. So is
    one that could not be read in time: there is a bound for each and for all, and both grow with the bytes.
    """
    copies = copies_by_id(target)
    with _Reader(target, Allowance(upload.size for upload in uploads)) as reader:
        for upload in uploads:
            payload = payload_of(upload)
            own = _own_copies(copies, payload)
            found = reader.read(upload, payload, own or [])
            yield Integrity(
                t=t,
                user=upload.user,
                arm=upload.arm,
                upload=upload.upload,
                how=found.how or "unverified",
                intact=found.intact,
                stored=found.stored,
                first_difference=found.first_difference,
                copies=None if own is None else sum(size == payload.size for _, size in own),
                detail=found.detail,
            )


def copies_by_id(target: Target) -> Mapping[bytes, list[Stored]] | None:
    """Return the files of the store by their first eight bytes, the fullest first; None without a store."""
    if target.store is None:
        return None
    found: dict[bytes, list[Stored]] = defaultdict(list)
    for path in target.store.rglob("*"):
        if path.is_file() and not path.name.endswith(target.side_files):
            try:
                with path.open("rb") as file:
                    found[file.read(8)].append((path, os.fstat(file.fileno()).st_size))
            except FileNotFoundError:
                pass  # the server, which still runs, has just cleared it away
    for files in found.values():
        files.sort(key=lambda stored: stored[1], reverse=True)
    return found


def compare(pieces: Iterable[bytes], payload: Payload, sha256: str) -> tuple[bool, int, int | None, str]:
    """Compare a stored copy with its payload: (intact, stored bytes, first difference, what is wrong).

    The client's own *sha256* must agree too: the payload is made anew here, or read from a file
    that may have changed since: then the hash alone decides.
    """
    digest, at, different = hashlib.sha256(), 0, None
    for piece in pieces:
        digest.update(piece)
        if different is None:
            different = _first_difference(piece, payload, at)
        at += len(piece)
    if different is None and at < payload.size:
        different = at
    sent = digest.hexdigest() == sha256
    if sent and (different is None or payload.changed()):
        return True, at, None, ""
    if different is not None:
        return False, at, different, f"differs from byte {different} on: {at} of {payload.size} bytes stored"
    return False, at, None, "its SHA-256 is not that of the bytes the client sent"


def _first_difference(piece: bytes, payload: Payload, at: int) -> int | None:
    """Return the first place, from *at* on, where *piece* is not the payload's, or None."""
    done = 0
    while done < len(piece):
        if at + done >= payload.size:
            return payload.size
        wanted = payload.slice(at + done, min(at + len(piece), payload.size))
        if not wanted:  # a file that became shorter
            return at + done
        got = piece[done : done + len(wanted)]
        if got != wanted:
            return at + done + next(i for i, (a, b) in enumerate(zip(got, wanted, strict=True)) if a != b)
        done += len(wanted)
    return None


def _own_copies(copies: Mapping[bytes, list[Stored]] | None, payload: Payload) -> list[Stored] | None:
    """Return the stored files that begin as *payload* does; None when they cannot be told."""
    if copies is None or not isinstance(payload, SeededPayload) or payload.size < STAMP.size:
        return None
    return copies.get(payload.id, [])


class _Reader:
    """Reads stored uploads back, by GET as long as the server answers at all."""

    def __init__(self, target: Target, allowance: Allowance) -> None:
        self._target = target
        self._allowance = allowance
        endpoints = [httpx.URL(endpoint.url) for endpoint in target.endpoints.values()]
        self._signed = [endpoint for endpoint in target.endpoints.values() if endpoint.credentials]
        self._base = endpoints[0]
        # simsim's own transport, since it alone can be told the instant at which an answer must be whole.
        transport = LinkTransport(verify=target.trust.context() if self._base.scheme == "https" else True)
        self._client = httpx.Client(
            transport=transport, timeout=_TIMEOUT, trust_env=False, headers=list(target.headers)
        )
        self._ways = Ways(str(self._base))
        self._unanswered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def read(self, upload: Upload, payload: Payload, own: list[Stored]) -> Finding:
        if upload.outcome is not Outcome.COMPLETED:
            stored = own[0][1] if own else None
            return Finding(None, stored=stored, detail=f"not read: its client saw it {upload.outcome.value}")
        if self._allowance.over():
            return Finding(None, detail=self._allowance.why(payload.size))
        by_get = self._by_get(upload, payload)
        if by_get.how is not None:
            return by_get
        by_store = self._by_store(upload, payload, own)
        if by_store.how is not None:
            return by_store
        return Finding(None, detail="; ".join(dict.fromkeys((by_get.detail, by_store.detail))))

    def _by_get(self, upload: Upload, payload: Payload) -> Finding:
        if upload.location is None:
            return Finding(None, detail="the server gave no location")
        try:
            url = self._base.join(upload.location)
            host, way = url.host, self._ways.to(str(url))
            if way.leads is Leads.ELSEWHERE:  # the target's headers may be secret
                return Finding(None, detail=f"its location is at another server, {host}")
        except (httpx.InvalidURL, ValueError) as error:  # ValueError: no port, or a host that IDNA bars
            return Finding(None, detail=f"its location is no URL: {error}")
        if self._unanswered >= _PATIENCE:
            return Finding(None, detail="the server no longer answers")
        try:
            found = self._get(httpx.URL(way.url), payload, upload.sha256)
        except (DeadlinePassed, OutOfTime):
            self._unanswered += 1
            return Finding(None, detail=f"GET: {self._allowance.why(payload.size)}")
        except httpx.TransportError as error:
            self._unanswered += 1
            return Finding(None, detail=f"GET failed: {error or type(error).__name__}")
        except (httpx.InvalidURL, UnicodeError) as error:
            return Finding(None, detail=f"GET is answered with a redirect to no URL: {error}")
        self._unanswered = 0
        return found

    def _get(self, url: httpx.URL, payload: Payload, sha256: str) -> Finding:
        until = self._allowance.until(payload.size)
        exchange = Exchange(deadline=until)
        # Raw and unencoded: what the server stored, not what a proxy made of it.
        headers = self._headers("GET", str(url))
        with self._client.stream("GET", url, headers=headers, extensions={"exchange": exchange}) as answer:
            if answer.status_code == 200:
                return _told("get", in_time(answer.iter_raw(_PIECE), until), payload, sha256)
        if answer.status_code in _GONE and (len(headers) > 1 or self._disowned(url, exchange)):
            asked = "a signed GET answers" if len(headers) > 1 else "GET and HEAD answer"
            return Finding("get", intact=False, stored=0, detail=f"lost: {asked} {answer.status_code}")
        return Finding(None, detail=f"GET is answered {answer.status_code}")

    def _headers(self, method: str, url: str) -> list[tuple[str, str]]:
        """Return the fields of a request for *url*, signed where it lies in a bucket of the target's."""
        plain = [("Accept-Encoding", "identity")]
        for endpoint in self._signed:
            if endpoint.credentials is not None and url.startswith(endpoint.url.rstrip("/") + "/"):
                from simulator.transport.signing import sign  # botocore takes its time

                return list(sign(method, url, plain, endpoint.credentials))
        return plain

    def _disowned(self, url: httpx.URL, exchange: Exchange) -> bool:
        """Return whether a tus server says by HEAD, which it must offer, that it has no such upload."""
        extensions = {"exchange": exchange}
        answer = self._client.head(url, headers={"Tus-Resumable": "1.0.0"}, extensions=extensions)
        return answer.status_code in _GONE and "Tus-Resumable" in answer.headers

    def _by_store(self, upload: Upload, payload: Payload, own: list[Stored]) -> Finding:
        if self._target.store is None:
            return Finding(None, detail="its store cannot be read here")
        path = self._path_of(upload.location) or (own[0][0] if own else None)
        if path is None:
            return Finding("store", intact=False, stored=0, detail="lost: the store holds nothing of it")
        until = self._allowance.until(payload.size)
        try:
            with path.open("rb") as file:
                pieces = iter(lambda: file.read(_PIECE), b"")
                return _told("store", in_time(pieces, until), payload, upload.sha256)
        except OutOfTime:
            return Finding(None, detail=f"its file in the store: {self._allowance.why(payload.size)}")
        except OSError as error:
            return Finding(None, detail=f"its file in the store cannot be read: {error.strerror}")

    def _path_of(self, location: str | None) -> Path | None:
        """Return the file in the store that *location* names, if there is one."""
        if location is None or self._target.store is None:
            return None
        try:
            name = unquote(urlsplit(location).path.rpartition("/")[2])
            root = self._target.store.resolve()
            path = (root / self._target.layout.format(id=name)).resolve()
            return path if path.is_relative_to(root) and path.is_file() else None
        except (ValueError, OSError):  # no URL, or a name that no file can have
            return None


def _told(how: Literal["get", "store"], pieces: Iterable[bytes], payload: Payload, sha256: str) -> Finding:
    intact, stored, first_difference, detail = compare(pieces, payload, sha256)
    if not intact and payload.changed():
        return Finding(None, detail="the file that was uploaded was written to since, so it cannot tell")
    return Finding(how, intact, stored, first_difference, detail)
