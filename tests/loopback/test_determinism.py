"""The same seed gives the same weather: in any process, with any number of workers, on every arm."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from pathlib import Path

import pytest

from simulator.records import Fault, Link, Plan, Run
from tests.helpers.runs import only_folder, records_of, simsim

pytestmark = pytest.mark.loopback

USERS = 4
Played = dict[tuple[int, str], list[tuple[str, float]]]


def run(cwd: Path, *options: str) -> tuple[Plan, Played]:
    """Return the plan and, per user and arm, the faults played, with instants on the link's own clock."""
    cwd.mkdir()
    told = simsim(
        *("run", "mobile-flaky", "--users", str(USERS), "--size", "2 MB", "--quiet", "--no-calm"),
        *("--deadline", "15 s", *options),
        cwd=cwd,
    )
    assert told.returncode == 0, told.stderr
    records = records_of(only_folder(cwd / "results"))
    starts = {(item.user, item.arm): item.t for item in records if isinstance(item, Link)}
    played: Played = defaultdict(list)
    for item in records:
        if isinstance(item, Fault):
            played[item.user, item.arm].append((item.fault, item.t - starts[item.user, item.arm]))
    assert isinstance(records[0], Run)
    assert records[0].plan is not None
    return records[0].plan, played


def same(one: list[tuple[str, float]], other: list[tuple[str, float]]) -> bool:
    """Whether both play the same faults at the same instants for as long as both lasted."""
    return all(
        a[0] == b[0] and a[1] == pytest.approx(b[1], abs=1e-6) for a, b in zip(one, other, strict=False)
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Plan, Played]]:
    base = tmp_path_factory.mktemp("determinism")
    return {
        "one worker": run(base / "one"),
        "two workers": run(base / "two", "--workers", "2"),
        "another seed": run(base / "seed", "--seed", "2"),
    }


def test_digests_depend_on_the_seed_and_not_on_the_workers(runs: dict[str, tuple[Plan, Played]]) -> None:
    assert runs["one worker"][0].digests == runs["two workers"][0].digests
    assert not set(runs["one worker"][0].digests) & set(runs["another seed"][0].digests)


def test_every_arm_of_a_user_plays_the_same_faults_in_every_run(runs: dict[str, tuple[Plan, Played]]) -> None:
    compared = 0
    for user in range(USERS):
        lists = [
            runs[name][1][user, arm] for name in ("one worker", "two workers") for arm in ("plain", "tus")
        ]
        compared += min(map(len, lists))
        assert all(same(one, other) for one, other in combinations(lists, 2))
    assert compared >= USERS


def test_another_seed_plays_others(runs: dict[str, tuple[Plan, Played]]) -> None:
    assert not same(runs["one worker"][1][0, "tus"], runs["another seed"][1][0, "tus"])
