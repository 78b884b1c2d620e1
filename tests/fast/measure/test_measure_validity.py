"""What disturbs a run, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.measure.dataset import Dataset
from simulator.measure.models import Summary
from simulator.measure.redraw import Redrawn
from simulator.measure.summary import summarise
from simulator.records import Cause, Change
from tests.helpers.made_records import MadeRun, steady

HOME = "http://127.0.0.1:80"  # of a made run's target


def quiet(users: int = 5) -> MadeRun:
    """A run to which nothing can be said against."""
    run = MadeRun(users=users, timeline=steady(8e6))
    for user in range(users):
        for arm in ("plain", "tus"):
            upload = run.upload(arm, user=user, size=1_000_000)
            upload.send(0, 1).completed(1).stored(True)
    for t in range(1, 21):
        run.sample(t / 4, "engine", late_p50=0.001, late_p99=0.002, lag=0.0)
        run.sample(t / 4, "server", cpu=0.3, rss=1)
        run.sample(t / 4, "clients-0", stall=0.02)
    return run


def seen(summary: Summary) -> list[tuple[str, str]]:
    return [(item.level, item.seen) for item in summary.warnings]


def test_a_quiet_run_is_valid_and_has_no_warnings() -> None:
    summary = summarise(quiet().dataset())
    assert (summary.validity, summary.status, seen(summary)) == ("valid", "finished", [])


def test_its_instrument_shows_what_it_did() -> None:
    run = quiet()
    run.fault("reset", 0.5, arm="tus", late=0.004)
    found = summarise(run.dataset()).instrument
    assert found["event_late_p99"].value == pytest.approx(0.004)
    assert found["delivery_late_p99"].value == pytest.approx(0.002)
    assert found["cpu_server"].value == 0.3
    assert found["lag"].value == 0
    assert (found["stall_max"].value, found["stall_max"].n) == (0.02, 20)
    assert found["rate_ratio_max"].value == pytest.approx(1.00001)


def late_events(run: MadeRun) -> None:
    run.fault("reset", 0.5, arm="tus", late=0.06)


def late_deliveries(run: MadeRun) -> None:
    run.sample(6, "engine", late_p50=0.01, late_p99=0.2, lag=0.0)


def busy_server(run: MadeRun) -> None:
    for t in range(5):
        run.sample(6 + t, "server", cpu=0.95)


def lost_link_time(run: MadeRun) -> None:
    run.sample(6, "engine", late_p50=0.001, late_p99=0.002, lag=1.1)  # of 10 links and 6 s


def frozen_clients(run: MadeRun) -> None:
    run.sample(6, "clients-1", stall=7.0)


def too_fast(run: MadeRun) -> None:
    run.upload("tus", user=4, upload=1, size=1_000_000).send(2, 2.9).completed(2.9).stored(True)


@pytest.mark.parametrize(
    ("disturb", "words"),
    [
        (late_events, "faults took hold 60 ms late at p99"),
        (late_deliveries, "bytes were delivered"),
        (busy_server, "server used 95% of a core"),
        (lost_link_time, "gave up 1.1 s of link time"),
        (frozen_clients, "clients stood still for 7 s, over 1 s"),
        (too_fast, "a link carried 1.05 times"),
    ],
)
def test_each_disturbance_degrades_the_run(disturb: Callable[[MadeRun], None], words: str) -> None:
    run = quiet()
    disturb(run)
    summary = summarise(run.dataset())
    assert summary.validity == "degraded"
    [warning] = summary.warnings
    assert words in warning.seen
    assert warning.means and warning.advice


def loaded(server: str, cores: str, *cpu: float) -> Summary:
    """A quiet run but for the load of its server."""
    run = quiet()
    run.plan = run.plan.model_copy(update={"server": server, "machine": {"cores": cores}})
    for t, share in enumerate(cpu * 3):
        run.sample(6 + t, "server", cpu=share)
    return summarise(run.dataset())


def test_a_server_is_busy_by_the_cores_that_it_can_use() -> None:
    assert seen(loaded("tusd", "4", 1.9, 3.2)) == []
    assert seen(loaded("tusd", "4", 1.9, 3.6)) == [
        ("degraded", "server used 90% of this machine's 4 cores, over 85%")
    ]
    for server, cores in (("reference", "4"), ("tusd", "1"), ("tusd", "None"), ("tusd", "0")):
        assert seen(loaded(server, cores, 0.9)) == [("degraded", "server used 90% of a core, over 85%")]


def test_a_server_that_never_used_more_than_one_core_to_the_full_is_noted() -> None:
    summary = loaded("tusd", "4", 0.97, 1.02)
    assert summary.validity == "valid"
    assert seen(summary) == [("note", "server used 102% of a core, and never more than one")]
    assert seen(loaded("tusd", "4", 0.97, 1.4)) == []


def test_a_fault_that_waits_for_a_byte_count_is_not_late() -> None:
    run = quiet()
    run.fault("cut-after", 0.0, until=50, arm="tus", late=9.0)
    assert summarise(run.dataset()).instrument["event_late_p99"].value is None


def test_a_part_that_is_busy_only_while_it_starts_does_not_disturb() -> None:
    run = quiet()
    for t in range(40):
        run.sample(t / 4, "worker", cpu=1.0 if t == 0 else 0.1)
    assert summarise(run.dataset()).validity == "valid"


def test_records_without_stalls_say_nothing_of_them() -> None:
    run = MadeRun(users=1)
    run.upload("tus").send(0, 1).completed(1)
    found = summarise(run.dataset()).instrument["stall_max"]
    assert (found.value, found.unit) == (None, "s")


def test_a_part_that_died_makes_the_run_invalid() -> None:
    summary = summarise(quiet().dataset(status="invalid", causes=["engine: killed by signal 9"]))
    assert (summary.validity, summary.status) == ("invalid", "invalid")
    assert seen(summary) == [("invalid", "engine: killed by signal 9")]


def test_a_killed_run_is_degraded_and_an_interrupted_one_is_noted() -> None:
    assert summarise(quiet().dataset(status=None)).validity == "degraded"
    summary = summarise(quiet().dataset(status="interrupted"))
    assert (summary.validity, summary.status) == ("valid", "interrupted")
    assert seen(summary) == [("note", "the run was interrupted")]


def test_the_gravest_comes_first() -> None:
    run = quiet()
    late_events(run)
    run.upload("tus", user=0, upload=1).violation(1, "tus 1.0, PATCH").send(3, 4).completed(4)
    levels = [level for level, _ in seen(summarise(run.dataset(status="invalid")))]
    assert levels[:2] == ["invalid", "degraded"]
    assert set(levels[2:]) == {"note"}


def test_what_the_reader_must_know_is_noted() -> None:
    run = MadeRun(users=2)
    run.upload("plain", user=0).send(0, 1).completed(1).stored(False)
    run.upload("tus", user=0).send(0, 1, sent=500, carried=-1, cause=Cause.RESET).violation(1, "R").censored(
        60
    )
    run.upload("tus", user=1).send(0, 1).completed(1)
    data = Dataset.of(run.records("interrupted"), weather=Redrawn(doubt="the timelines differ"))
    notes = "\n".join(text for _, text in seen(summarise(data)))
    for words in (
        "tus: the server broke its protocol 1 times (R)",
        "plain: 1 completed uploads were stored wrong",
        "1 completed uploads could not be read",
        "the timelines differ",
        "2 users",
        "C of 1 of 3 requests estimated: the client's socket",
        "tus: 1 of 2 uploads are unfinished",
    ):
        assert words in notes


def test_a_change_that_comes_late_counts_as_a_fault_does() -> None:
    run = quiet()
    run.add(Change(t=0.5, user=0, arm="tus", what="bandwidth-upstream 125", issued=0.51, done=0.56))
    summary = summarise(run.dataset())
    assert summary.instrument["event_late_p99"].value == pytest.approx(0.06)
    assert summary.validity == "degraded"


def test_what_an_engine_only_approximates_is_noted_and_leaves_the_run_valid() -> None:
    run = quiet()
    run.plan = run.plan.model_copy(update={"engine": "toxiproxy", "approximations": ["a", "b"]})
    summary = summarise(run.dataset())
    assert seen(summary) == [("note", "toxiproxy does not play this profile to the letter: a; b")]
    assert summary.validity == "valid"


def test_an_unchecked_certificate_is_noted() -> None:
    run = MadeRun(insecure=True)
    run.upload("tus").send(0, 1).completed(1).stored(True)
    assert any("certificate was not checked" in text for _, text in seen(summarise(run.dataset())))


def test_locations_round_the_link_are_counted_by_what_was_done_about_them() -> None:
    run = MadeRun(users=3)
    inside, home = "http://tusd:1080/files/7", f"{HOME}/files/7"
    for user in range(2):
        run.upload("tus", user=user).send(0, 1, target=inside, asked=home).completed(1).stored(True)
    run.upload("tus", user=2).send(0, 1, target="http://alias/files/9").completed(1).stored(True)
    run.upload("plain", user=2).send(0, 1, target=f"{HOME}/files/").completed(1, location=inside).stored(True)
    found = {item.seen: item.means for item in summarise(run.dataset()).warnings if "Location" in item.seen}
    told = "got a Location that leads round the link, such as"
    assert list(found) == [
        f"1 upload {told} http://tusd:1080/files/7",
        f"2 uploads {told} http://tusd:1080/files/7",
        f"1 upload {told} http://alias/files/9",
    ]
    means = list(found.values())
    assert "no client had to follow it" in means[0]
    assert f"at {HOME};" in means[1]
    assert "another name of the same address" in means[2]
