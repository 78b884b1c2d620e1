"""The engine's loop, where descriptors come and go between a poll and its answers."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from time import monotonic

import pytest

from simulator.links.embedded.loop import Loop
from simulator.links.embedded.plug import IN, ONE_SHOT

pytestmark = pytest.mark.loopback


@pytest.fixture
def ready() -> Iterator[list[int]]:
    """Two pipes with something to read."""
    ends = [os.pipe() for _ in range(2)]
    for _, into in ends:
        os.write(into, b"x")
    yield [out for out, _ in ends]
    for pair in ends:
        for fd in pair:
            os.close(fd)


def test_a_descriptor_that_was_handed_on_before_the_poll_is_heard(ready: list[int]) -> None:
    loop, heard = Loop(), []

    def hand_on() -> None:
        loop.forget(ready[0])
        loop.add(ready[0], IN | ONE_SHOT, lambda _: (heard.append("new"), loop.stop()))  # type: ignore[func-returns-value, arg-type]

    loop.add(ready[0], ONE_SHOT, lambda _: heard.append("old"))
    loop.at(monotonic(), hand_on)
    loop.at(monotonic() + 10, loop.stop)
    loop.run()
    assert heard == ["new"]


def test_a_descriptor_that_was_handed_on_after_the_poll_hears_no_old_news(ready: list[int]) -> None:
    loop, heard = Loop(), []

    def take(fd: int) -> None:
        other = ready[1 - ready.index(fd)]
        heard.append(fd)
        loop.forget(fd)
        loop.forget(other)
        loop.add(other, select.EPOLLHUP, lambda _: heard.append(other))  # as if a new socket had its number

    for fd in ready:
        loop.add(fd, IN | ONE_SHOT, lambda _, fd=fd: take(fd))  # type: ignore[misc]
    loop.at(monotonic() + 0.2, loop.stop)
    loop.run()
    assert len(heard) == 1
