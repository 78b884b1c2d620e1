"""The whole of the numbers, put together."""

from __future__ import annotations

from simulator.measure.dataset import Dataset
from simulator.measure.summary import NUMBERS, Summary, summarise
from simulator.records import Cause, dump, read
from simulator.weather import load_profile
from tests.helpers.made_records import MadeRun


def told(users: int = 6) -> MadeRun:
    run = MadeRun(users=users, arms=("plain", "tus", "plain/calm", "tus/calm"))
    for user in range(users):
        upload = run.upload("plain", user=user).send(0, 1, sent=300 + 50 * user, cause=Cause.RESET, moved=0.5)
        upload.wait(1, 0.5).send(1.5, 3).completed(3)
        upload = run.upload("tus", user=user).send(0, 1, sent=300 + 50 * user, cause=Cause.RESET, moved=0.5)
        upload.query(1, 1.5, offset=250 + 50 * user).send(1.5, 2, start=250 + 50 * user).completed(2)
        for calm in ("plain/calm", "tus/calm"):
            run.upload(calm, user=user).send(0, 1).completed(1)
    return run


def test_every_arm_has_every_number_in_order() -> None:
    summary = summarise(told().dataset())
    assert [arm.name for arm in summary.arms] == ["plain", "tus", "plain/calm", "tus/calm"]
    assert all(list(arm.numbers) == list(NUMBERS) for arm in summary.arms)


def test_an_empty_run_has_every_number_too() -> None:
    summary = summarise(MadeRun().dataset(status=None))
    assert all(list(arm.numbers) == list(NUMBERS) for arm in summary.arms)


def test_a_summary_survives_its_file() -> None:
    summary = summarise(told().dataset())
    assert Summary.model_validate_json(summary.model_dump_json()) == summary


def test_the_same_records_give_the_same_summary_from_their_file() -> None:
    run = told()
    lines = [dump(record).encode() + b"\n" for record in run.records()]
    again = Dataset.of(read(lines), weather=run.weather())
    assert summarise(again) == summarise(run.dataset())


def test_a_run_on_a_shipped_profile_needs_nothing_but_its_records() -> None:
    run = MadeRun(users=2, profile=load_profile("resets").to_dict())
    run.upload("tus", size=250_000).send(0, 2).completed(2)
    [tus] = [arm for arm in summarise(Dataset.of(run.records())).arms if arm.name == "tus"]
    assert tus.numbers["efficiency"].value is not None
    assert 0.5 < tus.numbers["efficiency"].value < 0.53  # 1 s at 2 Mbit/s, and a round trip of 40 ms


def test_only_one_user_gives_no_interval_but_wilsons() -> None:
    summary = summarise(told(users=1).dataset())
    bounded = {name for arm in summary.arms for name, number in arm.numbers.items() if number.low is not None}
    assert bounded == {"completed"}
