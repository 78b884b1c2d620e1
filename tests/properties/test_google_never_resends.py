"""Google's client machine against the core of the server in the box, whatever befalls their requests.

What must hold is what ``test_machines_never_resend`` asks of every machine: no acknowledged byte is sent
again, nothing is stored twice, left out or out of place, and when the trouble ends the upload ends
soon. Here the server is no model: it keeps whole units of 256 KiB, and its late requests are real.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocols import make_machine
from simulator.protocols.google_fields import UNIT
from simulator.protocols.machine import Breach, Done, Failed, Restarted
from simulator.protocols.policy import Policy
from tests.helpers.coreserver import ENDPOINTS, CoreServer
from tests.helpers.modelserver import Crash, Cut, Fate, Forget, Lost, Refusal, Story, Well, payload, play

LONGEST = 3 * UNIT + 77
SIZES = st.sampled_from([0, 1, UNIT - 1, UNIT, UNIT + 1, 2 * UNIT, LONGEST])
PIECES = st.sampled_from([None, 1, UNIT, UNIT + 1])
COUNT = st.one_of(
    st.sampled_from([0, 1, UNIT - 1, UNIT, UNIT + 1, 2 * UNIT, 2 * UNIT + 5]), st.integers(0, LONGEST)
)
FATES = st.one_of(
    st.builds(Well),
    st.builds(Lost),
    st.builds(Cut, COUNT, COUNT, COUNT, COUNT),
    st.builds(Refusal, st.integers(0, 5), COUNT),
    st.builds(Crash, COUNT),
    st.builds(Forget),
)


@cache
def whole_of(size: int) -> bytes:
    return payload(size)


def upload(
    size: int, piece: int | None, fates: list[Fate], *, variant: str = "", retries: int | None = None
) -> tuple[Story, CoreServer]:
    server = CoreServer()
    machine = make_machine(
        "google",
        endpoint=ENDPOINTS["google"],
        size=size,
        filename="a b.bin",
        policy=Policy(piece=piece, retries=retries),
        variant=variant,
    )
    story = play(machine, server, whole_of(size), fates, requests=len(fates) + size // UNIT + 8)
    return story, server


def assert_ended_well(story: Story, server: CoreServer, size: int) -> None:
    assert isinstance(story.end, Done), story.end or "still at it long after the trouble was over"
    assert story.end.location is not None
    assert server.get(story.end.location) == whole_of(size)
    assert not any(isinstance(note, Breach) for note in story.notes)


@given(
    size=SIZES, piece=PIECES, fates=st.lists(FATES, max_size=8), variant=st.sampled_from(["", "no-x-upload"])
)
@settings(max_examples=300, deadline=None)
def test_whatever_befalls_its_requests_an_upload_ends_whole_and_resends_nothing_acknowledged(
    size: int, piece: int | None, fates: list[Fate], variant: str
) -> None:
    story, server = upload(size, piece, fates, variant=variant)
    assert_ended_well(story, server, size)


@given(
    size=SIZES,
    piece=PIECES,
    fates=st.lists(FATES.filter(lambda fate: not isinstance(fate, Forget)), max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_one_copy_is_stored_and_nothing_begins_again_unless_the_session_goes(
    size: int, piece: int | None, fates: list[Fate]
) -> None:
    story, server = upload(size, piece, fates)
    assert_ended_well(story, server, size)
    assert size == 0 or server.copies(whole_of(size)) == 1
    assert not any(isinstance(note, Restarted) for note in story.notes)


FEW: list[Fate] = [
    Well(),
    Lost(),
    Forget(),
    Cut(UNIT + 9, 5, UNIT + 3, 0),
    Cut(2 * UNIT, 0, UNIT - 1, UNIT),
    Cut(UNIT - 1, 0, UNIT - 1, 0),
    Refusal(0, UNIT + 1),
    Crash(UNIT + 7),
]


@pytest.mark.parametrize("piece", [None, UNIT])
def test_every_three_endings_of_eight_in_a_row(piece: int | None) -> None:
    for fates in product(FEW, repeat=3):
        story, server = upload(2 * UNIT + 1, piece, [Well(), *fates])
        assert_ended_well(story, server, 2 * UNIT + 1)


@given(fates=st.lists(FATES, max_size=10), retries=st.integers(0, 4))
@settings(max_examples=100, deadline=None)
def test_with_bounded_retries_an_upload_fails_or_ends_whole(fates: list[Fate], retries: int) -> None:
    story, server = upload(UNIT + 1, None, fates, retries=retries)
    assert isinstance(story.end, Done | Failed)
    if isinstance(story.end, Done):
        assert_ended_well(story, server, UNIT + 1)


@given(size=SIZES, arrived=COUNT)
@settings(max_examples=100, deadline=None)
def test_a_cut_costs_what_was_in_flight_and_less_than_one_unit_more(size: int, arrived: int) -> None:
    arrived %= size + 1
    story, server = upload(size, None, [Well(), Cut(arrived, 0, arrived, 0)])
    assert_ended_well(story, server, size)
    sent = arrived + sum(send.stop - send.start for send in story.sends[2:])
    assert sent - size <= (0 if arrived == size else arrived % UNIT)
