"""tus and the IETF draft, each client machine against the core of the server in the box.

What must hold is what ``test_machines_never_resend`` asks of every machine against a model: nothing
acknowledged is sent again, by a 104 or a final answer; nothing is stored twice in one upload, left out
or out of place; and when the trouble ends the upload ends soon. Neither side may blame the other.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocols import make_machine
from simulator.protocols.dialects import DIALECTS
from simulator.protocols.machine import Acknowledged, Breach, Done, Restarted
from simulator.protocols.policy import Policy
from simulator.records import Purpose
from tests.helpers.coreserver import OFFSETS, CoreServer
from tests.helpers.modelserver import Crash, Cut, Fate, Forget, Lost, Refusal, Story, Well, payload, play

LONGEST = 60
READ = 7  # bytes
COUNT = st.integers(0, LONGEST)
TROUBLES = (
    st.builds(Well),
    st.builds(Lost),
    st.builds(Cut, COUNT, COUNT, COUNT, COUNT),
    st.builds(Refusal, st.integers(0, 5), COUNT),
    st.builds(Crash, COUNT),
)
ARMS = [("tus", ""), ("tus", "creation-with-upload"), ("tus", "deferred=last"), ("tus", "override")]
ARMS += [("ietf", f"interop={version}{how}") for version in DIALECTS for how in ("", "+careful")]


def upload(arm: tuple[str, str], size: int, piece: int | None, fates: list[Fate]) -> tuple[Story, CoreServer]:
    protocol, variant = arm
    server = CoreServer(READ)
    machine = make_machine(
        protocol,
        endpoint=OFFSETS[protocol],
        size=size,
        filename="a b.bin",
        policy=Policy(piece=piece),
        variant=variant,
    )
    story = play(machine, server, payload(size), fates, requests=3 * len(fates) + size + 8)
    return story, server


def assert_ended_well(story: Story, server: CoreServer, size: int) -> None:
    assert isinstance(story.end, Done), story.end or "still at it long after the trouble was over"
    assert story.end.location is not None
    assert server.get(story.end.location) == payload(size)
    assert not any(isinstance(note, Breach) for note in story.notes), story.notes


@pytest.mark.parametrize("arm", ARMS, ids=":".join)
@given(
    size=st.integers(0, LONGEST),
    piece=st.sampled_from([None, 1, 20]),
    fates=st.lists(st.one_of(*TROUBLES, st.builds(Forget)), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_whatever_befalls_its_requests_an_upload_ends_whole_and_resends_nothing_acknowledged(
    arm: tuple[str, str], size: int, piece: int | None, fates: list[Fate]
) -> None:
    story, server = upload(arm, size, piece, fates)
    assert_ended_well(story, server, size)


@pytest.mark.parametrize(
    "arm", [arm for arm in ARMS if "careful" in arm[1] or arm == ("tus", "")], ids=":".join
)
@given(
    size=st.integers(1, LONGEST),
    piece=st.sampled_from([None, 20]),
    fates=st.lists(st.one_of(*TROUBLES), max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_an_upload_that_is_made_is_never_begun_again(
    arm: tuple[str, str], size: int, piece: int | None, fates: list[Fate]
) -> None:
    story, server = upload(arm, size, piece, [Well(), *fates])
    assert_ended_well(story, server, size)
    assert not any(isinstance(note, Restarted) for note in story.notes)
    assert sum(send.purpose is Purpose.CREATE for send in story.sends) == 1
    assert server.copies(payload(size)) == 1


@pytest.mark.parametrize("version", [version for version, dialect in DIALECTS.items() if dialect.progress])
def test_progress_is_told_while_content_comes_and_taken_for_acknowledged(version: int) -> None:
    story, server = upload(("ietf", f"interop={version}+careful"), LONGEST, None, [])
    assert_ended_well(story, server, LONGEST)
    told = [
        note.offset for note in story.notes if isinstance(note, Acknowledged) and note.source == "interim"
    ]
    assert told and told == sorted(set(told)) and told[-1] <= LONGEST
