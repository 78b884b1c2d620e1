"""One upload, live: a machine over the transport, under a policy, with a record of all it does.

    machine.next() -> Send -> httpx request -> Informational*, Response | Interrupted -> machine.receive
                   -> Wait -> sleep
                   -> Fork -> the same for each part, side by side -> Joined -> machine.receive
                   -> Done | Failed -> Upload record

Every way out writes the upload's record, a killed greenlet's too.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import httpx

from simulator.payload import Payload
from simulator.protocols.fields import origin, origin_text
from simulator.protocols.machine import (
    Breach,
    Done,
    Failed,
    Fork,
    Informational,
    Interrupted,
    Joined,
    Machine,
    Response,
    Send,
    Wait,
)
from simulator.protocols.policy import Policy
from simulator.records import Cause, Outcome
from simulator.servers.ways import Leads, Ways
from simulator.swarm.content import Content
from simulator.swarm.diary import Diary, Ended, Identity, Recorder
from simulator.transport import cause_of
from simulator.transport.exchange import Exchange, RawHeaders

NO_HTTP = "RFC 9112, Message Format"
NO_END = "RFC 9110, Informational 1xx"
ENDLESS = 100  # interim answers after all of a request has gone out, and no final one: told once
ANSWER_LIMIT = 65536  # bytes of an answer's body that are read; more is of no use to an upload

Sleep = Callable[[float], None]
End = Done | Failed | None  # None: the deadline came first
Sign = Callable[[str, str, Iterable[tuple[str, str]]], tuple[tuple[str, str], ...]]
Together = Callable[[Sequence[Callable[[], End]], int], list[End]]


def in_turn(parts: Sequence[Callable[[], End]], at_once: int) -> list[End]:  # noqa: ARG001  # a Together
    """Run *parts* one after another: what a process without greenlets can do over one transport."""
    return [part() for part in parts]


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
        self._machine = machine
        self._client = client
        self._content = Content(payload)
        self._policy = policy
        self._diary = Diary(identity, payload.size, record, origin)
        self._deadline = deadline
        self._ways = ways
        self._sleep = sleep
        self._together = together
        self._sign = sign

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

    def _to_end(self, machine: Machine, part: int | None = None) -> End:
        """Do what *machine* says until it ends; return None when the deadline comes first.

        *part* is which of the parts of a ``Fork`` it is of, None for the upload itself.
        """
        while True:
            step = machine.next()
            if isinstance(step, Done | Failed):
                return step
            if time.monotonic() >= self._deadline:
                return None
            if isinstance(step, Wait):
                self._wait(step, part)
            elif isinstance(step, Send):
                self._send(machine, step, part)
            elif not self._fork(machine, step):
                return None

    def _fork(self, machine: Machine, step: Fork) -> bool:
        """Run the parts to their ends and tell *machine*; return whether the deadline let all of them end."""
        parts = [partial(self._to_end, part, number) for number, part in enumerate(step.parts)]
        ends = self._together(parts, step.at_once)
        told = tuple(end for end in ends if end is not None)
        if len(told) < len(ends):
            return False
        self._diary.notes(machine.receive(Joined(told)), self._diary.last)
        return True

    def _wait(self, step: Wait, part: int | None) -> None:
        if step.seconds <= 0:
            return
        now = time.monotonic()
        seconds = min(step.seconds, max(0.0, self._deadline - now))
        self._diary.waits(now, seconds, step, part)
        self._sleep(seconds)

    def _send(self, machine: Machine, step: Send, part: int | None) -> None:
        going, serial = self._way(step), self._diary.begins(part)

        late: list[int] = []  # interim answers that came when all had been sent

        def informational(status: int, headers: RawHeaders) -> None:
            self._diary.notes(machine.receive(Informational(status, _plain(headers))), serial.number)
            if exchange.sent >= self._content.length(step):
                late.append(status)
            if late[ENDLESS - 1 :] == [status]:
                self._diary.notes((Breach(NO_END, f"{ENDLESS} of them, the last {status}"),), serial.number)

        exchange = Exchange(on_informational=informational, deadline=self._deadline)
        ended = Ended(None, Cause.CANCELLED)
        try:
            response, body = self._exchange(going, exchange)
            ended = Ended(response.status_code, None)
        except httpx.HTTPError as error:
            cause = cause_of(error)
            ended = Ended(None, cause, str(error))
            if cause is None:
                _refuse_certificate(going.target, error)
                raise
        finally:
            if step.content:  # none of it is the representation's: it counts as a part of the head
                exchange.head, exchange.sent = exchange.head + exchange.sent, 0
            self._diary.request(step, going.target, exchange, serial, ended)
        event: Response | Interrupted
        if ended.cause is None:
            event = Response(response.status_code, _plain(response.headers.raw), exchange.sent, body)
        else:
            self._diary.interrupted()
            event = Interrupted(ended.cause, exchange.sent)
            if ended.cause is Cause.PROTOCOL:
                self._diary.notes((Breach(NO_HTTP, ended.detail or "no HTTP/1.1"),), serial.number)
        self._diary.notes(machine.receive(event), serial.number)

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
            astray = Breach("RFC 9110, Location", f"it is at another server, {there}")
            self._diary.notes((astray,), self._diary.last)
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
                content=self._content.body(step),
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
        """Return the fields of *step* with those that only who has the bytes, or a clock, can tell."""
        own = step.headers if self._sign is None else self._sign(step.method, step.target, step.headers)
        length = [("Content-Length", str(self._content.length(step)))] if step.has_body else []
        return [*own, *self._content.checksum(step, partial(self._sleep, 0.0)), *length]

    def _end(self, outcome: Outcome, why: str, location: str | None) -> Outcome:
        sha256 = self._content.sha256() if outcome is Outcome.COMPLETED else ""
        self._diary.end(outcome, why, location, sha256)
        return outcome


def _no_request(step: Send, error: Exception) -> Unreachable:
    return Unreachable(f"no request can be sent to '{step.target[:200]}': {error}")


def _refuse_certificate(url: str, error: httpx.HTTPError) -> None:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):  # trying again is of no use
        why = error.__cause__.verify_message
        raise Unreachable(f"the certificate of {origin_text(origin(url))} is not believed: {why}") from error


def _plain(headers: RawHeaders) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
