"""Where arms that resume carry unlike much, a note says so by counts; where they agree, none does."""

from __future__ import annotations

import pytest

from simulator.measure.grain import explanations
from simulator.measure.models import ArmSummary, Number
from simulator.records import Arm


def arm(protocol: str, carried: float | None, lost: float | None, n: int = 12, **more: str) -> ArmSummary:
    numbers = {
        "amplification": Number(value=carried, unit="1", n=20, method=""),
        "lost": Number(value=lost, unit="B", n=n, method=""),
    }
    name = more.get("name", protocol)
    return ArmSummary(
        name=name,
        protocol=protocol,
        calm_of=more.get("calm_of"),
        uploads=20,
        outcomes={},
        failures={},
        numbers=numbers,
    )


def told(*arms: ArmSummary, variants: dict[str, str] | None = None) -> list[tuple[str, str]]:
    asked = [
        Arm(name=one.name, protocol=one.protocol, variant=(variants or {}).get(one.name, "")) for one in arms
    ]
    return [(note.seen, note.means) for note in explanations(arms, asked)]


def test_arms_that_agree_need_no_explanation() -> None:
    assert told(arm("tus", 1.05, 40e3), arm("ietf", 1.069, 41e3), arm("google", 1.05, 40e3)) == []


def test_an_arm_that_carried_more_is_explained_by_what_each_interruption_cost() -> None:
    notes = told(arm("tus", 1.05, 40e3), arm("s3", 1.40, 1.9e6, 23))
    assert notes == [
        (
            "s3 carried 0.35 bytes per byte of payload more than tus: "
            "23 interruptions lost 1.9 MB each, against 12 interruptions lost 40 kB each",
            "S3 keeps whole parts, so a part that is cut is sent again from its first byte",
        )
    ]


@pytest.mark.parametrize(
    ("variant", "word"), [("checksum=sha1", "cannot be verified"), ("creation-with-upload", "kept less")]
)
def test_a_variant_has_a_grain_of_its_own(variant: str, word: str) -> None:
    slow = arm("tus", 1.2, 3e5, name="tus:other")
    ((_, means),) = told(arm("ietf", 1.0, 4e4), slow, variants={"tus:other": variant})
    assert word in means


def test_the_baseline_calm_twins_and_what_is_not_known_are_left_out() -> None:
    twin = arm("s3", 1.9, 2e6, name="s3/calm", calm_of="s3")
    assert told(arm("tus", 1.0, 4e4), arm("plain", 3.0, 2e6), twin, arm("google", None, None)) == []
    assert told(arm("tus", 1.0, 4e4), arm("google", 1.5, None)) == []
