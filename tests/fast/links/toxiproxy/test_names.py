"""A proxy's name tells whether the process that made it still lives, and whether it was here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.links.toxiproxy import names

ROOT = Path(__file__).parents[4]


def dead_prefix(run: str = "run-1") -> str:
    """The prefix of a process that has ended."""
    code = f"from simulator.links.toxiproxy import names; print(names.prefix({run!r}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return told.stdout.strip()


def test_the_proxies_of_a_process_that_lives_are_not_left_behind() -> None:
    assert not names.left_behind(f"{names.prefix('run-1')}-0")


def test_the_proxies_of_a_process_that_has_ended_are() -> None:
    assert names.left_behind(f"{dead_prefix()}-17")


def test_a_process_id_that_another_process_has_by_now_does_not_protect_them() -> None:
    simsim, machine, _, start, rest = names.prefix("run-1").split("-", 4)
    assert names.left_behind(f"{simsim}-{machine}-{os.getpid()}-{int(start) - 1}-{rest}-0")


@pytest.mark.parametrize(
    "name",
    ["", "redis", "simsim", "simsim-x-1-2-run", "simsim-0badc0de-1-2-run-0", "my-simsim-0badc0de-1-2-x"],
)
def test_strangers_and_other_machines_are_left_alone(name: str) -> None:
    assert not names.left_behind(name)


def test_a_name_carries_the_run_and_nothing_that_a_path_would_trip_over() -> None:
    assert names.prefix("2026-11-25T031409-mobile-flaky-9dd9").endswith(
        "-2026-11-25T031409-mobile-flaky-9dd9"
    )
    assert names.prefix("a/b c?").endswith("-abc")
    assert names.prefix("").endswith("-unnamed")
