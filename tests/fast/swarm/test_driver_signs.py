"""The driver signs a request just before it goes out, for the URL that is asked for."""

from __future__ import annotations

import time

import httpx

from simulator.payload import SeededPayload
from simulator.protocols.machine import Done
from simulator.protocols.policy import Policy
from simulator.records import Outcome, Record, dump
from simulator.servers.ways import Ways
from simulator.swarm.driver import Driver, Identity
from tests.fast.swarm.test_driver import SEND, SIZE, Script, created

HEADERS = tuple[tuple[str, str], ...]


def test_each_request_carries_its_signature_and_no_record_does() -> None:
    seen: list[httpx.Request] = []
    signed: list[tuple[str, str, HEADERS]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        request.read()
        return created(request)

    def sign(method: str, url: str, headers: HEADERS) -> HEADERS:
        signed.append((method, url, headers))
        return (*headers, ("Authorization", f"of {len(signed)}"))

    records: list[Record] = []
    driver = Driver(
        Identity(0, "s3", 0),
        Script([SEND, SEND, Done(None)]),
        httpx.Client(transport=httpx.MockTransport(answer)),
        SeededPayload("x", SIZE),
        Policy(),
        record=records.append,
        origin=time.monotonic(),
        deadline=time.monotonic() + 60,
        ways=Ways(SEND.target),
        sign=sign,  # type: ignore[arg-type]
    )
    assert driver.run() is Outcome.COMPLETED
    assert [request.headers["authorization"] for request in seen] == ["of 1", "of 2"]
    assert signed == [(SEND.method, SEND.target, SEND.headers)] * 2
    assert seen[0].headers["content-length"] == str(SIZE)
    assert not any("of 1" in dump(record) for record in records)
