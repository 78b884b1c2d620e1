"""The driver does what its machine says and records all of it, however the upload ends."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simulator.payload import SeededPayload
from simulator.protocols.machine import (
    Acknowledged,
    Breach,
    Done,
    Event,
    Failed,
    Interrupted,
    Note,
    Response,
    Restarted,
    Send,
    Step,
    Wait,
)
from simulator.protocols.policy import Policy
from simulator.records import (
    Cause,
    Offset,
    Outcome,
    Purpose,
    Record,
    Request,
    Upload,
    Violation,
    Why,
)
from simulator.records import Wait as WaitRecord
from simulator.servers.ways import Ways
from simulator.swarm.diary import Identity
from simulator.swarm.driver import Driver

SIZE = 150_000
SEND = Send(Purpose.CREATE, "POST", "http://127.0.0.1:1/files/", (("X-Mark", "7"),), 0, SIZE, True)
Answer = Callable[[httpx.Request], httpx.Response]


class Script:
    """A machine that gives prepared steps and prepared notes, and keeps what it is told."""

    def __init__(self, steps: list[Step], notes: list[tuple[Note, ...]] | None = None) -> None:
        self._steps: Iterator[Step] = iter(steps)
        self._notes = iter(notes or [])
        self.told: list[Event] = []
        self.offset = 0

    def next(self) -> Step:
        return next(self._steps)

    def receive(self, event: Event) -> tuple[Note, ...]:
        self.told.append(event)
        return next(self._notes, ())


def drive(
    machine: Script, answer: Answer, *, deadline: float = 60.0, ways: Ways | None = None
) -> tuple[Driver, list[Record], list[float]]:
    records: list[Record] = []
    slept: list[float] = []
    now = time.monotonic()
    driver = Driver(
        Identity(3, "tus", 0),
        machine,
        httpx.Client(transport=httpx.MockTransport(answer)),
        SeededPayload("x", SIZE),
        Policy(),
        record=records.append,
        origin=now,
        deadline=now + deadline,
        ways=ways,
        sleep=slept.append,
    )
    return driver, records, slept


def of(kind: type[Any], records: list[Record]) -> list[Any]:
    return [record for record in records if isinstance(record, kind)]


def created(request: httpx.Request) -> httpx.Response:
    request.read()
    return httpx.Response(201, headers={"Location": "/files/1"}, stream=httpx.ByteStream(b"stored"))


def test_a_whole_upload_sends_the_payload_and_leaves_its_records() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return created(request)

    machine = Script([SEND, Done("http://127.0.0.1:1/files/1")], [(Acknowledged(SIZE, "final"),)])
    driver, records, _ = drive(machine, answer)
    assert driver.run() is Outcome.COMPLETED
    payload = SeededPayload("x", SIZE)
    sent = seen[0].content
    assert sent == b"".join(payload.slice(at, SIZE) for at in range(0, SIZE, 65536))
    assert (seen[0].headers["content-length"], seen[0].headers["x-mark"]) == (str(SIZE), "7")
    assert machine.told == [Response(201, (("location", "/files/1"),), 0, b"stored")]
    assert [record.offset for record in of(Offset, records)] == [SIZE]
    end = of(Upload, records)[0]
    assert (end.outcome, end.location, end.sha256) == (
        Outcome.COMPLETED,
        "http://127.0.0.1:1/files/1",
        payload.sha256(),
    )
    assert (of(Request, records)[0].status, of(Request, records)[0].cause) == (201, None)


def test_a_broken_attempt_is_told_to_the_machine_and_recorded_with_its_cause() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.WriteError("reset") from ConnectionResetError(104, "reset")

    machine = Script([SEND, Wait(2.5, Why.BACKOFF), Failed("enough")], [(Restarted("cut"),)])
    driver, records, slept = drive(machine, answer)
    assert driver.run() is Outcome.FAILED
    assert machine.told == [Interrupted(Cause.RESET, 0)]
    assert slept == [2.5]
    assert [(wait.seconds, wait.why) for wait in of(WaitRecord, records)] == [(2.5, Why.BACKOFF)]
    assert of(Request, records)[0].cause is Cause.RESET
    end = of(Upload, records)[0]
    assert (end.why, end.interruptions, end.restarts) == ("enough", 1, 1)


def test_a_wait_never_outlasts_the_deadline_and_the_upload_is_censored() -> None:
    machine = Script([Wait(100.0, Why.BLOCKED), SEND])
    driver, records, slept = drive(machine, created, deadline=0.0)
    assert driver.run() is Outcome.CENSORED
    assert slept == []
    assert of(Upload, records)[0].why == "deadline"


def test_a_breach_is_a_violation_record() -> None:
    machine = Script([SEND, Failed("breach")], [(Breach("tus 1.0 HEAD", "Upload-Offset: -1"),)])
    driver, records, _ = drive(machine, created)
    driver.run()
    assert [(item.rule, item.evidence) for item in of(Violation, records)] == [
        ("tus 1.0 HEAD", "Upload-Offset: -1")
    ]


def test_a_target_that_is_no_url_fails_the_upload() -> None:
    driver, records, _ = drive(Script([Send(Purpose.QUERY, "HEAD", "gopher://x/", ())]), refuse_scheme)
    assert driver.run() is Outcome.FAILED
    assert "gopher://x/" in of(Upload, records)[0].why


@pytest.mark.parametrize(
    "target",
    ["http://xn--a/", "http://xn--zzzzzz/files/1", "http://\u2603/", "http://h:abc/", "http://h/\x01"],
    ids=["A-label", "no A-label", "no host name", "port", "control character"],
)
def test_a_target_that_no_host_or_url_can_be_fails_the_upload_and_not_the_run(target: str) -> None:
    query = Send(Purpose.QUERY, "HEAD", target, ())
    driver, records, _ = drive(Script([SEND, query], [(Acknowledged(5, "final"),)]), created)
    assert driver.run() is Outcome.FAILED
    (end,) = of(Upload, records)
    assert end.why.startswith(f"no request can be sent to '{target}': ")
    assert [request.purpose for request in of(Request, records)] == [Purpose.CREATE, Purpose.QUERY]


def test_a_redirect_to_a_host_that_cannot_be_fails_the_upload_and_not_the_run() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(302, headers={"Location": "http://xn--a/"})

    driver, records, _ = drive(Script([SEND]), answer)
    assert driver.run() is Outcome.FAILED
    assert of(Upload, records)[0].why.startswith("POST was answered with a redirect to no URL: ")


def refuse_scheme(request: httpx.Request) -> httpx.Response:
    raise httpx.UnsupportedProtocol("no gopher")


def test_a_killed_client_still_leaves_its_upload_and_its_request() -> None:
    class Killed(BaseException):
        pass

    def answer(request: httpx.Request) -> httpx.Response:
        raise Killed

    driver, records, _ = drive(Script([SEND]), answer)
    with pytest.raises(Killed):
        driver.run()
    assert of(Request, records)[0].cause is Cause.CANCELLED
    assert (of(Upload, records)[0].outcome, of(Upload, records)[0].why) == (Outcome.CENSORED, "cancelled")


def test_the_hash_of_a_resumed_upload_is_that_of_the_whole_and_an_unfinished_one_has_none() -> None:
    half = SIZE // 2

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        if request.method == "POST":
            raise httpx.WriteError("reset") from ConnectionResetError(104, "reset")
        return httpx.Response(204, stream=httpx.ByteStream(b""))

    again = Send(Purpose.APPEND, "PATCH", "http://127.0.0.1:1/files/1", (), half, SIZE, True)
    driver, records, _ = drive(Script([SEND, again, Done(None)]), answer)
    driver.run()
    assert of(Upload, records)[0].sha256 == SeededPayload("x", SIZE).sha256()
    driver, records, _ = drive(Script([SEND, Failed("enough")]), answer)
    driver.run()
    assert of(Upload, records)[0].sha256 == ""


def test_what_the_server_calls_by_an_inner_name_is_asked_for_at_the_target_and_recorded_so() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    inner = Send(Purpose.QUERY, "HEAD", "http://127.0.0.1:7/files/1", ())
    driver, records, _ = drive(Script([SEND, inner, Done(None)]), answer, ways=Ways(SEND.target))
    assert driver.run() is Outcome.COMPLETED
    assert seen == [SEND.target, "http://127.0.0.1:1/files/1"]
    told = [(record.target, record.asked) for record in of(Request, records)]
    assert told == [(SEND.target, None), (inner.target, "http://127.0.0.1:1/files/1")]


def test_what_lies_at_another_server_is_not_asked_for_and_fails_the_upload() -> None:
    elsewhere = Send(Purpose.QUERY, "HEAD", "http://192.0.2.1/files/1", ())
    driver, records, _ = drive(Script([elsewhere]), created, ways=Ways(SEND.target))
    assert driver.run() is Outcome.FAILED
    assert "another server, http://192.0.2.1:80" in of(Upload, records)[0].why
    assert [record.rule for record in of(Violation, records)] == ["RFC 9110, Location"]
    assert of(Request, records) == []


def test_an_answer_that_is_no_http_is_an_interruption_and_a_violation() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("illegal status line: b'SSH-2.0'")

    machine = Script([SEND, Done(None)])
    driver, records, _ = drive(machine, answer)
    driver.run()
    assert machine.told == [Interrupted(Cause.PROTOCOL, 0)]
    (violation,) = of(Violation, records)
    assert (violation.rule, violation.n) == ("RFC 9112, Message Format", 0)
    assert "SSH-2.0" in violation.evidence


def test_a_certificate_that_is_not_believed_fails_the_upload_and_not_the_run() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        wrong = ssl.SSLCertVerificationError()
        wrong.verify_message = "certificate has expired"
        raise httpx.ConnectError("no") from wrong

    driver, records, _ = drive(Script([SEND]), answer)
    assert driver.run() is Outcome.FAILED
    assert of(Upload, records)[0].why == (
        "the certificate of http://127.0.0.1:1 is not believed: certificate has expired"
    )


def test_interim_answers_without_an_end_are_a_violation_told_once() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        exchange = request.extensions["exchange"]
        exchange.on_informational(104, [])  # before all has been sent, as many as there may be
        exchange.sent = SIZE
        for _ in range(250):
            exchange.on_informational(102, [])
        return created(request)

    machine = Script([SEND, Done(None)])
    driver, records, _ = drive(machine, answer)
    assert driver.run() is Outcome.COMPLETED
    assert [(record.rule, record.evidence) for record in of(Violation, records)] == [
        ("RFC 9110, Informational 1xx", "100 of them, the last 102")
    ]
