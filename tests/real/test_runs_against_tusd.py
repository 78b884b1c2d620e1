"""Whole runs against the real tusd: started by us from the catalog, and started by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.measure.summary import Summary
from simulator.servers import start
from tests.helpers.runs import only_folder, simsim

pytestmark = pytest.mark.real

FEW = ("--users", "3", "--size", "700 kB", "--no-calm", "--quiet")


def summary_of(cwd: Path) -> Summary:
    return Summary.model_validate(json.loads((only_folder(cwd / "results") / "summary.json").read_text()))


def arms_completed_intact(summary: Summary) -> dict[str, tuple[int, float | None]]:
    return {arm.name: (arm.outcomes["completed"], arm.numbers["intact"].value) for arm in summary.arms}


def test_a_run_starts_tusd_and_finds_every_upload_intact_in_spite_of_resets(
    tusd: Path, tmp_path: Path
) -> None:
    told = simsim("run", "resets", "--server", "tusd", *FEW, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    summary = summary_of(tmp_path)
    assert (summary.plan.server, summary.plan.server_version) == ("tusd", "v2.9.1")
    assert arms_completed_intact(summary) == {"plain": (3, 1.0), "tus": (3, 1.0)}
    assert summary.comparisons[0].arm == "tus"


def test_a_silent_death_does_not_lock_the_client_out_of_tusd(tusd: Path, tmp_path: Path) -> None:
    told = simsim("run", "stale-lock", "--server", "tusd", "--protocols", "tus", *FEW, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    (arm,) = summary_of(tmp_path).arms
    assert arm.outcomes["completed"] == 3
    assert arm.numbers["interruptions"].value == 3
    assert arm.numbers["retransmitted"].value is not None
    assert arm.numbers["retransmitted"].value < 3 * 700_000 / 2


def test_a_run_goes_against_a_tusd_that_was_started_by_hand(tusd: Path, tmp_path: Path) -> None:
    with start("tusd", tmp_path / "by-hand") as running:
        url = running.endpoints["tus"].url
        told = simsim("run", "wifi", "--against", url, *FEW, cwd=tmp_path)
        assert told.returncode == 0, told.stderr
    summary = summary_of(tmp_path)
    assert summary.plan.target == url
    assert arms_completed_intact(summary) == {"plain": (3, 1.0), "tus": (3, 1.0)}
