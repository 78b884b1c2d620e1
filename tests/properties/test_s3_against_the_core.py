"""The S3 machine against the server's core, through every ending that its requests can have.

What must hold whatever happens: the object is whole, there is one of it and nothing of its parts is
left, no acknowledged part is sent again, and when the trouble ends the upload ends soon.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocols.machine import Breach, Done, Failed, Restarted
from simulator.protocols.policy import Policy
from tests.helpers.modelserver import payload
from tests.helpers.s3 import Cut, Fate, Forget, Lost, Refused, Restart, Well, World, machine_of

COUNT = st.integers(0, 40)
CODES = st.sampled_from(["", "InternalError", "SlowDown", "OperationAborted"])
FATES = st.one_of(
    st.builds(Well),
    st.builds(Cut, COUNT, COUNT),
    st.builds(Lost, st.booleans()),
    st.builds(Refused, st.sampled_from([408, 409, 429, 500, 502, 503, 504]), CODES, st.booleans()),
    st.builds(Refused, st.just(400), st.just("RequestTimeout"), st.booleans()),
    st.builds(Restart, st.booleans()),
    st.builds(Forget),
)


def uploaded(size: int, part: int, parallel: int, fates: list[Fate], turn: int = 1) -> World:
    world = World(payload(size), fates)
    machine = machine_of(size, part, parallel)
    parts = -(-size // part) or 1
    end = world.run(machine, requests=(len(fates) + 2) * (parts + 3), turn=turn)
    assert isinstance(end, Done), end or "still at it long after the trouble was over"
    assert machine.offset == size
    assert_stored(world, size)
    return world


def assert_stored(world: World, size: int) -> None:
    answer = world.asker.ask("GET", "/s3/simsim/a%20b.bin")
    assert world.asker.content(answer) == payload(size)
    if world.late is not None:  # what is still on an old connection finds nothing to spoil
        world.late()
        answer = world.asker.ask("GET", "/s3/simsim/a%20b.bin")
        assert world.asker.content(answer) == payload(size)
    assert sum(map(len, world.asker.store.blobs.values())) == size, "parts, or a second copy, are left"


@given(
    size=st.integers(0, 40),
    part=st.integers(1, 41),
    parallel=st.integers(1, 4),
    fates=st.lists(FATES, max_size=12),
    turn=st.integers(1, 3),
)
@settings(max_examples=300, deadline=None)
def test_whatever_befalls_its_requests_an_upload_ends_whole_and_resends_no_acknowledged_part(
    size: int, part: int, parallel: int, fates: list[Fate], turn: int
) -> None:
    world = uploaded(size, part, parallel, fates, turn)
    assert not any(isinstance(note, Breach) for note in world.notes), "an honest server broke no rule"
    forgotten = any(isinstance(fate, Forget) for fate in fates)
    assert forgotten or not any(isinstance(note, Restarted) for note in world.notes)


FEW: list[Fate] = [
    Well(),
    Cut(1, 1),
    Cut(1, 9),
    Lost(),
    Lost(late=True),
    Refused(503, "SlowDown"),
    Refused(500, "InternalError", served=True),
    Restart(),
    Restart(served=True),
    Forget(),
]


@pytest.mark.parametrize("parallel", [1, 2])
def test_every_two_endings_in_every_place_of_an_upload_of_two_parts(parallel: int) -> None:
    for place, first, second in product(range(6), FEW, FEW):
        uploaded(5, 3, parallel, [*[Well()] * place, first, second])


def test_every_three_endings_of_ten_of_a_completion() -> None:
    for fates in product(FEW, repeat=3):
        uploaded(3, 3, 1, [Well(), Well(), *fates])


@given(fates=st.lists(FATES, max_size=14), retries=st.integers(0, 3), parallel=st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_with_bounded_retries_an_upload_ends_whole_or_fails(
    fates: list[Fate], retries: int, parallel: int
) -> None:
    world = World(payload(9), fates)
    end = world.run(machine_of(9, 4, parallel, Policy(retries=retries)), requests=300)
    assert isinstance(end, Done | Failed)
    if isinstance(end, Done):
        assert_stored(world, 9)
