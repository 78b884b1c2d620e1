"""What ships, and that a profile comes back exactly from what was written of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.protocols.policy import Policy
from simulator.weather import Profile, draw, load_profile, profile_names

SHIPPED = [
    "body-limit",
    "clean",
    "gateway-errors",
    "lost-answer",
    "lte",
    "mobile-flaky",
    "resets",
    "stale-lock",
    "wifi",
]


def test_these_profiles_ship() -> None:
    assert set(SHIPPED) <= set(profile_names())


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_is_called_what_its_file_is(name: str) -> None:
    assert load_profile(name).name == name


@pytest.mark.parametrize("name", profile_names())
def test_every_figure_of_link_and_weather_says_where_it_comes_from(name: str) -> None:
    profile = load_profile(name)
    assert [path for path in profile.figures() if profile.source(path) is None] == []


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_in_a_plan_draws_the_same_weather(name: str) -> None:
    profile = load_profile(name)
    again = Profile.from_dict(json.loads(json.dumps(profile.to_dict())))
    assert again == profile
    assert again.to_dict() == profile.to_dict()
    assert draw(again, 7, 3) == draw(profile, 7, 3)


@pytest.mark.parametrize("name", profile_names())
def test_what_a_profile_says_of_the_policy_is_words_that_the_policy_has(name: str) -> None:
    Policy(**load_profile(name).policy.given())


def test_a_figures_own_source_is_preferred_to_its_tables() -> None:
    profile = load_profile("mobile-flaky")
    share = profile.source("weather.availability.outages.0.share")
    length = profile.source("weather.availability.outages.0.length")
    assert share is not None and share.kind == "trace"
    assert length is not None and length.kind == "assumed"


def test_a_file_is_found_by_its_path_and_named_after_it(tmp_path: Path) -> None:
    words = (Path(__file__).parents[3] / "profiles" / "wifi.toml").read_text()
    file = tmp_path / "attic.toml"
    file.write_text(words.replace('name = "wifi"\n', ""))
    assert load_profile(str(file)).name == "attic"


def test_units_are_read_into_seconds_bits_per_second_and_bytes() -> None:
    profile = load_profile("mobile-flaky")
    assert profile.link.up == 2e6
    assert profile.link.delay == 0.04
    assert profile.link.queue == 65536
    assert profile.workload.deadline_s == 60.0
    assert profile.policy.given()["backoff"] == (0.0, 1.0, 3.0, 5.0)


def test_a_workload_is_replaced_in_parts() -> None:
    profile = load_profile("mobile-flaky").with_workload(
        users=3, size="1 MB..2 MB", deadline_s=12.3456789, spawn_rate=0.5, uploads=4
    )
    work = profile.workload
    assert (work.users, work.uploads, work.spawn_rate, work.deadline_s) == (3, 4, 0.5, 12.3456789)
    assert work.sizes.typical == 1_500_000
    assert profile.weather == load_profile("mobile-flaky").weather


def test_a_duration_and_a_number_of_uploads_replace_each_other() -> None:
    for_a_while = load_profile("wifi").with_workload(duration_s=30)
    assert (for_a_while.workload.uploads, for_a_while.workload.duration_s) == (0, 30.0)
    assert for_a_while.workload.longest_s == 90.0
    counted = for_a_while.with_workload(uploads=2).workload
    assert (counted.uploads, counted.duration_s, counted.longest_s) == (2, None, 120.0)


def test_nothing_replaced_is_the_same_profile() -> None:
    assert load_profile("lte").with_workload() == load_profile("lte")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"users": 0}, "workload.users: 0 is out of reach (hint: from 1 to 100000)"),
        ({"users": 100_001}, "workload.users: 100001 is out of reach (hint: from 1 to 100000)"),
        ({"size": "-1 MB"}, "workload.size: '-1 MB' must be more than zero"),
        ({"deadline_s": 0.0}, "workload.deadline: '0 s' must be more than zero (hint: at least 1 us)"),
        (
            {"spawn_rate": 0.0},
            "workload.spawn_rate: 0 is out of reach (hint: from 0.01 to 10000 users a second)",
        ),
    ],
)
def test_a_workload_out_of_reach_is_refused(part: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load_profile("wifi").with_workload(**part)  # type: ignore[arg-type]
    assert str(refusal.value) == f"profile 'wifi': {message}"


def test_a_shorter_deadline_can_leave_an_event_behind(tmp_path: Path) -> None:
    words = (Path(__file__).parents[3] / "profiles" / "wifi.toml").read_text()
    file = tmp_path / "late.toml"
    file.write_text(words + '\n[[weather.events]]\nkind = "reset"\nat = "30 s"\n')
    with pytest.raises(UsageError, match=r"weather\.events\.0\.at: '30 s' is after the last deadline"):
        load_profile(str(file)).with_workload(deadline_s=20)
