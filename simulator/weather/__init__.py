"""Weather: a profile and a seed become one timeline per user. Pure: no clock, no socket.

``load_profile(name_or_path)`` and ``draw(profile, seed, user)`` are the way through this room. They are
loaded when first asked for: an engine's process needs timelines alone, and neither numpy nor pydantic.

profile.py    what a file says         (tables, quantities, spreads, sizes, rules, refusal: its parts)
files.py      where the files are
layers.py     the draws, one stream each
drawing.py    all layers together -> Timeline
timeline.py   RateCurve, Timeline      faults.py   the fault table
census.py     what the drawn weather amounts to
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.weather.drawing import draw
    from simulator.weather.files import load_profile, profile_names
    from simulator.weather.profile import Profile, Workload
    from simulator.weather.timeline import Timeline

__all__ = ["Profile", "Timeline", "Workload", "draw", "load_profile", "profile_names"]

_HOMES = {
    "Profile": "profile",
    "Timeline": "timeline",
    "Workload": "profile",
    "draw": "drawing",
    "load_profile": "files",
    "profile_names": "files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
