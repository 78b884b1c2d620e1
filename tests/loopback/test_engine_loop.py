"""The engine's loop: what it promises to those who share it."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from time import monotonic

import pytest

from simulator.links.embedded.loop import Loop
from simulator.links.embedded.plug import IN, ONE_SHOT, Plug

pytestmark = pytest.mark.loopback


def test_events_that_plan_the_next_for_now_do_not_keep_data_out() -> None:
    loop = Loop()
    turns = 0

    def again() -> None:
        nonlocal turns
        turns += 1
        assert turns < 1_000_000, "nobody looked at the socket"
        loop.at(monotonic(), again)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        Plug(loop, ours, loop.stop, loop.stop).want(IN)
        theirs.send(b"x")
        loop.at(monotonic(), again)
        loop.run()
    assert turns >= 1


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

    def hear(_mask: int) -> None:
        heard.append("new")
        loop.stop()

    def hand_on() -> None:
        loop.forget(ready[0])
        loop.add(ready[0], IN | ONE_SHOT, hear)

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
