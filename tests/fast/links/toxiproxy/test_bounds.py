"""What toxiproxy cannot do is refused by name, and what it only approximates is said."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import UsageError
from simulator.links.engines import approximations, refuse
from simulator.weather import Profile, load_profile

SHIPPED = ("clean", "wifi", "lte", "mobile-flaky", "resets")


def changed(name: str, **tables: dict[str, Any]) -> Profile:
    data = load_profile(name).to_dict()
    data.pop("sources", None)
    for table, values in tables.items():
        data.setdefault(table, {}).update(values)
    return Profile.from_dict(data)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_without_byte_counts_is_played(name: str) -> None:
    refuse("toxiproxy", load_profile(name))


def test_a_fault_at_a_share_of_the_upload_is_refused_with_its_place_and_who_can() -> None:
    with pytest.raises(UsageError) as refused:
        refuse("toxiproxy", load_profile("stale-lock"))
    told = str(refused.value)
    assert "'handover' at 50 %" in told
    assert "stale-lock: weather.events.0" in told
    assert "--engine embedded" in told


@pytest.mark.parametrize(
    ("tables", "place"),
    [
        ({"link": {"up": "3 kbit/s", "down": "1 Mbit/s"}}, "link.up"),
        ({"link": {"down": "1 kbit/s"}}, "link.down"),
    ],
)
def test_a_rate_below_half_a_unit_is_refused(tables: dict[str, Any], place: str) -> None:
    with pytest.raises(UsageError, match=place):
        refuse("toxiproxy", changed("wifi", **tables))


def test_a_floor_below_half_a_unit_is_refused() -> None:
    rate = {**load_profile("lte").to_dict()["weather"]["rate"], "floor": "2 kbit/s"}
    with pytest.raises(UsageError, match=r"weather\.rate\.floor"):
        refuse("toxiproxy", changed("lte", weather={"rate": rate}))


def test_the_embedded_engine_refuses_and_approximates_nothing() -> None:
    refuse("embedded", load_profile("stale-lock"))
    assert approximations("embedded", load_profile("mobile-flaky")) == []


def test_only_what_a_profile_uses_is_said_to_be_approximate() -> None:
    flaky = " ".join(approximations("toxiproxy", load_profile("mobile-flaky")))
    assert all(word in flaky for word in ("a reset", "a close", "a handover", "jitter"))
    assert "down ends" not in flaky
    assert "reset" not in " ".join(approximations("http://127.0.0.1:8474", load_profile("wifi")))
