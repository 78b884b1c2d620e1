"""Weather: a profile and a seed become one timeline per user. Pure: no clock, no socket.

profile.py    what a file says         (quantities, spreads, sizes, rules, refusal: its parts)
files.py      where the files are
layers.py     the draws, one stream each
draw.py       all layers together -> Timeline
timeline.py   RateCurve, Timeline      faults.py   the fault table
census.py     what the drawn weather amounts to
"""

from simulator.weather.draw import draw
from simulator.weather.files import load_profile, profile_names
from simulator.weather.profile import Profile, Workload
from simulator.weather.timeline import Timeline

__all__ = ["Profile", "Timeline", "Workload", "draw", "load_profile", "profile_names"]
