"""Uploads whose parts go side by side: every number by ranges, worked out by hand.

The story that most tests tell: 1000 bytes in two parts of 500 over a link of 1000 bytes a second. Both
begin at 0 s; a reset at 0.5 s cuts part 0 after 300 bytes (280 kept) and part 1 after 200 (all kept).
Part 1 asks and goes on first, part 0 waits a second longer.
"""

from __future__ import annotations

import pytest

from simulator.measure.bytes import byte_numbers, losses
from simulator.measure.climbs import summed
from simulator.measure.logs import UploadLog, covered
from simulator.measure.recovery import Recovery, interruptions, recoveries
from simulator.measure.series import staircases, throughput
from simulator.records import Cause
from tests.helpers.made_records import MadeRun


def told(*, whole: bool = True) -> MadeRun:
    run = MadeRun(arms=("tus",))
    run.fault("reset", 0.5, arm="tus", connections=2)
    upload = run.upload("tus", size=1000)
    upload.send(0.0, 0.5, start=0, length=500, sent=300, cause=Cause.RESET, part=0)
    upload.send(0.0, 0.5, start=500, length=500, sent=200, cause=Cause.RESET, part=1)
    upload.query(0.5, 0.6, offset=700, start=500, part=1)
    upload.wait(0.5, 1.0, part=0)
    upload.send(0.6, 1.0, start=700, length=300, part=1).final(1.0, 500, 1000)
    upload.query(1.5, 1.6, offset=280, start=0, part=0)
    if not whole:
        upload.censored(60.0)
        return run
    upload.send(1.6, 2.0, start=280, length=220, part=0).final(2.0, 0, 500)
    upload.query(2.0, 2.1)  # the request that joins the parts carries nothing, either
    upload.completed(2.1)
    return run


def log_of(run: MadeRun) -> UploadLog:
    (upload,) = run.dataset().uploads["tus"]
    return upload


def found(run: MadeRun) -> list[Recovery]:
    return recoveries(run.dataset())["tus"]


def test_what_was_kept_of_a_request_is_told_by_its_own_part() -> None:
    upload = log_of(told())
    attempts = [
        (passage.request.start, kept)
        for passage, kept in zip(upload.passages, upload.kept, strict=True)
        if passage.attempt
    ]
    assert attempts == [(0, 280), (500, 700), (700, None), (280, None)]


def test_the_loss_of_each_part_is_counted_by_itself() -> None:
    assert losses(log_of(told())) == [20, 0]


def test_bytes_add_up_over_parts() -> None:
    numbers = byte_numbers(told().dataset().uploads["tus"])
    assert numbers["carried"].value == 300 + 200 + 300 + 220
    assert numbers["retransmitted"].value == 20
    assert numbers["amplification"].value == 1.02
    assert (numbers["lost"].value, numbers["lost"].n) == (10.0, 2)
    assert interruptions(told().dataset().uploads["tus"]) == 2


def test_of_an_unfinished_upload_every_part_counts_for_what_is_stored_and_carried() -> None:
    run = told(whole=False)
    numbers = byte_numbers(run.dataset().uploads["tus"])
    assert numbers["stored"].value == 280 + 500, "and not 1000, the furthest byte"
    assert log_of(run).retransmitted == (300 + 200 + 300) - (300 + 500)


def test_each_part_recovers_by_itself_and_waits_are_its_own() -> None:
    late, soon = sorted(found(told()), key=lambda item: -(item.total or 0))
    assert (soon.fault, late.fault) == ("reset", "reset")
    assert soon.parts["backoff"] == 0
    assert soon.parts["query"] == pytest.approx(0.1)
    assert soon.total == pytest.approx(0.1, abs=0.02)  # and the head of the resuming request
    assert late.parts["backoff"] == pytest.approx(1.0)
    assert late.total == pytest.approx(1.1, abs=0.02)
    for recovery in (soon, late):
        assert sum(recovery.parts.values()) == pytest.approx(recovery.total)


def test_the_staircase_is_the_sum_of_what_the_parts_hold() -> None:
    [stairs] = staircases(told().dataset())
    held = dict(stairs.points)
    assert held[0.0] == 0
    assert held[0.5] == 280 + 200
    assert held[0.6] == 480
    assert held[1.0] == 280 + 500
    assert held[1.6] == 780
    assert held[2.0] == 1000
    assert stairs.points[-1] == (2.1, 1000)
    offsets = [offset for _, offset in stairs.points]
    assert offsets == sorted(offsets), "nothing was lost that the server had"


def test_parts_that_share_a_link_do_not_each_climb_at_its_full_rate() -> None:
    run = MadeRun(arms=("tus",))
    upload = run.upload("tus", size=1000)
    upload.send(0, 1.0, start=0, length=500, part=0).send(0, 1.0, start=500, length=500, part=1)
    upload.completed(1.0)
    found = throughput(run.dataset(), bin_s=0.25)
    assert found.rates["tus"][:4] == pytest.approx((1000, 1000, 1000, 1000))


def test_a_part_that_is_begun_again_falls_to_its_own_beginning() -> None:
    run = MadeRun(arms=("tus",))
    upload = run.upload("tus", size=1000)
    upload.send(0, 0.5, start=0, length=500, part=0)
    upload.send(0, 0.5, start=500, length=500, sent=400, cause=Cause.RESET, part=1)
    upload.query(0.5, 0.6, offset=900, start=500, part=1)
    upload.send(0.6, 0.7, start=900, length=100, sent=50, cause=Cause.RESET, part=1)
    upload.query(0.7, 0.8, status=404, start=500, part=1)
    upload.send(1.0, 1.5, start=500, length=500, part=1).completed(1.5, restarts=1)
    [stairs] = staircases(run.dataset())
    assert [offset for t, offset in stairs.points if t == 1.0] == [950, 500]
    assert losses(log_of(run)) == [0, 450]


@pytest.mark.parametrize(
    ("spans", "size", "total"),
    [
        ([], None, 0),
        ([(0, 10), (20, 30)], None, 20),
        ([(20, 30), (0, 25)], None, 30),
        ([(0, 10), (10, 20), (5, 15)], None, 20),
        ([(0, 10), (0, 4), (8, 8)], None, 10),
        ([(0, 10), (90, 120)], 100, 20),
        ([(110, 120)], 100, 0),
    ],
)
def test_bytes_in_several_ranges_count_once(
    spans: list[tuple[int, int]], size: int | None, total: int
) -> None:
    assert covered(spans, size) == total


def test_lines_are_summed_where_either_bends_and_falls_stay_upright() -> None:
    first = [(0.0, 0.0), (2.0, 20.0), (2.0, 5.0), (4.0, 25.0)]
    second = [(1.0, 0.0), (3.0, 10.0)]
    assert summed([first, second]) == [
        (0.0, 0.0),
        (1.0, 10.0),
        (2.0, 25.0),
        (2.0, 10.0),
        (3.0, 25.0),
        (4.0, 35.0),
    ]
