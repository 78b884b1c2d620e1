"""Records in groups, also those of a run that was killed."""

from __future__ import annotations

import pytest

from simulator.errors import UsageError
from simulator.measure.dataset import Dataset
from simulator.records import Cause, Request
from tests.helpers.made_records import MadeRun


def test_records_without_a_plan_are_refused() -> None:
    with pytest.raises(UsageError, match="no plan"):
        Dataset.of(MadeRun().records()[1:])


def test_uploads_are_sorted_by_arm_user_and_number() -> None:
    run = MadeRun(users=2)
    for user in (1, 0):
        for number in (1, 0):
            run.upload("tus", user=user, upload=number).send(0, 1).completed(1)
    data = run.dataset()
    assert [(item.user, item.upload) for item in data.uploads["tus"]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert data.uploads["plain"] == ()


def test_an_upload_without_its_end_is_censored_at_the_last_instant_seen() -> None:
    run = MadeRun()
    run.upload("tus", size=1000).send(0, 1, sent=600, cause=Cause.RESET)
    run.upload("plain", size=1000).send(0, 7.5).completed(7.5)
    data = run.dataset(status=None)
    [upload] = data.uploads["tus"]
    assert (upload.outcome, upload.started, upload.ended, upload.size) == ("censored", 0, 7.5, 1000)
    assert data.status == "interrupted"


def test_the_size_of_an_upload_without_its_end_comes_from_the_same_upload_in_another_arm() -> None:
    run = MadeRun(size="1 kB..9 kB")
    run.upload("tus").send(0, 1, start=0, length=500, cause=Cause.RESET)
    run.upload("plain", size=4321).send(0, 1).completed(1)
    assert run.dataset(status=None).uploads["tus"][0].size == 4321


@pytest.mark.parametrize(("size", "expected"), [("2 kB", 2000), ("film.mp4 (77 B)", 500)])
def test_or_else_from_the_plan_or_the_furthest_byte(size: str, expected: int) -> None:
    run = MadeRun(size=size)
    run.upload("tus").send(0, 1, start=0, length=500, cause=Cause.RESET)
    assert run.dataset(status=None).uploads["tus"][0].size == expected


def test_a_completed_upload_that_was_stored_wrong_is_corrupted() -> None:
    run = MadeRun()
    run.upload("tus", user=0).send(0, 1).completed(1).stored(False)
    run.upload("tus", user=1).send(0, 1).completed(1).stored(None)
    run.upload("tus", user=2).send(0, 1).failed(1, "413").stored(False)
    assert [item.outcome for item in run.dataset().uploads["tus"]] == ["corrupted", "completed", "failed"]


def test_what_the_server_kept_is_told_by_the_next_query_or_the_next_attempt() -> None:
    run = MadeRun()
    upload = run.upload("tus", size=1000)
    upload.send(0, 1, start=0, sent=400, cause=Cause.RESET).query(1, 2, cause=Cause.RESET).query(
        2, 3, offset=350
    )
    upload.send(3, 4, start=350, sent=100, cause=Cause.RESET).send(4, 5, start=0, sent=9, cause=Cause.RESET)
    upload.query(5, 6, offset=1000).completed(6)
    [log] = run.dataset().uploads["tus"]
    assert log.kept == (350, 350, 350, 0, 1000, None)


def test_a_link_without_a_start_begins_with_its_first_request() -> None:
    run = MadeRun(users=2)
    run.link("tus", 0, 1.0)
    run.upload("tus", user=0).send(3, 4).completed(4)
    run.upload("tus", user=1).send(3, 4).completed(4)
    links = run.dataset().links
    assert (links["tus", 0].start, links["tus", 1].start) == (1.0, 3.0)


def hung(status: str | None) -> list[tuple[int, bool]]:
    """Return what a request carried whose connection no engine took, beside one that was counted."""
    run = MadeRun()
    run.upload("tus").send(0, 1, sent=400, carried=-1, cause=Cause.STALLED).send(1, 2).completed(2)
    [log] = run.dataset(status=status).uploads["tus"]
    return [(passage.carried, passage.counted) for passage in log.passages]


def test_what_no_engine_took_was_not_carried_where_the_run_ended_in_order() -> None:
    assert hung("finished") == [(0, True), (1000, True)]
    for status in (None, "interrupted", "invalid"):  # the engine's last words may be missing
        assert hung(status) == [(400, False), (1000, True)]


def test_the_requests_of_an_upload_are_in_order_whatever_the_order_of_the_records() -> None:
    run = MadeRun()
    run.upload("tus").send(0, 1, sent=10, cause=Cause.RESET).send(1, 2, sent=20, cause=Cause.RESET)
    records = run.records()
    records[1:-1] = reversed(records[1:-1])
    assert sum(isinstance(record, Request) for record in records) == 2
    [log] = Dataset.of(records, weather=run.weather()).uploads["tus"]
    assert [passage.request.n for passage in log.passages] == [0, 1]
