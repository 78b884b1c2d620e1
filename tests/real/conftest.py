"""Real servers, installed by simsim's own command, once a session."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from simulator.servers import start
from simulator.servers.server import Target
from tests.helpers.tls import TlsTusd, tls_tusd_in


@pytest.fixture(scope="session")
def tusd() -> Path:
    """The path of tusd at the pinned version. Real tests were asked for, so a missing part is a failure."""
    return installed("servers", "tusd")


@pytest.fixture(scope="session")
def toxiproxy() -> Path:
    """The path of toxiproxy-server at the pinned version."""
    return installed("engines", "toxiproxy")


@pytest.fixture(scope="session")
def fake_gcs() -> Path:
    """The path of fake-gcs-server at the pinned version."""
    return installed("servers", "fake-gcs-server")


@cache
def installed(kind: str, name: str) -> Path:
    """Return the path of what is installed now, the first time in a session."""
    command = [sys.executable, "-m", "simulator", kind, "install", name]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        pytest.fail(f"{name} cannot be installed here: {told.stderr.strip().splitlines()[-1]}")
    return Path(told.stdout.strip().rpartition(" is at ")[2])


@pytest.fixture
def plain_tusd(tusd: Path, tmp_path: Path) -> Iterator[Target]:
    """A tusd of the test's own."""
    with start("tusd", tmp_path / "plain") as target:
        yield target


@pytest.fixture
def tls_tusd(tusd: Path, tmp_path: Path) -> Iterator[TlsTusd]:
    """The same, speaking https alone."""
    with tls_tusd_in(tmp_path) as running:
        yield running
