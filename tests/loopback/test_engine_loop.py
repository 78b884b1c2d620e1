"""The engine's loop: what it promises to those who share it."""

from __future__ import annotations

import socket
from time import monotonic

import pytest

from simulator.links.embedded.loop import Loop
from simulator.links.embedded.plug import IN, Plug

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
