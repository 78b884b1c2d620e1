"""How often each step of the run's hop fired. A step that never did is a claim that nobody tested."""

from __future__ import annotations

from collections import Counter

from simulator.measure.dataset import Dataset
from simulator.measure.models import HopStep
from simulator.weather.hops import describe, from_plain


def hop_steps(data: Dataset) -> list[HopStep]:
    """Return the steps of the plan's profile in their order."""
    steps = from_plain(data.plan.profile.get("hop", []))
    return [
        HopStep(id=step.id, does=describe(step), fired=fired.total(), by_arm=dict(sorted(fired.items())))
        for step in steps
        for fired in [Counter(hop.arm or "" for hop in data.hops if hop.step == step.id)]
    ]
