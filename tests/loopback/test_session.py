"""One client on a real link, in this process: how long it goes on, and how long each upload may."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from simulator.links.embedded import EmbeddedEngine
from simulator.records import Arm, Link, Outcome, Record, Upload
from simulator.servers import start
from simulator.servers.server import Target
from simulator.swarm.session import Session, Workload
from simulator.weather import load_profile
from tests.helpers.plans import make_job, make_plan

pytestmark = pytest.mark.loopback

TUS = Arm(name="tus", protocol="tus")
STEADY = load_profile("resets")  # 2 Mbit/s


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with start("reference", tmp_path_factory.mktemp("server")) as target:
        yield target


def run(target: Target, **plan: Any) -> tuple[list[Outcome], float, list[Upload]]:
    """Run one client; return how its uploads ended, when its link began, and their records."""
    port = int(target.endpoints["tus"].url.rsplit(":", 1)[1].partition("/")[0])
    job = make_job(make_plan(profile=STEADY.to_dict(), users=1, arms=[TUS], **plan), port=port)
    records: list[Record] = []
    with EmbeddedEngine() as engine:
        session = Session(job, job.slot(0), engine, workload=Workload(job), record=records.append)
        outcomes = session.run()
    (link,) = (record for record in records if isinstance(record, Link))
    return outcomes, link.t, [record for record in records if isinstance(record, Upload)]


def test_with_a_duration_it_uploads_again_until_the_time_is_over_and_no_more(target: Target) -> None:
    outcomes, begun, uploads = run(target, uploads=0, duration_s=1.5, size="10 kB..30 kB")
    assert set(outcomes) == {Outcome.COMPLETED}
    assert [upload.upload for upload in uploads] == list(range(len(outcomes)))
    assert len(uploads) > 1
    assert len({upload.size for upload in uploads}) > 1
    *earlier, last = (upload.t - begun for upload in uploads)
    assert all(end < 1.5 for end in earlier)
    assert last >= 1.5


def test_each_upload_has_a_deadline_of_its_own(target: Target) -> None:
    outcomes, begun, uploads = run(target, uploads=3, deadline_s=0.6, size="20 MB")
    assert outcomes == [Outcome.CENSORED] * 3
    assert {upload.why for upload in uploads} == {"deadline"}
    ends = [begun, *(upload.t for upload in uploads)]
    assert all(after - before >= 0.6 for before, after in pairwise(ends))
