"""The numbers of a run: every figure a report shows, each with its unit, n and interval.

    Dataset --> one ArmSummary per arm --> Comparisons --> headline
            --> instrument readings    --> warnings    --> validity

Only the assembly is here; each sort of number is computed in the module that is named after it.
"""

from __future__ import annotations

from simulator.measure import instrument, validity
from simulator.measure.arms import summarise_arm
from simulator.measure.compare import compare
from simulator.measure.dataset import Dataset
from simulator.measure.headline import headline
from simulator.measure.hops import hop_steps
from simulator.measure.models import NUMBERS, ArmSummary, Comparison, Number, Summary, Warning
from simulator.measure.recovery import recoveries

__all__ = ["NUMBERS", "ArmSummary", "Comparison", "Number", "Summary", "Warning", "summarise"]


def summarise(data: Dataset) -> Summary:
    """Return every number of the run, the warnings about it and the sentence that answers it."""
    recovered = recoveries(data)
    arms = [summarise_arm(data, arm, recovered[arm.name]) for arm in data.arms]
    comparisons = compare(data)
    readings = instrument.readings(data)
    steps = hop_steps(data)
    warnings = validity.warnings(data, arms, readings, steps)
    return Summary(
        plan=data.plan,
        status=data.status,
        validity=validity.worst(warnings),
        warnings=warnings,
        headline=headline(data.plan, arms, comparisons),
        arms=arms,
        comparisons=comparisons,
        hop=steps,
        instrument=readings,
    )
