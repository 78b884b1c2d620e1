"""What holds of the numbers of every run."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.measure.bytes import losses
from simulator.measure.carried import attribute
from simulator.measure.dataset import Dataset
from simulator.measure.intervals import wilson
from simulator.measure.models import Number, Summary
from simulator.measure.recovery import PARTS, recoveries
from simulator.measure.series import staircases, throughput
from simulator.measure.summary import summarise
from simulator.measure.survival import Times, quantile, quantile_interval
from simulator.records import Cause, Record
from tests.helpers.made_records import MadeRun, MadeUpload

SIZE = 1000
CUTS = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, 80), st.floats(0, 2)), max_size=3)
ENDINGS = st.sampled_from(["completed", "completed", "completed", "censored", "failed"])
UPLOADS = st.tuples(CUTS, ENDINGS)
RUNS = st.lists(UPLOADS, min_size=1, max_size=7)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def tell(upload: MadeUpload, arm: str, story: tuple[list[tuple[int, int, float]], str]) -> None:
    """Cut after some bytes of which a few are lost, pause, and so on; then the ending."""
    cuts, ending = story
    t, kept = 0.0, 0
    for reach, loss, pause in cuts:
        carried = max(0, min(SIZE, kept + reach) - kept)
        upload.send(t, t + 1, start=kept, sent=carried, cause=Cause.RESET, moved=t + 0.5)
        kept = max(kept, kept + carried - loss) if arm == "tus" else 0
        upload.wait(t + 1, pause).query(t + 1 + pause, t + 1.5 + pause, offset=kept)
        t += 1.5 + pause
    if ending == "completed":
        upload.send(t, t + 2, start=kept).completed(t + 2)
    elif ending == "failed":
        upload.send(t, t + 1, start=kept, status=413).failed(t + 1, "413")
    else:
        upload.censored(60.0)


def made(
    stories: list[tuple[list[tuple[int, int, float]], str]], arms: tuple[str, ...] = ("plain", "tus")
) -> MadeRun:
    run = MadeRun(users=len(stories), arms=arms)
    for user, story in enumerate(stories):
        for arm in arms:
            tell(run.upload(arm, user=user, size=SIZE), arm, story)
    return run


def numbers(summary: Summary) -> list[Number]:
    compared = [
        number
        for item in summary.comparisons
        for number in (item.avoided, item.saved_bytes, item.saved_share)
    ]
    return [*(number for arm in summary.arms for number in arm.numbers.values()), *compared]


def interleaved(records: list[Record], pick: list[int]) -> list[Record]:
    """Return the records with those of different users dealt out anew, each user's in their own order."""
    start, *middle, end = records
    users: dict[int, list[Record]] = {}
    for record in middle:
        users.setdefault(record.user, []).append(record)  # type: ignore[union-attr]
    dealt: list[Record] = []
    for choice in pick:
        ready = [queue for queue in users.values() if queue]
        if ready:
            dealt.append(ready[choice % len(ready)].pop(0))
    return [start, *dealt, *(record for queue in users.values() for record in queue), end]


@FEW
@given(RUNS, st.lists(st.integers(0, 6), max_size=60))
def test_how_users_are_interleaved_changes_no_number(stories: list, pick: list[int]) -> None:
    run = made(stories)
    other = Dataset.of(interleaved(run.records(), pick), weather=run.weather())
    assert summarise(other) == summarise(run.dataset())


@FEW
@given(RUNS)
def test_intervals_hold_their_estimates_and_every_number_is_finite(stories: list) -> None:
    for number in numbers(summarise(made(stories).dataset())):
        if number.value is None:
            assert number.method and number.low is None and number.high is None
            continue
        assert math.isfinite(number.value)
        assert number.low is None or number.low <= number.value
        assert number.high is None or number.value <= number.high


@FEW
@given(RUNS)
def test_arms_that_did_the_same_avoid_and_save_nothing(stories: list) -> None:
    run = MadeRun(users=len(stories))
    for user, story in enumerate(stories):
        for arm in ("plain", "tus"):
            tell(run.upload(arm, user=user, size=SIZE), "tus", story)
    [found] = summarise(run.dataset()).comparisons
    assert found.avoided.value in (0, None)
    assert found.saved_bytes.value == 0
    assert found.saved_share.value in (0, None)


@FEW
@given(RUNS)
def test_no_more_is_avoided_than_there_was(stories: list) -> None:
    data = made(stories).dataset()
    [found] = summarise(data).comparisons
    assert found.avoided.value is None or found.avoided.value <= 1
    for uploads in data.uploads.values():
        for upload in uploads:
            assert 0 <= upload.retransmitted <= upload.carried
            assert all(loss >= 0 for loss in losses(upload))
            assert not upload.finished or upload.carried == upload.size + upload.retransmitted


@FEW
@given(RUNS)
def test_the_parts_of_a_recovery_are_its_whole(stories: list) -> None:
    for found in recoveries(made(stories).dataset()).values():
        for recovery in found:
            assert all(recovery.parts[part] >= 0 for part in PARTS)
            if recovery.total is not None:
                assert math.isclose(sum(recovery.parts.values()), recovery.total, abs_tol=1e-6)


@FEW
@given(RUNS)
def test_staircases_run_forward_in_time_and_throughput_adds_up(stories: list) -> None:
    data = made(stories).dataset()
    for stairs in staircases(data):
        times = [t for t, _ in stairs.points]
        assert times == sorted(times)
        assert all(0 <= offset <= stairs.size for _, offset in stairs.points)
    found = throughput(data)
    for arm, uploads in data.uploads.items():
        done = sum(upload.size for upload in uploads if upload.finished)
        assert sum(found.rates[arm]) * found.bin_s >= done - 1e-6


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.integers(0, 8)), min_size=1, max_size=30),
    st.sampled_from([0.1, 0.5, 0.95]),
)
@settings(max_examples=50, deadline=None)
def test_a_quantile_lies_in_its_interval(rows: list[tuple[float, bool, int]], q: float) -> None:
    times = Times.of(rows)
    bounds = quantile_interval(times, q)
    assert bounds is None or bounds[0] <= quantile(times, q) <= bounds[1]


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_within_bounds(counts: tuple[int, int]) -> None:
    bounds = wilson(*counts)
    assert bounds is not None
    assert -1e-12 <= bounds[0] <= counts[0] / counts[1] <= bounds[1] <= 1 + 1e-12


@given(RUNS)
@settings(max_examples=25, deadline=None)
def test_the_engines_count_is_shared_out_and_never_exceeded(stories: list) -> None:
    data = made(stories).dataset()
    for link in data.links.values():
        requests = [
            passage.request
            for upload in data.uploads[link.arm]
            if upload.user == link.user
            for passage in upload.passages
        ]
        passed = attribute(requests, link.connections)
        heads = sum(passage.request.head for passage in passed if passage.connection)
        bodies = sum(passage.carried for passage in passed if passage.connection)
        assert bodies + heads == sum(item.carried_up for item in link.connections)
