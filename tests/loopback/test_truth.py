"""Measured results agree with theory: restarting and resuming under Poisson resets, at a shortened scale.

The textbook case of the profile ``resets`` with a faster clock: one upload takes two seconds without
faults, and a reset comes every two seconds on average, so lP is 1 and theory says (e - 1) / 1 = 1.72.

A machine that keeps the clients waiting makes the undisturbed upload longer too, and then more resets
strike it. So that time is measured side by side, on the calm twins of the same links; that a link keeps
its rate is the contract of the engine, and that it is never faster is asserted here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from simulator.measure import theory
from simulator.measure.summary import Summary
from tests.helpers.runs import only_folder, simsim
from tests.helpers.timing import Late, best_of_three, within

pytestmark = pytest.mark.loopback

RATE_BIT_S = 1_000_000
SIZE = 250_000
EVERY_S = 2.0
USERS = 60

PROFILE = """
name = "resets-fast"
summary = "Constant rate, Poisson resets, nothing else; a hundredth of the profile resets' patience"

[link]
up = "1 Mbit/s"
down = "8 Mbit/s"
delay = "5 ms"
jitter = "0 ms"
queue = "32 KiB"

[[weather.breaks]]
kind = "reset"
every = "2 s"

[workload]
users = 60
uploads = 1
size = "250 kB"
spawn_rate = 20
deadline = "90 s"

[policy]
backoff = ["0 s"]
"""


@dataclass
class Runs:
    """Runs of the profile, made when asked for: the second and third only where the first was late."""

    cwd: Path
    made: list[Summary] = field(default_factory=list)

    def __getitem__(self, n: int) -> Summary:
        while len(self.made) <= n:
            self.made.append(self._run(self.cwd / str(len(self.made))))
        return self.made[n]

    def _run(self, cwd: Path) -> Summary:
        cwd.mkdir()
        (cwd / "resets-fast.toml").write_text(PROFILE)
        told = simsim("run", "./resets-fast.toml", "--quiet", cwd=cwd)
        assert told.returncode == 0, told.stderr
        folder = only_folder(cwd / "results")
        return Summary.model_validate(json.loads((folder / "summary.json").read_text()))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("truth"))


@pytest.fixture
def each(runs: Runs) -> Iterator[Summary]:
    """The runs one by one. The weather is the same in all: what is wrong in one is wrong in all."""
    return (runs[n] for n in count())


def number(summary: Summary, arm: str, name: str) -> tuple[float, float, float]:
    """Return (low, value, high) of one number of one arm."""
    (found,) = (one.numbers[name] for one in summary.arms if one.name == arm)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return found.low, found.value, found.high


def undisturbed(summary: Summary) -> float:
    """Return T0, the mean time in seconds of the same uploads on the same links without faults."""
    _, ideal, _ = number(summary, "plain/calm", "time_mean")
    assert ideal > SIZE / (RATE_BIT_S / 8), "no upload is faster than its link"
    return ideal


def rate_per_byte(summary: Summary) -> float:
    """Return l: resets come by the clock, and P bytes take T0."""
    return undisturbed(summary) / EVERY_S / SIZE


def covers(summary: Summary, arm: str, name: str, expected: float) -> None:
    """Raise ``Late`` unless the interval of one number of *arm* holds *expected*."""
    low, _, high = number(summary, arm, name)
    try:
        within(low, expected, high)
    except Late as late:
        late.add_note(f"the run calls itself {summary.validity}: {[each.seen for each in summary.warnings]}")
        raise


def test_the_run_is_valid_and_every_upload_finishes_intact(runs: Runs) -> None:
    assert runs[0].status == "finished"
    for arm in runs[0].arms:
        assert arm.outcomes == {"completed": USERS, "failed": 0, "censored": 0, "corrupted": 0}


@best_of_three
def test_restarting_carries_what_theory_says(each: Iterator[Summary]) -> None:
    summary = next(each)
    expected = theory.restart_amplification(rate_per_byte(summary), SIZE)
    covers(summary, "plain", "amplification", expected)


@best_of_three
def test_restarting_takes_the_time_that_theory_says(each: Iterator[Summary]) -> None:
    summary = next(each)
    _, reconnect, _ = number(summary, "plain", "recovery")  # d: what a failure costs until bytes move again
    expected = theory.restart_mean_time(1 / EVERY_S, reconnect, undisturbed(summary))
    covers(summary, "plain", "time_mean", expected)


@best_of_three
def test_resuming_carries_at_most_what_is_in_flight_again(each: Iterator[Summary]) -> None:
    summary = next(each)
    bound = theory.resume_amplification_bound(rate_per_byte(summary), summary.plan.in_flight_bytes)
    low, value, _ = number(summary, "tus", "amplification")
    assert low >= 1.0
    within(low, value, bound)


@best_of_three
def test_resuming_avoids_nearly_all_that_restarting_carries_again(each: Iterator[Summary]) -> None:
    (comparison,) = next(each).comparisons
    assert comparison.avoided.low is not None
    within(0.9, comparison.avoided.low, 1.0)
