"""The IETF machine against the server in the box, in every interop version, over real sockets."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import httpx
import pytest

from simulator.payload import SeededPayload
from simulator.protocols import make_machine
from simulator.protocols.dialects import DIALECTS
from simulator.protocols.policy import Policy
from simulator.records import Outcome, Record, Request, Upload, Violation
from simulator.servers import start
from simulator.servers.server import Target
from simulator.swarm.diary import Identity
from simulator.swarm.driver import Driver
from simulator.transport import LinkTransport

pytestmark = pytest.mark.loopback

SIZE = 1_000_000


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with start("reference", tmp_path_factory.mktemp("server")) as target:
        yield target


def upload(target: Target, variant: str, piece: int | None) -> list[Record]:
    """Run one upload; it must be whole, and the server must not have been caught at anything."""
    payload, records, now = SeededPayload(variant, SIZE), list[Record](), time.monotonic()
    machine = make_machine(
        "ietf",
        endpoint=target.endpoints["ietf"].url,
        size=SIZE,
        filename="a b.bin",
        policy=Policy(piece=piece),
        variant=variant,
    )
    with httpx.Client(transport=LinkTransport()) as client:
        outcome = Driver(
            Identity(0, "ietf", 0),
            machine,
            client,
            payload,
            Policy(),
            record=records.append,
            origin=now,
            deadline=now + 60,
        ).run()
    (end,) = [record for record in records if isinstance(record, Upload)]
    assert outcome is Outcome.COMPLETED, end.why
    assert [record for record in records if isinstance(record, Violation)] == []
    assert end.location is not None
    stored = httpx.get(end.location, trust_env=False)
    assert hashlib.sha256(stored.content).hexdigest() == payload.sha256() == end.sha256
    return records


@pytest.mark.parametrize("interop", DIALECTS)
@pytest.mark.parametrize(
    ("way", "piece", "methods"),
    [
        ("", None, ["POST"]),
        ("+digest", 400_000, ["POST", "PATCH", "PATCH"]),
        ("+careful", None, ["POST", "PATCH"]),
        ("+careful+digest", 600_000, ["POST", "PATCH", "PATCH"]),
    ],
)
def test_an_upload_arrives_whole(
    target: Target, interop: int, way: str, piece: int | None, methods: list[str]
) -> None:
    records = upload(target, f"{interop}{way}", piece)
    assert [record.method for record in records if isinstance(record, Request)] == methods
