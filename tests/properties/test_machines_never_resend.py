"""Every upload machine, through every ending that its requests can have, against an honest server.

What must hold whatever happens: no acknowledged byte is sent again, nothing is stored twice, left
out or out of place, one request at a time, the offset decreases with a restart only, and when the
trouble ends the upload ends soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocols import make_machine
from simulator.protocols.machine import Done, Failed, Machine
from simulator.protocols.policy import Policy
from tests.helpers.modelserver import (
    ENDPOINT,
    PARALLEL,
    WORDINGS,
    Crash,
    Cut,
    Fate,
    Forget,
    Lost,
    ModelServer,
    Part,
    Refusal,
    Story,
    Well,
    payload,
    play,
    worded,
)

PIECES = [None, 1, 2, 7, 64]
COUNT = st.integers(0, 100)
FATES = st.one_of(
    st.builds(Well),
    st.builds(Cut, COUNT, COUNT, COUNT, COUNT),
    st.builds(Lost),
    st.builds(Refusal, COUNT, COUNT),
    st.builds(Part, COUNT, st.booleans()),
    st.builds(Forget, st.sampled_from([403, 404, 410])),
    st.builds(Crash, COUNT, COUNT),
)


def machine_of(wording: tuple[str, str], size: int, policy: Policy) -> Machine:
    name, framing = wording
    return make_machine(
        name, endpoint=ENDPOINT, size=size, filename="a b.bin", policy=policy, **worded(name, framing)
    )


def upload(
    wording: tuple[str, str],
    size: int,
    piece: int | None,
    fates: list[Fate],
    picks: Sequence[int] = (0,),
) -> tuple[Story, ModelServer]:
    server = ModelServer()
    machine = machine_of(wording, size, Policy(piece=piece))
    enough = 2 * len(fates) + size // (piece or size or 1) + 8 + 20 * (wording in PARALLEL)
    story = play(machine, server, payload(size), fates, requests=enough, picks=picks)
    return story, server


def assert_ended_well(story: Story, server: ModelServer, size: int) -> None:
    assert isinstance(story.end, Done), story.end or "still at it long after the trouble was over"
    assert story.end.location is not None
    stored = server.uploads[story.end.location]
    assert (bytes(stored.data), stored.length) == (payload(size), size)


@given(
    wording=st.sampled_from(WORDINGS),
    size=st.integers(0, 80),
    piece=st.sampled_from(PIECES),
    fates=st.lists(FATES, max_size=10),
)
@settings(max_examples=800, deadline=None)
def test_whatever_befalls_its_requests_an_upload_ends_whole_and_resends_nothing_acknowledged(
    wording: tuple[str, str], size: int, piece: int | None, fates: list[Fate]
) -> None:
    story, server = upload(wording, size, piece, fates)
    assert_ended_well(story, server, size)


@given(
    wording=st.sampled_from(PARALLEL),
    size=st.integers(0, 80),
    piece=st.sampled_from(PIECES),
    fates=st.lists(FATES, max_size=14),
    picks=st.lists(st.integers(0, 2), max_size=30),
)
@settings(max_examples=500, deadline=None)
def test_whatever_befalls_parts_side_by_side_they_are_joined_whole_and_resend_nothing_acknowledged(
    wording: tuple[str, str], size: int, piece: int | None, fates: list[Fate], picks: list[int]
) -> None:
    story, server = upload(wording, size, piece, fates, picks)
    assert_ended_well(story, server, size)


@given(size=st.integers(1, 80), fates=st.lists(FATES, max_size=14))
@settings(max_examples=200, deadline=None)
def test_with_terminate_no_upload_is_left_that_the_client_knew_and_gave_up(
    size: int, fates: list[Fate]
) -> None:
    untold = (Lost, Cut, Crash, Refusal)  # creations whose answer got lost leave what nobody knows
    fates = [fate for fate in fates if not isinstance(fate, untold)]
    story, server = upload(("tus", "terminate"), size, 7, fates)
    assert_ended_well(story, server, size)
    assert len(server.uploads) == 1


def all_fates(size: int) -> list[Fate]:
    """Every fate of a request with up to *size* bytes, once."""
    counts = range(size + 1)
    cuts = [
        Cut(arrived, ahead, kept, late)
        for arrived, ahead, kept, late in product(counts, repeat=4)
        if arrived + ahead <= size and kept + late <= arrived
    ]
    refusals = [Refusal(which, kept) for which, kept in product(range(6), counts)]
    parts = [Part(kept, early) for kept, early in product(counts, (False, True))]
    crashes = [Crash(arrived, more) for arrived, more in product(counts, counts)]
    return [Well(), Lost(), Forget(), *cuts, *refusals, *parts, *crashes]


@pytest.mark.parametrize("wording", WORDINGS, ids="-".join)
@pytest.mark.parametrize(("size", "piece"), [(0, None), (2, None), (2, 1)])
def test_every_two_endings_in_every_place_of_a_small_upload(
    wording: tuple[str, str], size: int, piece: int | None
) -> None:
    for fates in product([Well(), Cut(2, 0, 1, 1)], all_fates(size), all_fates(size)):
        story, server = upload(wording, size, piece, list(fates))
        assert_ended_well(story, server, size)


FEW: list[Fate] = [
    Well(),
    Lost(),
    Forget(),
    Cut(1, 1, 0, 1),
    Cut(2, 0, 1, 1),
    Refusal(0, 1),
    Refusal(1, 2),
    Part(1),
    Crash(2, 1),
]


@pytest.mark.parametrize("wording", PARALLEL, ids="-".join)
def test_every_two_endings_of_nine_in_each_place_of_parts_side_by_side(wording: tuple[str, str]) -> None:
    for before, first, second in product(range(8), FEW, FEW):
        fates = [*[Well()] * before, first, second]
        story, server = upload(wording, 5, 2, fates, picks=(0, 1, 2, 1))
        assert_ended_well(story, server, 5)


@pytest.mark.parametrize("variant", ["", "creation-with-upload"])
def test_every_four_endings_of_nine_in_a_row(variant: str) -> None:
    for fates in product(FEW, repeat=4):
        story, server = upload(("tus", variant), 3, 2, list(fates))
        assert_ended_well(story, server, 3)


@given(
    size=st.integers(1, 80),
    piece=st.sampled_from(PIECES),
    fates=st.lists(FATES.filter(lambda fate: not isinstance(fate, Forget)), max_size=10),
)
@settings(max_examples=300, deadline=None)
def test_tus_stores_one_copy_and_never_begins_again_unless_the_server_forgets(
    size: int, piece: int | None, fates: list[Fate]
) -> None:
    story, server = upload(("tus", ""), size, piece, fates)
    assert_ended_well(story, server, size)
    assert sum(len(stored.data) == size for stored in server.uploads.values()) == 1
    assert not any(type(note).__name__ in ("Restarted", "Breach") for note in story.notes)


@given(wording=st.sampled_from(WORDINGS), fates=st.lists(FATES, max_size=12), retries=st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_with_bounded_retries_an_upload_fails_or_ends_whole(
    wording: tuple[str, str], fates: list[Fate], retries: int
) -> None:
    server = ModelServer()
    machine = machine_of(wording, 20, Policy(piece=7, retries=retries))
    story = play(machine, server, payload(20), fates)
    assert isinstance(story.end, Done | Failed)
    if isinstance(story.end, Done):
        assert_ended_well(story, server, 20)


@given(fates=st.lists(FATES, max_size=8), noise=st.tuples(st.floats(0, 1), st.floats(0, 1)))
@settings(max_examples=100, deadline=None)
def test_the_same_answers_lead_to_the_same_requests(fates: list[Fate], noise: tuple[float, ...]) -> None:
    stories = [
        play(
            make_machine(
                "tus", endpoint=ENDPOINT, size=30, filename="f", policy=Policy(piece=9), noise=noise
            ),
            ModelServer(),
            payload(30),
            fates,
        )
        for _ in range(2)
    ]
    assert stories[0] == stories[1]
