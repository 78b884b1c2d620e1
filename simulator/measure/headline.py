"""The one sentence that answers the run's question."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.measure.models import ArmSummary, Comparison, Number
from simulator.records import Plan
from simulator.units import format_duration, percent_decimals, ratio_decimals

PER_BYTE = "bytes carried per byte of payload"


def headline(plan: Plan, arms: Sequence[ArmSummary], comparisons: Sequence[Comparison]) -> str:
    """Return what the run found, in one sentence."""
    windy = [arm for arm in arms if arm.calm_of is None]
    by_name = {arm.name: arm for arm in windy}
    if not any(arm.uploads for arm in windy):
        return "No upload was begun"
    if not any(arm.outcomes["completed"] for arm in windy):
        return f"Nothing was completed within {format_duration(plan.deadline_s)}: {_completions(windy)}"
    if not comparisons:
        return _alone(windy[0])
    best = _best(comparisons)
    base = by_name[best.baseline]
    subject = "Resumption" if len(comparisons) == 1 and base.protocol == "plain" else best.arm
    return _compared(subject, best.avoided, by_name[best.arm], base)


def _best(comparisons: Sequence[Comparison]) -> Comparison:
    """Return the comparison with the most avoided; the first where none could be measured."""
    measured = [item for item in comparisons if item.avoided.value is not None]
    return max(measured, key=lambda item: item.avoided.value or 0.0, default=comparisons[0])


def _compared(subject: str, avoided: Number, ours: ArmSummary, base: ArmSummary) -> str:
    against = f"{_ratio(ours)} against {_ratio(base)} {PER_BYTE}"
    if not ours.uploads or not base.uploads:
        return f"{(ours if not ours.uploads else base).name} began no upload"
    if avoided.value is None:
        return f"{_nothing_to_avoid(ours, base)}: {against}"
    if avoided.value < 0:
        return f"{subject} carried {percent(-avoided.value)} more again than {base.name}: {against}"
    floor = "at least " if avoided.at_least else ""
    whose = "the retransmission" if base.protocol == "plain" else f"what {base.name} sent again"
    share = f"{floor}{percent(avoided.value)} of {whose}{_interval(avoided)}"
    return f"{subject} avoided {share}: {against}"


def _nothing_to_avoid(ours: ArmSummary, base: ArmSummary) -> str:
    cuts = base.numbers["interruptions"].value
    if not cuts and not ours.numbers["interruptions"].value:
        return "No upload was interrupted, so there was nothing to avoid"
    if not cuts:
        return f"No upload of {base.name} was interrupted, so there was nothing to avoid"
    breaks = "1 interruption" if cuts == 1 else f"{cuts:.0f} interruptions"
    return f"{base.name} carried nothing twice in spite of {breaks}"


def _alone(arm: ArmSummary) -> str:
    done = f"{arm.outcomes['completed']} of {arm.uploads} uploads completed"
    spread = _interval(arm.numbers["amplification"], percents=False)
    return f"{arm.name}: {done}, {_ratio(arm)}{spread} {PER_BYTE}"


def _completions(arms: Sequence[ArmSummary]) -> str:
    return ", ".join(f"0 of {arm.uploads} uploads ({arm.name})" for arm in arms)


def _ratio(arm: ArmSummary) -> str:
    number = arm.numbers["amplification"]
    if number.value is None:
        return "an unknown number of"
    return f"{'at least ' if number.at_least else ''}{number.value:.{ratio_decimals(number.value)}f}"


def _interval(number: Number, percents: bool = True) -> str:
    if number.low is None or number.high is None or number.value is None:
        return ""
    if percents:
        decimals = percent_decimals(number.value)
        return f" [{number.low * 100:.{decimals}f}–{number.high * 100:.{decimals}f} %]"
    return f" [{number.low:.2f}–{number.high:.2f}]"


def percent(share: float) -> str:
    """Return ``"97 %"``; with a digit or two more near the ends, so that 99.6 % is not called all."""
    return f"{share * 100 + 0.0:.{percent_decimals(share)}f} %"  # plus zero: no "-0 %"
