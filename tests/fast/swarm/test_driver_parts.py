"""The driver runs the parts of a fork to their ends, and sends content of a request's own."""

from __future__ import annotations

import httpx

from simulator.protocols.machine import Acknowledged, Done, Failed, Fork, Joined, Response, Send, Wait
from simulator.records import Offset, Outcome, Purpose, Request, Upload
from tests.fast.swarm.test_driver import SEND, SIZE, Script, created, drive, of

HALF = SIZE // 2
DONE = Done("http://127.0.0.1:1/files/1")


def part(start: int, stop: int, end: Done | Failed = DONE) -> Script:
    send = Send(Purpose.APPEND, "PUT", "http://127.0.0.1:1/part", (), start, stop, True)
    return Script([send, Wait(0.0, "backoff"), end], [(Acknowledged(stop, "final", start),)])  # type: ignore[arg-type]


def test_the_parts_of_a_fork_send_their_own_bytes_and_the_machine_is_told_how_each_ended() -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return created(request)

    lost = Failed("no more")
    parts = (part(0, HALF), part(HALF, SIZE, lost))
    machine = Script([Fork(parts, 2), DONE])
    driver, records, _ = drive(machine, answer)
    assert driver.run() is Outcome.COMPLETED
    assert machine.told == [Joined((DONE, lost))]
    assert [len(body) for body in bodies] == [HALF, HALF] and bodies[0] != bodies[1]
    assert [(record.start, record.length, record.n, record.part) for record in of(Request, records)] == [
        (0, HALF, 0, 0),
        (HALF, HALF, 1, 1),
    ]
    assert [(record.start, record.offset) for record in of(Offset, records)] == [(0, HALF), (HALF, SIZE)]


def test_a_part_that_the_deadline_catches_leaves_the_upload_censored() -> None:
    machine = Script([Fork((part(0, SIZE),), 1), DONE])
    driver, records, _ = drive(machine, created, deadline=-1.0)
    assert driver.run() is Outcome.CENSORED
    assert machine.told == []
    assert [record.why for record in of(Upload, records)] == ["deadline"]


def test_content_of_a_requests_own_counts_as_head_and_not_as_the_representation() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.read() == b"<parts/>" and request.headers["content-length"] == "8"
        return httpx.Response(200, stream=httpx.ByteStream(b"<ok/>"))

    send = Send(Purpose.CREATE, "POST", SEND.target, (), has_body=True, content=b"<parts/>")
    machine = Script([send, DONE])
    driver, records, _ = drive(machine, answer)
    assert driver.run() is Outcome.COMPLETED
    (request,) = of(Request, records)
    assert (request.start, request.length, request.sent) == (0, 0, 0)
    (told,) = machine.told
    assert isinstance(told, Response) and (told.sent, told.body) == (0, b"<ok/>")
