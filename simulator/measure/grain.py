"""Why one way of resuming carries more than another: by the bytes that each interruption cost.

What is cut is lost at least as far as it was in flight, which is the same for every protocol. Beyond
that a protocol has a grain: the least that its server keeps of a request that did not come to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.measure.models import ArmSummary, Warning
from simulator.records import Arm
from simulator.units import format_size

APART = 0.02  # bytes carried per byte of payload; arms that are closer need no explanation

# By protocol, and a word of the variant where it is that which has the grain: what it means, what to do.
GRAINS: tuple[tuple[str, str, str, str], ...] = (
    (
        "s3",
        "",
        "S3 keeps whole parts, so a part that is cut is sent again from its first byte",
        "larger uploads; S3 has no parts below 5 MiB but the last",
    ),
    ("google", "", "of a request that is cut, multiples of 256 KiB are kept", "larger uploads"),
    (
        "tus",
        "checksum",
        "what was cut cannot be verified, so the whole request is discarded",
        "a smaller --piece",
    ),
    (
        "ietf",
        "digest",
        "what was cut cannot be verified, so the whole request is discarded",
        "a smaller --piece",
    ),
)
UNKNOWN = ("its server kept less of the requests that were cut", "another server")


def explanations(arms: Sequence[ArmSummary], asked: Sequence[Arm]) -> Iterator[Warning]:
    """Yield a note for each arm that resumes and yet carried more than the best one, with the counts."""
    resuming = [
        arm
        for arm in arms
        if arm.calm_of is None and arm.protocol != "plain" and arm.numbers["amplification"].value is not None
    ]
    if len(resuming) < 2:
        return
    best = min(resuming, key=_carried)
    variants = {arm.name: arm.variant for arm in asked}
    for arm in resuming:
        more = _carried(arm) - _carried(best)
        if more > APART and arm.numbers["lost"].value is not None:
            means, advice = _grain(arm.protocol, variants.get(arm.name, ""))
            seen = f"{arm.name} carried {more:.2f} bytes per byte of payload more than {best.name}"
            counted = f"{_cost(arm)}, against {_cost(best)}"
            yield Warning(
                level="note", seen=f"{seen}: {counted}", means=means, advice=f"compare with {advice}"
            )


def _carried(arm: ArmSummary) -> float:
    return arm.numbers["amplification"].value or 0.0


def _cost(arm: ArmSummary) -> str:
    lost = arm.numbers["lost"]
    if lost.value is None:
        return "none that is known"
    breaks = "1 interruption" if lost.n == 1 else f"{lost.n} interruptions"
    return f"{breaks} lost {format_size(lost.value)}{' each' if lost.n != 1 else ''}"


def _grain(protocol: str, variant: str) -> tuple[str, str]:
    for name, word, means, advice in GRAINS:
        if name == protocol and word in variant:
            return means, advice
    return UNKNOWN
