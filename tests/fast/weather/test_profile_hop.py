"""A profile's ``[[hop]]`` tables: the steps of an HTTP-aware hop, inline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.records import Arm
from simulator.servers.server import Endpoint, Target
from simulator.swarm.planning import Asked, check_hop, make_plan, profile_asked
from simulator.weather import Profile, load_profile
from tests.helpers.hops import steps

WIFI = (Path(__file__).parents[3] / "profiles" / "wifi.toml").read_text()
STATUS = '{ kind = "status", code = 503 }'


def written(tmp_path: Path, hop: str) -> str:
    file = tmp_path / "p.toml"
    file.write_text(f"{WIFI}\n{hop}\n")
    return str(file)


def test_steps_come_back_from_a_plan_as_the_file_says_them(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, f'[[hop]]\nwhen = {{ at = "50 %" }}\ndo = {STATUS}'))
    assert [step.id for step in profile.hop] == ["status-1"]
    assert Profile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile


@pytest.mark.parametrize(
    ("hop", "told"),
    [
        (
            '[[hop]]\ndo = { kind = "statu" }',
            "hop.0.do.kind: a hop cannot do 'statu' (hint: did you mean 'status'?)",
        ),
        (f'[[hop]]\nwhen = {{ methd = "GET" }}\ndo = {STATUS}', "hop.0.when.methd: unknown key 'methd'"),
        (f'[[hop]]\nid = "a"\ndo = {STATUS}\n' * 2, "hop.1.id: step 0 is called 'a' too"),
        ("[hop]\nx = 1", "hop: "),
    ],
)
def test_a_bad_step_is_refused_with_its_place_in_the_profile(tmp_path: Path, hop: str, told: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load_profile(written(tmp_path, hop))
    assert told in str(refusal.value)
    assert str(refusal.value).startswith(str(tmp_path / "p.toml"))


def test_a_script_replaces_a_profiles_own_steps_and_what_was_said_of_their_sources(tmp_path: Path) -> None:
    profile = load_profile("lost-answer").with_hop(steps(f'id = "mine"\ndo = {STATUS}'))
    assert [step.id for step in profile.hop] == ["mine"]
    assert not [path for path in profile.sources if path.startswith("hop")]


def test_a_script_asked_for_is_in_the_plan_and_widens_the_allowance(tmp_path: Path) -> None:
    script = tmp_path / "s.toml"
    script.write_text(f'[[step]]\nid = "mine"\ndo = {STATUS}\n')
    target = Target("t", "1", {"tus": Endpoint("http://127.0.0.1:9/files/")})
    plans = [
        make_plan(asked, profile_asked(asked), target, "id")
        for asked in (Asked("wifi", ("tus",)), Asked("wifi", ("tus",), hop=str(script)))
    ]
    assert "hop" not in plans[0].profile
    assert [step["id"] for step in plans[1].profile["hop"]] == ["mine"]
    assert plans[1].in_flight_bytes > plans[0].in_flight_bytes
    assert plans[1].arms[0] == Arm(name="tus", protocol="tus")


def test_a_hop_before_an_https_target_is_refused_before_anybody_is_asked() -> None:
    asked = Asked("lost-answer", ("tus",), against="https://127.0.0.1:9/files/")
    with pytest.raises(UsageError, match="profile 'lost-answer': hop: a hop reads what passes"):
        check_hop(asked, profile_asked(asked))


def test_the_fastest_a_link_can_be_is_its_median_times_its_ceiling() -> None:
    rates = {name: load_profile(name).fastest_up for name in ("lte", "wifi", "clean")}
    assert rates == {"lte": 24e6, "wifi": 15e6, "clean": None}
