"""One upload, live: a machine over the transport, under a policy, with a record of all it does.

    machine.next() -> Send -> httpx request -> Informational*, Response | Interrupted -> machine.receive
                   -> Wait -> sleep
                   -> Fork -> the same for each part, side by side -> Joined -> machine.receive
                   -> Done | Failed -> Upload record

Every way out writes the upload's record, a killed greenlet's too.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypedDict

import httpx

from simulator.payload import Payload, pieces
from simulator.protocols.fields import origin, origin_text
from simulator.protocols.machine import (
    Acknowledged,
    Breach,
    Done,
    Failed,
    Fork,
    Informational,
    Interrupted,
    Joined,
    Machine,
    Note,
    Response,
    Restarted,
    Send,
    Wait,
)
from simulator.protocols.policy import Policy
from simulator.records import Cause, Offset, Outcome, Record, Request, Upload, Violation
from simulator.records import Wait as WaitRecord
from simulator.servers.ways import Leads, Ways
from simulator.transport import cause_of
from simulator.transport.exchange import Exchange, RawHeaders

ANSWER_LIMIT = 65536  # bytes of an answer's body that are read; more is of no use to an upload

Recorder = Callable[[Record], None]
Sleep = Callable[[float], None]
End = Done | Failed | None  # None: the deadline came first
Sign = Callable[[str, str, Iterable[tuple[str, str]]], tuple[tuple[str, str], ...]]
Together = Callable[[Sequence[Callable[[], End]], int], list[End]]


def in_turn(parts: Sequence[Callable[[], End]], at_once: int) -> list[End]:  # noqa: ARG001  # a Together
    """Run *parts* one after another: what a process without greenlets can do over one transport."""
    return [part() for part in parts]


@dataclass(frozen=True)
class Identity:
    """Whose upload it is."""

    user: int
    arm: str
    upload: int


class _Who(TypedDict):
    user: int
    arm: str
    upload: int


class _Hash:
    """SHA-256 of the representation, fed as its bytes pass by, so that no client hashes all at once."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._at = 0

    def pass_by(self, start: int, piece: bytes) -> None:
        """Take in what is new of *piece*, which begins at *start*."""
        if start <= self._at < start + len(piece):
            self._digest.update(memoryview(piece)[self._at - start :])
            self._at = start + len(piece)

    def of(self, payload: Payload) -> str:
        """Return the hash of the whole *payload*."""
        return self._digest.hexdigest() if self._at == payload.size else payload.sha256()


class Unreachable(Exception):
    """The server named a target that no request can be sent to, or none that may be believed."""


class Driver:
    """Runs one upload to its end. ``origin`` is the run's zero, ``deadline`` the last instant (monotonic).

    ``ways`` says where to ask for a URL that the server chose; without it, there. ``together`` runs the
    parts of a ``Fork``, at most so many at a time. ``sign`` gives a request the headers that sign it, just
    before it goes out: a machine has no clock.
    """

    def __init__(
        self,
        identity: Identity,
        machine: Machine,
        client: httpx.Client,
        payload: Payload,
        policy: Policy,
        *,
        record: Recorder,
        origin: float,
        deadline: float,
        ways: Ways | None = None,
        sleep: Sleep = time.sleep,
        together: Together = in_turn,
        sign: Sign | None = None,
    ) -> None:
        self._who = _Who(user=identity.user, arm=identity.arm, upload=identity.upload)
        self._machine = machine
        self._client = client
        self._payload = payload
        self._hash = _Hash()
        self._policy = policy
        self._record = record
        self._origin = origin
        self._deadline = deadline
        self._ways = ways
        self._sleep = sleep
        self._together = together
        self._sign = sign
        self._requests = 0
        self._interruptions = 0
        self._restarts = 0
        self._started: float | None = None
        self._begun = time.monotonic()

    def run(self) -> Outcome:
        """Drive the upload until it is done, failed or past its deadline; return how it ended."""
        try:
            end = self._to_end(self._machine)
        except Unreachable as error:
            return self._end(Outcome.FAILED, str(error), None)
        except Exception as error:
            self._end(Outcome.FAILED, f"simsim failed: {error!r}", None)
            raise
        except BaseException:  # a killed greenlet still leaves its upload on the record
            self._end(Outcome.CENSORED, "cancelled", None)
            raise
        if isinstance(end, Done):
            return self._end(Outcome.COMPLETED, "", end.location)
        if isinstance(end, Failed):
            return self._end(Outcome.FAILED, end.why, None)
        return self._end(Outcome.CENSORED, "deadline", None)

    def _to_end(self, machine: Machine) -> End:
        """Do what *machine* says until it ends; return None when the deadline comes first."""
        while True:
            step = machine.next()
            if isinstance(step, Done | Failed):
                return step
            if time.monotonic() >= self._deadline:
                return None
            if isinstance(step, Wait):
                self._wait(step)
            elif isinstance(step, Fork):
                ends = self._together([partial(self._to_end, part) for part in step.parts], step.at_once)
                told = tuple(end for end in ends if end is not None)
                if len(told) < len(ends):
                    return None
                self._note(machine.receive(Joined(told)), self._requests - 1)
            else:
                self._send(machine, step)

    def _wait(self, step: Wait) -> None:
        if step.seconds <= 0:
            return
        now = time.monotonic()
        seconds = min(step.seconds, max(0.0, self._deadline - now))
        self._record(WaitRecord(t=now - self._origin, seconds=seconds, why=step.why, **self._who))
        self._sleep(seconds)

    def _send(self, machine: Machine, step: Send) -> None:
        going = self._way(step)
        number, self._requests = self._requests, self._requests + 1

        def informational(status: int, headers: RawHeaders) -> None:
            self._note(machine.receive(Informational(status, _plain(headers))), number)

        exchange = Exchange(on_informational=informational, deadline=self._deadline)
        status: int | None = None
        cause: Cause | None = Cause.CANCELLED
        detail = ""
        try:
            response, body = self._exchange(going, exchange)
            status, cause = response.status_code, None
        except httpx.HTTPError as error:
            cause, detail = cause_of(error), str(error)
            if cause is None:
                _refuse_certificate(going.target, error)
                raise
        finally:
            if step.content:  # none of it is the representation's: it counts as a part of the head
                exchange.head, exchange.sent = exchange.head + exchange.sent, 0
            self._keep_request(step, going.target, exchange, number, status, cause, detail)
        if cause is None:
            headers = _plain(response.headers.raw)
            event = Response(response.status_code, headers, exchange.sent, body)
            self._note(machine.receive(event), number)
        else:
            self._interruptions += 1
            self._note(machine.receive(Interrupted(cause, exchange.sent)), number)

    def _way(self, step: Send) -> Send:
        """Return *step* with the URL to ask for. Raises ``Unreachable`` where no link leads."""
        if self._ways is None:
            return step
        try:
            way = self._ways.to(step.target)
        except UnicodeError as error:  # a host that IDNA does not allow
            raise _no_request(step, error) from error
        if way.leads is Leads.ELSEWHERE:
            there = origin_text(origin(step.target))
            raise Unreachable(f"the server's Location is at another server, {there}, where no link leads")
        return replace(step, target=way.url)

    def _exchange(self, step: Send, exchange: Exchange) -> tuple[httpx.Response, bytes]:
        response = self._answer(step, self._request(step, exchange))
        body = b""
        try:
            for piece in response.iter_raw():
                body += piece
                if len(body) > ANSWER_LIMIT:
                    break
        finally:
            response.close()
        return response, body[:ANSWER_LIMIT]

    def _request(self, step: Send, exchange: Exchange) -> httpx.Request:
        try:
            return self._client.build_request(
                step.method,
                step.target,
                headers=self._headers(step),
                content=self._body(step) if step.stop > step.start else step.content or None,
                timeout=httpx.Timeout(self._policy.stall_timeout, connect=self._policy.connect_timeout),
                extensions={"exchange": exchange},
            )
        except (httpx.InvalidURL, UnicodeError) as error:  # UnicodeError: a host that IDNA does not allow
            raise _no_request(step, error) from error

    def _answer(self, step: Send, request: httpx.Request) -> httpx.Response:
        try:
            return self._client.send(request, stream=True)
        except httpx.UnsupportedProtocol as error:
            raise _no_request(step, error) from error
        except (httpx.InvalidURL, UnicodeError) as error:  # httpx looks where a redirect leads to
            raise Unreachable(f"{step.method} was answered with a redirect to no URL: {error}") from error

    def _headers(self, step: Send) -> list[tuple[str, str]]:
        length = len(step.content) or step.stop - step.start
        own = step.headers if self._sign is None else self._sign(step.method, step.target, step.headers)
        return [*own, *([("Content-Length", str(length))] if step.has_body else [])]

    def _body(self, step: Send) -> Iterator[bytes]:
        at = step.start
        for piece in pieces(self._payload, step.start, step.stop):
            self._hash.pass_by(at, piece)
            at += len(piece)
            yield piece

    def _keep_request(
        self,
        step: Send,
        asked: str,
        seen: Exchange,
        number: int,
        status: int | None,
        cause: Cause | None,
        detail: str,
    ) -> None:
        zero = self._origin
        if self._started is None:
            self._started = seen.connected or seen.started or None
        self._record(
            Request(
                t=(seen.started or self._begun) - zero,
                end=time.monotonic() - zero,
                n=number,
                purpose=step.purpose,
                method=step.method,
                target=step.target,
                asked=None if asked == step.target else asked,
                start=step.start,
                length=step.stop - step.start,
                sent=seen.sent,
                head=seen.head,
                received=seen.received,
                port=seen.port,
                fresh=seen.fresh,
                connected=_since(seen.connected, zero),
                moved=_since(seen.moved, zero),
                answered=_since(seen.answered, zero),
                status=status,
                cause=cause,
                detail=detail[:300],
                unsent=seen.unsent,
                **self._who,
            )
        )

    def _note(self, notes: tuple[Note, ...], number: int) -> None:
        t = time.monotonic() - self._origin
        for note in notes:
            if isinstance(note, Acknowledged):
                told = {"start": note.start, "offset": note.offset, "source": note.source}
                self._record(Offset(t=t, n=number, **told, **self._who))
            elif isinstance(note, Breach):
                self._record(
                    Violation(t=t, n=number, rule=note.rule, evidence=note.evidence[:1000], **self._who)
                )
            elif isinstance(note, Restarted):
                self._restarts += 1

    def _end(self, outcome: Outcome, why: str, location: str | None) -> Outcome:
        now = time.monotonic()
        self._record(
            Upload(
                t=now - self._origin,
                started=(self._started or self._begun) - self._origin,
                size=self._payload.size,
                sha256=self._hash.of(self._payload) if outcome is Outcome.COMPLETED else "",
                outcome=outcome,
                why=why,
                location=location,
                restarts=self._restarts,
                interruptions=self._interruptions,
                **self._who,
            )
        )
        return outcome


def _no_request(step: Send, error: Exception) -> Unreachable:
    return Unreachable(f"no request can be sent to '{step.target[:200]}': {error}")


def _refuse_certificate(url: str, error: httpx.HTTPError) -> None:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):  # trying again is of no use
        why = error.__cause__.verify_message
        raise Unreachable(f"the certificate of {origin_text(origin(url))} is not believed: {why}") from error


def _plain(headers: RawHeaders) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)


def _since(instant: float | None, zero: float) -> float | None:
    return None if instant is None else instant - zero
