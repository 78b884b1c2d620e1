"""The time that reading back may take: more for more bytes, and never beyond that of all."""

from __future__ import annotations

import time

import pytest

from simulator.servers import allowance
from simulator.servers.allowance import Allowance, OutOfTime, in_time


def test_a_reading_has_more_time_the_more_there_is_to_read() -> None:
    time_for = Allowance([10**12])
    now = time.monotonic()
    assert now + 10 <= time_for.until(0) < now + 100
    assert now + 1010 <= time_for.until(10**9) < now + 1100
    assert not time_for.over()
    assert time_for.why(10**9) == "not read whole within 1010 s"


def test_no_reading_goes_on_beyond_the_time_of_all() -> None:
    time_for = Allowance([10**6, 10**6])
    assert time_for.until(10**12) <= time.monotonic() + 61


def test_once_the_time_of_all_is_over_that_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "ALL", (0.0, 1e300))
    time_for = Allowance([1])
    assert time_for.over()
    assert "reading all uploads" in time_for.why(1)


def test_a_piece_that_comes_too_late_is_not_passed_on() -> None:
    assert list(in_time([b"a", b"b"], time.monotonic() + 600)) == [b"a", b"b"]
    with pytest.raises(OutOfTime):
        next(in_time([b"a"], time.monotonic() - 1))
