"""Measured results agree with theory: restarting and resuming under Poisson resets, at a shortened scale.

The textbook case of the profile ``resets`` with a faster clock: one upload takes two seconds without
faults, and a reset comes every two seconds on average, so lP is 1 and theory says (e - 1) / 1 = 1.72.
"""

from __future__ import annotations

import json
import math

import pytest

from simulator.measure import theory
from simulator.measure.summary import Summary
from tests.helpers.runs import only_folder, simsim

pytestmark = pytest.mark.loopback

RATE_BIT_S = 1_000_000
SIZE = 250_000
EVERY_S = 2.0
DELAY_S = 0.005
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


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    cwd = tmp_path_factory.mktemp("truth")
    (cwd / "resets-fast.toml").write_text(PROFILE)
    told = simsim("run", "./resets-fast.toml", "--no-calm", "--quiet", cwd=cwd)
    assert told.returncode == 0, told.stderr
    folder = only_folder(cwd / "results")
    return Summary.model_validate(json.loads((folder / "summary.json").read_text()))


def number(summary: Summary, arm: str, name: str) -> tuple[float, float, float]:
    """Return (low, value, high) of one number of one arm."""
    (found,) = (each.numbers[name] for each in summary.arms if each.name == arm)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return found.low, found.value, found.high


def test_the_run_is_valid_and_every_upload_finishes_intact(summary: Summary) -> None:
    assert summary.status == "finished"
    for arm in summary.arms:
        assert arm.outcomes == {"completed": USERS, "failed": 0, "censored": 0, "corrupted": 0}


def test_restarting_carries_what_theory_says(summary: Summary) -> None:
    rate_per_byte = 1 / EVERY_S / (RATE_BIT_S / 8)
    expected = theory.restart_amplification(rate_per_byte, SIZE)
    assert expected == pytest.approx(math.e - 1)
    low, _, high = number(summary, "plain", "amplification")
    assert low <= expected <= high


def test_restarting_takes_the_time_that_theory_says(summary: Summary) -> None:
    _, reconnect, _ = number(summary, "plain", "recovery")  # d: what a failure costs until bytes move again
    ideal = SIZE / (RATE_BIT_S / 8) + 4 * DELAY_S  # the handshake's round trip, and the answer's
    expected = theory.restart_mean_time(1 / EVERY_S, reconnect, ideal)
    low, _, high = number(summary, "plain", "time_mean")
    assert low <= expected <= high


def test_resuming_carries_at_most_what_is_in_flight_again(summary: Summary) -> None:
    rate_per_byte = 1 / EVERY_S / (RATE_BIT_S / 8)
    bound = theory.resume_amplification_bound(rate_per_byte, summary.plan.in_flight_bytes)
    low, value, _ = number(summary, "tus", "amplification")
    assert 1.0 <= low <= value <= bound


def test_resuming_avoids_nearly_all_that_restarting_carries_again(summary: Summary) -> None:
    (comparison,) = summary.comparisons
    assert comparison.avoided.low is not None
    assert comparison.avoided.low > 0.9
