"""Stall time-out and deadline, by instants and queue lengths alone."""

from __future__ import annotations

import pytest

from simulator.transport.clock import LONGEST_LOOK_S, LOOKS, Patience


class Queue:
    """A send queue whose length the test sets."""

    def __init__(self, length: int | None = 0) -> None:
        self.length = length

    def __call__(self) -> int | None:
        return self.length


def until_stalled(patience: Patience, queue: Queue, drained_at: dict[float, int] | None = None) -> float:
    """Wait as a conversation does when nothing becomes ready; return the instant of the stall."""
    now = 0.0
    drains = sorted((drained_at or {}).items())
    while not patience.stalled(now):
        wait = patience.left(now)
        assert wait is not None
        now += wait
        while drains and drains[0][0] <= now:
            queue.length = drains.pop(0)[1]
        patience.look(now)
        assert now < 1000
    return now


def test_a_silent_peer_with_an_empty_queue_stalls_exactly_at_the_time_out() -> None:
    queue = Queue(0)
    assert until_stalled(Patience(5.0, None, queue, 0.0), queue) == pytest.approx(5.0)


def test_a_queue_that_stands_still_stalls_exactly_at_the_time_out() -> None:
    queue = Queue(40_000)
    assert until_stalled(Patience(5.0, None, queue, 0.0), queue) == pytest.approx(5.0)


def test_a_queue_that_drains_begins_the_stall_anew() -> None:
    queue = Queue(40_000)
    drains = {2.0: 30_000, 6.0: 20_000, 10.0: 0}
    stalled = until_stalled(Patience(5.0, None, queue, 0.0), queue, drains)
    assert 15.0 <= stalled <= 15.0 + LONGEST_LOOK_S


def test_a_short_time_out_looks_more_often() -> None:
    patience = Patience(0.08, None, Queue(1), 0.0)
    assert patience.left(0.0) == pytest.approx(0.08 / LOOKS)


def test_an_empty_queue_needs_no_looks() -> None:
    patience = Patience(5.0, None, Queue(0), 0.0)
    patience.look(0.25)
    assert patience.left(0.25) == pytest.approx(4.75)


def test_movement_begins_the_stall_anew() -> None:
    patience = Patience(5.0, None, Queue(0), 0.0)
    patience.moved(4.0)
    assert not patience.stalled(8.9)
    assert patience.stalled(9.0)


def test_what_a_send_put_into_the_queue_is_not_taken_for_draining() -> None:
    queue = Queue(100)
    patience = Patience(5.0, None, queue, 0.0)
    patience.look(0.25)
    queue.length = 900
    patience.moved(1.0)
    assert not patience.look(1.25)


def test_without_time_outs_it_waits_for_ever() -> None:
    patience = Patience(None, None, Queue(5), 0.0)
    assert patience.left(0.0) is None
    assert not patience.stalled(1e9)
    assert not patience.expired(1e9)


def test_the_deadline_bounds_every_wait() -> None:
    patience = Patience(None, 3.0, Queue(5), 0.0)
    assert patience.left(1.0) == pytest.approx(2.0)
    assert patience.left(4.0) == 0.0
    assert not patience.expired(2.999)
    assert patience.expired(3.0)


def test_a_queue_that_cannot_be_read_is_no_movement() -> None:
    queue = Queue(None)
    assert until_stalled(Patience(1.0, None, queue, 0.0), queue) == pytest.approx(1.0)
