"""A swarm is called hung from its first link on, and has a limit of its own until then."""

from __future__ import annotations

import pytest

from simulator.errors import PartDied
from simulator.records import Link, Sample
from simulator.swarm.patience import GATHER_TIMEOUT, OVERTIME, START_TIMEOUT, Patience
from simulator.swarm.planning import longest
from tests.helpers.plans import make_plan

PLAN = make_plan(deadline_s=2.0)
LONGEST = longest(PLAN)


def begun(at: float) -> Patience:
    patience = Patience(PLAN)
    patience.see(Link(t=at, user=0, arm="tus"))
    return patience


def test_workers_get_all_their_time_to_gather_however_short_the_deadline() -> None:
    assert START_TIMEOUT > GATHER_TIMEOUT > LONGEST + OVERTIME
    Patience(PLAN).check(GATHER_TIMEOUT + 1)


def test_a_swarm_that_never_begins_is_given_up() -> None:
    with pytest.raises(PartDied, match="no user of the swarm had begun after 240 s"):
        Patience(PLAN).check(START_TIMEOUT + 1)


def test_the_deadlines_count_from_the_first_link() -> None:
    patience = begun(at=100.0)
    patience.see(Link(t=102.0, user=1, arm="tus"))
    patience.check(100 + LONGEST + OVERTIME)
    with pytest.raises(PartDied, match="still ran 20 s after the last deadline"):
        patience.check(100 + LONGEST + OVERTIME + 0.1)


def test_other_records_do_not_begin_the_time() -> None:
    patience = Patience(PLAN)
    patience.see(Sample(t=1.0, part="server", cpu=0.1))
    patience.check(LONGEST + OVERTIME + 2)
