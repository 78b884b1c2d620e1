"""How a number is said: one table of labels and forms, used alike by terminal, Markdown, HTML and charts.

A form turns a value into the unit people read (B/s into Mbit/s, shares into per cent). A value and
its interval are always printed in one unit with the same number of decimals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from simulator.measure.models import ArmSummary, HopStep, Number, Summary
from simulator.units import format_duration, percent_decimals, ratio_decimals

NOT_MEASURED = "–"
ENOUGH = 5  # users, for an interval to be drawn
TIE = "\N{NO-BREAK SPACE}"  # between a number and its unit: no line breaks there


@dataclass(frozen=True)
class Scale:
    """A unit to print in: values are multiplied by ``factor`` and given ``decimals``."""

    factor: float
    unit: str
    decimals: int

    def digits(self, value: float) -> str:
        """Return *value* without its unit, thousands set apart."""
        return f"{value * self.factor:,.{self.decimals}f}".replace(",", TIE)


Form = Callable[[float], Scale]
"""From the value that sets the magnitude to the scale in which it and its interval are printed."""


def ratio(value: float) -> Scale:
    """Plain ratios such as 2.31; a decimal more where two would claim exactly 1."""
    return Scale(1, "", _decimals(value) if abs(value) >= 10 else ratio_decimals(value))


def percent(value: float) -> Scale:
    """Shares in per cent; a decimal more where whole per cent would claim 0 or 100."""
    return Scale(100, "%", percent_decimals(value))


def time(value: float) -> Scale:
    """Durations, given in seconds."""
    return _prefixed(value, ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")))


def size(value: float) -> Scale:
    """Sizes, given in bytes; prefixes are powers of 1000."""
    return _prefixed(value, ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")))


def rate(value: float) -> Scale:
    """Rates, given in B/s and printed in bits per second, as links are."""
    steps = ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1.0, "bit/s"))
    scale = _prefixed(value * 8, steps)
    return Scale(scale.factor * 8, scale.unit, scale.decimals)


def count(value: float) -> Scale:
    """Things counted; a decimal only where an average is meant."""
    return Scale(1, "", 0 if float(value).is_integer() else 1)


def _prefixed(value: float, steps: tuple[tuple[float, str], ...]) -> Scale:
    if value == 0:
        return Scale(1, next(unit for step, unit in steps if step == 1), 0)
    step, unit = next((row for row in steps if abs(value) >= row[0] * 0.9995), steps[-1])
    return Scale(1 / step, unit, 0 if unit == "B" else _decimals(value / step))


def _decimals(value: float) -> int:
    """Return how many decimals make about three significant digits."""
    if value == 0 or not math.isfinite(value):
        return 0
    return max(0, 2 - math.floor(math.log10(abs(value) * 1.0005)))


@dataclass(frozen=True)
class Said:
    """How one number of ``measure.summary.NUMBERS`` is labelled and printed."""

    label: str
    form: Form


SAID = {
    "completed": Said("completed", percent),
    "payload": Said("payload (P)", size),
    "sent": Said("accepted by sockets (S)", size),
    "carried": Said("carried (C)", size),
    "overhead": Said("heads and answers (H)", size),
    "stored": Said("acknowledged (D)", size),
    "retransmitted": Said("retransmitted (R)", size),
    "amplification": Said("carried per payload", ratio),
    "time_p50": Said("time to finish, p50", time),
    "time_p95": Said("time to finish, p95", time),
    "time_mean": Said("time to finish, mean", time),
    "efficiency": Said("efficiency against the ideal", percent),
    "goodput": Said("goodput", rate),
    "retention": Said("goodput retention", percent),
    "lost": Said("lost per interruption", size),
    "recovery": Said("recovery, p50", time),
    "recovery_detect": Said("recovery: detect", time),
    "recovery_backoff": Said("recovery: back-off", time),
    "recovery_reconnect": Said("recovery: reconnect", time),
    "recovery_query": Said("recovery: query", time),
    "recovery_blocked": Said("recovery: blocked", time),
    "recovery_resend": Said("recovery: first new byte", time),
    "interruptions": Said("interruptions", count),
    "restarts": Said("restarts from zero", count),
    "duplicates": Said("duplicates", count),
    "intact": Said("intact", percent),
    "unverified": Said("unverified", count),
    "violations": Said("violations", count),
    "avoided": Said("retransmission avoided", percent),
    "saved_bytes": Said("bytes saved", size),
    "saved_share": Said("bytes saved, share", percent),
    "event_late_p99": Said("event lateness, p99", time),
    "delivery_late_p99": Said("delivery lateness, p99", time),
    "rate_ratio_max": Said("link rate against its limit, largest", ratio),
    "lag": Said("link time given up (lag)", time),
    "stall_max": Said("clients stood still, longest", time),
}

_BY_UNIT: dict[str, Form] = {"1": ratio, "s": time, "B": size, "B/s": rate, "share": percent, "%": percent}


def how(name: str, unit: str) -> Said:
    """Return how to say the number *name*; names not in the table are said by their unit."""
    known = SAID.get(name)
    if known is not None:
        return known
    share_of_core = name.startswith("cpu")
    return Said(name.replace("_", " "), percent if share_of_core else _BY_UNIT.get(unit, count))


def _scale(number: Number, form: Form) -> Scale:
    """Return the scale of *number* and its interval: the value's; of a zero, its upper end's."""
    return form(number.value or number.high or 0.0)


def value(number: Number, form: Form) -> str:
    """Return ``"2.31"``, ``"at least 2.31"``, ``"> 60 s"`` for a time beyond the deadline, or a dash."""
    if number.value is None:
        return NOT_MEASURED
    if number.at_least and form is time:
        return f">{TIE}{tied(format_duration(number.value))}"
    scale = _scale(number, form)
    said = _joined(scale.digits(number.value), scale.unit)
    return f"at least {said}" if number.at_least else said


def tied(text: str) -> str:
    """Return *text* with no place for a line to break."""
    return text.replace(" ", TIE)


def with_unit(number: Number, form: Form) -> str:
    """Return the value with a unit in any case: counts and ratios get the number's own."""
    said = value(number, form)
    if number.value is None or _scale(number, form).unit:
        return said
    unit = _RATIO_UNITS.get(number.unit, number.unit)
    return f"{said} {unit}" if unit else said


_RATIO_UNITS = {"1": "×"}  # a ratio of like things: so many times the payload


def interval(number: Number, form: Form) -> str:
    """Return ``"1.01–1.03"`` or ``"95–98 %"``; empty when the number has no interval.

    ``"from 12.1 s"`` where the upper end lies beyond what was watched.
    """
    if number.value is None or number.low is None:
        return ""
    scale = _scale(number, form)
    if number.high is None:
        return f"from{TIE}{_joined(scale.digits(number.low), scale.unit)}"
    return _joined(f"{scale.digits(number.low)}–{scale.digits(number.high)}", scale.unit)


def whole(number: Number, form: Form) -> str:
    """Return the value with its interval in brackets: ``"1.02 [1.01–1.03]"``."""
    bounds = interval(number, form)
    said = value(number, form)
    return f"{said} [{bounds}]" if bounds else said


def _joined(digits: str, unit: str) -> str:
    return f"{digits}{TIE}{unit}" if unit else digits


def fired(step: HopStep) -> str:
    """Return ``"40 × (plain 20, tus 20)"`` or ``"never"``."""
    if not step.fired:
        return "never"
    known = {arm: count for arm, count in step.by_arm.items() if arm}
    shared = f" ({', '.join(f'{arm} {count}' for arm, count in known.items())})" if known else ""
    return f"{step.fired} ×{shared}"


def completed(arm: ArmSummary) -> str:
    """Return ``"18/20 (70–97 %)"``: uploads completed, with Wilson's interval."""
    counted = f"{arm.outcomes.get('completed', 0)}/{arm.uploads}"
    number = arm.numbers.get("completed")
    bounds = interval(number, percent) if number is not None else ""
    return f"{counted} ({bounds})" if bounds else counted


def integrity(arm: ArmSummary) -> str:
    """Return ``"20/20 intact"``, with the unverified and the corrupted counted beside it."""
    intact, unverified = arm.numbers.get("intact"), arm.numbers.get("unverified")
    parts = []
    if intact is not None and intact.value is not None and intact.n:
        parts.append(f"{round(intact.value * intact.n)}/{intact.n} intact")
    if arm.outcomes.get("corrupted"):
        parts.append(f"{arm.outcomes['corrupted']} corrupted")
    if unverified is not None and unverified.value:
        parts.append(f"{unverified.value:.0f} unverified")
    return ", ".join(parts) or NOT_MEASURED


def profile_name(summary: Summary) -> str:
    """Return the profile's name as its file gives it."""
    return str(summary.plan.profile.get("name", "unnamed"))


def server_name(summary: Summary) -> str:
    """Return the server and its version."""
    return f"{summary.plan.server} {summary.plan.server_version}".strip()


def users(n: int) -> str:
    """Return ``"20 users"`` or ``"1 user"``."""
    return f"{n} user" if n == 1 else f"{n} users"


def setting(summary: Summary) -> str:
    """Return the foot line of every chart: n, seed, profile and server."""
    plan = summary.plan
    return (
        f"n = {users(plan.users)} · seed {plan.seed} · profile {profile_name(summary)}"
        f" · server {server_name(summary)}"
    )


def compared(summary: Summary) -> list[ArmSummary]:
    """Return the arms under comparison, without their calm twins."""
    return [arm for arm in summary.arms if arm.calm_of is None]


def calm_twin(summary: Summary, arm: ArmSummary) -> ArmSummary | None:
    """Return the calm twin of *arm*, if it was run."""
    return next((other for other in summary.arms if other.calm_of == arm.name), None)


def total(summary: Summary, name: str) -> float | None:
    """Return the sum of one count over the arms under comparison; None when none was measured."""
    found = [arm.numbers[name].value for arm in compared(summary) if name in arm.numbers]
    known = [value for value in found if value is not None]
    return sum(known) if known else None


def verdict(summary: Summary) -> str:
    """Return ``"valid"``, or ``"interrupted, degraded"``: how far the run can be trusted."""
    if summary.status == "interrupted":
        return f"interrupted, {summary.validity}"
    return summary.validity


def state_line(summary: Summary) -> str:
    """Return the last line of the answer: validity, users, interruptions, event lateness, seed."""
    parts = [verdict(summary), users(summary.plan.users)]
    interruptions = total(summary, "interruptions")
    if interruptions is not None:
        parts.append(f"{interruptions:.0f} interruption{'' if interruptions == 1 else 's'}")
    late = summary.instrument.get("event_late_p99")
    if late is not None and late.value is not None:
        parts.append(f"event lateness p99 {tied(format_duration(late.value))}")
    parts.append(f"seed {summary.plan.seed}")
    return " · ".join(parts)


def calibration(summary: Summary) -> str:
    """Return what is known of the engine's own error: the foot of every report."""
    return summary.plan.calibration or (
        f"engine {summary.plan.engine} not calibrated here: `simsim calibrate` shows its own error"
    )
