"""Short runs of our clients against servers that nobody here wrote: through resets, every upload intact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.measure.summary import Summary
from simulator.records import Outcome, Upload
from simulator.servers import catalog
from tests.helpers.runs import only_folder, records_of, simsim
from tests.real.conftest import installed

pytestmark = pytest.mark.real

FEW = ("--users", "3", "--size", "500 kB", "--no-calm", "--quiet")
SERVERS = {
    "tus-node-server": "tus",
    "tuspyserver": "tus",
    "rustus": "tus",
    "tus-java-server": "tus",
    "uploadx": "google",
}
BREAKS = {  # the rule that an upload may end by there: see test_tus_servers_contract.py
    "tus-java-server": "the server broke a rule (tus 1.0.0, Requests: HEAD): Upload-Offset is missing"
}


@pytest.mark.parametrize("server", SERVERS)
def test_every_upload_is_intact_in_spite_of_resets(server: str, tmp_path: Path) -> None:
    installed("servers", server)
    told = simsim("run", "resets", "--server", server, "--protocol", SERVERS[server], *FEW, cwd=tmp_path)
    assert told.returncode in (0, 3), told.stderr  # 3: the machine was too busy to time it well
    folder = only_folder(tmp_path / "results")
    summary = Summary.model_validate(json.loads((folder / "summary.json").read_text()))
    entry = catalog.load(server)
    assert entry.install is not None
    assert (summary.plan.server, summary.plan.server_version) == (server, entry.install.version)
    assert summary.arms[0].numbers["intact"].value == 1.0
    assert summary.arms[0].numbers["interruptions"].value
    uploads = [record for record in records_of(folder) if isinstance(record, Upload)]
    unfinished = [each.why for each in uploads if each.outcome is not Outcome.COMPLETED]
    assert len(uploads) == 3 > len(unfinished)
    assert set(unfinished) <= {BREAKS.get(server)}
