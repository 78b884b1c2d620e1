"""A firing of the hop becomes a record of the run."""

from __future__ import annotations

import pytest

from simulator.swarm.hop import record_of

FIRING = {
    "t": 12.5,
    "step": "lost",
    "action": "drop-answer",
    "method": "PATCH",
    "target": "/files/1",
    "serial": 4,
    "upload": "3/tus/calm/1",
    "body": 100,
    "port": 4000,
}


def test_it_says_when_since_the_runs_zero_and_whose_request_it_was() -> None:
    record = record_of(FIRING, 10.0)
    assert (record.t, record.user, record.arm, record.upload) == (2.5, 3, "tus/calm", 1)
    assert (record.step, record.serial, record.body) == ("lost", 4, 100)


@pytest.mark.parametrize("said", [None, "", "3", "x/tus/0", "3/tus/x", "3//"])
def test_a_stranger_is_nobodys(said: str | None) -> None:
    record = record_of({**FIRING, "upload": said}, 0.0)
    assert (record.user, record.arm, record.upload) == (None, None, None)
