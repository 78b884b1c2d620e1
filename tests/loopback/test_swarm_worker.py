"""A worker of the swarm tells its leader at once when a client of it cannot go on."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.helpers.runs import ROOT, environment

pytestmark = pytest.mark.loopback


def told(what: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.workers", what],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_claim_that_nobody_answers_ends_the_run_with_its_cause() -> None:
    assert told("unanswered") == ["simsim-broken the swarm's leader gave no slot within 0 s"]


def test_an_answer_that_comes_too_late_brings_no_job_of_an_older_run() -> None:
    assert told("late") == ["True", "True"]


def test_a_client_that_fails_by_a_bug_ends_the_run_with_its_cause_in_one_run_as_in_the_next() -> None:
    first, first_end, second, second_end = told("twice")
    assert first == second
    assert first.startswith("simsim-broken a client failed: TypeError(")
    assert "patience" in first
    assert (first_end, second_end) == ("simsim-closed", "simsim-closed")


def test_what_a_worker_needs_to_start_is_no_stall() -> None:
    stalls = told("started")
    assert stalls
    assert max(stalls) < 2.0
