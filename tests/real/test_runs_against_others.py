"""Short runs of our clients against servers that nobody here wrote: through resets, every upload intact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.measure.summary import Summary
from simulator.servers import catalog
from tests.helpers.runs import only_folder, simsim
from tests.real.conftest import installed

pytestmark = pytest.mark.real

FEW = ("--users", "3", "--size", "500 kB", "--no-calm", "--quiet")
SERVERS = ["tus-node-server", "tuspyserver", "rustus", "tus-java-server"]


@pytest.mark.parametrize("server", SERVERS)
def test_every_upload_is_intact_in_spite_of_resets(server: str, tmp_path: Path) -> None:
    installed("servers", server)
    told = simsim("run", "resets", "--server", server, "--protocol", "tus", *FEW, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    summary = Summary.model_validate(
        json.loads((only_folder(tmp_path / "results") / "summary.json").read_text())
    )
    entry = catalog.load(server)
    assert entry.install is not None
    assert (summary.plan.server, summary.plan.server_version) == (server, entry.install.version)
    (arm,) = summary.arms
    assert (arm.outcomes["completed"], arm.numbers["intact"].value) == (3, 1.0)
    assert arm.numbers["interruptions"].value
