"""What a report says of a hop's steps: how often each fired, and which never did."""

from __future__ import annotations

from simulator.measure.summary import summarise
from simulator.records import Hop, dump, load
from simulator.report import terminal, words
from simulator.weather.hops import to_plain
from tests.helpers.hops import steps
from tests.helpers.made_records import MadeRun

SCRIPT = steps(
    'id = "lost"\nwhen = { at = "answer" }\ndo = { kind = "drop-answer" }',
    'id = "limit"\nwhen = { over = "1 MB" }\ndo = { kind = "status", code = 413 }',
)


def made(*hops: Hop) -> MadeRun:
    run = MadeRun(users=5, profile={"name": "made", "hop": to_plain(SCRIPT)})
    for user in range(5):
        for arm in ("plain", "tus"):
            run.upload(arm, user=user).send(0, 1).completed(1).stored(True)
    for hop in hops:
        run.add(hop)
    return run


def firing(step: str, arm: str | None = None, action: str = "drop-answer") -> Hop:
    return Hop(t=1.0, step=step, action=action, method="PATCH", target="/files/1", port=4000, arm=arm)


def test_firings_are_counted_by_step_and_arm() -> None:
    summary = summarise(made(firing("lost", "tus"), firing("lost", "tus"), firing("lost", "plain")).dataset())
    lost, limit = summary.hop
    assert (lost.id, lost.fired, lost.by_arm) == ("lost", 3, {"plain": 1, "tus": 2})
    assert (limit.fired, limit.does) == (0, "status 413 over 1 MB")
    assert (words.fired(lost), words.fired(limit)) == ("3 × (plain 1, tus 2)", "never")


def test_a_step_that_never_fired_is_said_to_be_untested() -> None:
    summary = summarise(made(firing("lost")).dataset())
    (note,) = [item for item in summary.warnings if "never fired" in item.seen]
    assert (note.level, note.seen) == ("note", "step 'limit' of the hop never fired (status 413 over 1 MB)")
    page = terminal.render(summary, width=100, colour=False)
    assert "hop: lost: 1 ×" in page
    assert "hop: limit: never" in page
    assert "untested" in page


def test_when_all_fired_nothing_is_said_against_it() -> None:
    summary = summarise(made(firing("lost"), firing("limit", action="status 413")).dataset())
    assert [item.seen for item in summary.warnings if "hop" in item.seen] == []


def test_answers_that_no_step_asked_for_are_said() -> None:
    own = firing("", action="status 502")
    summary = summarise(made(firing("lost"), firing("limit"), own, own).dataset())
    (note,) = [item for item in summary.warnings if "hop" in item.seen]
    assert note.seen == "the hop answered status 502 2 times without a step that says so"


def test_a_run_without_a_hop_says_nothing_of_one() -> None:
    assert summarise(MadeRun().dataset()).hop == []


def test_a_firing_is_a_record() -> None:
    whole = firing("lost", "tus/calm").model_copy(update={"user": 3, "upload": 0, "serial": 7})
    assert load(dump(whole)) == whole
