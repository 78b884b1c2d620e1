"""The weather of a run, drawn again from its plan, so that T* needs no engine and no more files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.errors import UsageError
from simulator.records import Plan
from simulator.weather import Profile, draw
from simulator.weather.timeline import Timeline


@dataclass(frozen=True)
class Redrawn:
    """Timelines by user, windy and calm. ``doubt`` says why some are missing; a doubted one is left out."""

    windy: Mapping[int, Timeline] = field(default_factory=dict)
    calm: Mapping[int, Timeline] = field(default_factory=dict)
    doubt: str = ""


def redraw(plan: Plan) -> Redrawn:
    """Return the timelines of *plan*, each checked against the digest that the run recorded."""
    try:
        profile = Profile.from_dict(plan.profile)
        windy = {user: draw(profile, plan.seed, user) for user in range(plan.users)}
        twins = any(arm.calm_of for arm in plan.arms)
        calm = {user: draw(profile, plan.seed, user, calm=True) for user in range(plan.users) if twins}
    except UsageError as error:
        return Redrawn(doubt=f"the plan's profile cannot be drawn again: {error}")
    other = {
        user for user, digest in enumerate(plan.digests) if user in windy and windy[user].digest() != digest
    }
    return Redrawn(
        windy={user: timeline for user, timeline in windy.items() if user not in other},
        calm={user: timeline for user, timeline in calm.items() if user not in other},
        doubt=_doubt(other, plan.users),
    )


def _doubt(other: set[int], users: int) -> str:
    if not other:
        return ""
    return f"the timelines of {len(other)} of {users} users differ from those that were played"
