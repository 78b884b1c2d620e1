"""The helper by which tests measure times: what is late is measured anew, what is wrong is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.timing import Late, best_of_three, within


def failing(*failures: Exception) -> tuple[Callable[[], int], list[int]]:
    """Return a measurement that fails so, once each, and the list of its calls."""
    calls: list[int] = []

    @best_of_three
    def measure() -> int:
        calls.append(len(calls))
        if len(calls) <= len(failures):
            raise failures[len(calls) - 1]
        return len(calls)

    return measure, calls


def test_what_is_late_twice_may_be_in_time_the_third_time() -> None:
    assert failing(Late(), Late())[0]() == 3


def test_what_is_late_three_times_fails() -> None:
    measure, calls = failing(Late(), Late(), Late())
    with pytest.raises(Late):
        measure()
    assert len(calls) == 3


@pytest.mark.parametrize("failure", [AssertionError("a byte is wrong"), ConnectionResetError()])
def test_what_is_wrong_fails_at_once(failure: Exception) -> None:
    measure, calls = failing(failure)
    with pytest.raises(type(failure)):
        measure()
    assert len(calls) == 1


def test_bounds_are_said_with_what_was_measured() -> None:
    within(1, 1, 2)
    within(1, 2, 2)
    with pytest.raises(Late, match=r"measured 2\.5, not within 1 and 2"):
        within(1, 2.5, 2)
    with pytest.raises(Late):
        within(1, float("nan"), 2)
