"""What each client of a swarm gets: its payloads, its end, and its link's weather."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.records import Arm
from simulator.swarm.job import Slot
from simulator.swarm.session import Workload
from simulator.weather import load_profile
from tests.helpers.plans import make_job, make_plan

TUS = Arm(name="tus", protocol="tus")
CALM = Arm(name="tus/calm", protocol="tus", calm_of="tus")


@pytest.mark.parametrize("name", ["resets", "mobile-flaky", "lte"])
def test_a_calm_twin_has_no_faults_and_otherwise_the_same_link(name: str) -> None:
    profile = load_profile(name).with_workload(users=4)
    workload = Workload(make_job(make_plan(profile=profile.to_dict(), arms=[TUS, CALM])))
    windy = [workload.timeline(user, calm=False) for user in range(4)]
    calm = [workload.timeline(user, calm=True) for user in range(4)]
    assert any(link.breaks for link in windy)
    assert not any(link.breaks for link in calm)
    for one, twin in zip(windy, calm, strict=True):
        assert (one.queue, one.jitter, one.delay.at(0.0)) == (twin.queue, twin.jitter, twin.delay.at(0.0))
        assert all(rate <= (twin.uplink.at(t) or 0) for t, rate in rates(one.uplink))
        assert any(rate == twin.uplink.at(t) for t, rate in rates(one.uplink))


def rates(curve: object) -> list[tuple[float, float]]:
    return list(zip(curve.times, curve.rates, strict=True))  # type: ignore[attr-defined]


def test_each_upload_has_a_size_of_its_own_which_every_arm_draws_alike() -> None:
    workload = Workload(make_job(make_plan(size="100 kB..200 kB")))
    sizes = {
        (user, upload): {
            workload.payload(Slot(user=user, arm=arm), upload).size
            for arm in (TUS, CALM, Arm(name="plain", protocol="plain"))
        }
        for user in range(3)
        for upload in range(3)
    }
    assert all(len(found) == 1 for found in sizes.values())
    assert len({size for found in sizes.values() for size in found}) == 9


def test_seeded_bytes_are_each_uploads_own_and_a_file_is_everybodys(tmp_path: Path) -> None:
    slots = [Slot(user=user, arm=arm) for user in range(2) for arm in (TUS, CALM)]
    seeded = Workload(make_job())
    assert len({seeded.payload(slot, upload).sha256() for slot in slots for upload in range(2)}) == 8
    (tmp_path / "film.bin").write_bytes(b"moving" * 1000)
    file = Workload(make_job().model_copy(update={"file": str(tmp_path / "film.bin")}))
    assert {file.payload(slot, upload).slice(0, 6000) for slot in slots for upload in range(2)} == {
        b"moving" * 1000
    }


def test_a_user_is_through_after_its_uploads_or_when_the_time_is_over() -> None:
    counted = Workload(make_job(make_plan(uploads=2)))
    assert [counted.over(upload, 1000.0) for upload in range(3)] == [False, False, True]
    timed = Workload(make_job(make_plan(uploads=0, duration_s=3.0)))
    assert [timed.over(1000, elapsed) for elapsed in (0.0, 2.9, 3.0)] == [False, False, True]
