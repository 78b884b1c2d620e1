"""A run of the profile ``resets`` through an engine, against the closed forms of measure/theory.py.

Resets are a Poisson process there and nothing else happens, so the expected cost and time of an
upload that begins again from zero are known exactly, and of one that resumes to first order. What
the forms take as given is measured in the same run: the time without failures by the calm twins, the
cost of a reconnect by the recoveries.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from simulator import pipeline
from simulator.errors import PartDied
from simulator.measure import theory
from simulator.measure.calibration import TheoryRow
from simulator.measure.dataset import Dataset
from simulator.measure.models import Number, Summary
from simulator.measure.recovery import recoveries
from simulator.report.reading import read_run
from simulator.swarm.planning import Asked
from simulator.weather import load_profile

PROFILE = "resets"
USERS = 30  # four links each: more of them strain a toxiproxy on two cores
QUICK_SIZE = "250 kB"


def compare(engine: str, *, quick: bool, seed: int) -> tuple[list[TheoryRow], str]:
    """Run plain and tus through *engine*; return the rows, and why the run was degraded if it was.

    Raises ``PartDied`` for an invalid run.
    """
    asked = Asked(
        profile=PROFILE,
        engine=engine,
        seed=seed,
        size=QUICK_SIZE if quick else None,
        users=USERS,
        command=("simsim", "calibrate"),
    )
    with TemporaryDirectory(prefix="simsim-") as scratch:
        ended = pipeline.run(asked, Path(scratch), lambda _: None)
        if ended.status != "finished":
            raise PartDied(f"the run against theory is {ended.status}: {'; '.join(ended.causes)}")
        summary = Summary.model_validate(json.loads((ended.folder / "summary.json").read_text()))
        data = Dataset.of(read_run(ended.folder))
    degraded = [found.seen for found in summary.warnings if found.level == "degraded"]
    return list(_rows(summary, data)), "; ".join(degraded)


def _rows(summary: Summary, data: Dataset) -> list[TheoryRow]:
    """Return amplification and mean time of both arms against what theory expects of them."""
    bytes_per_s, per_s = _link()
    per_byte = per_s / bytes_per_s
    size = data.uploads["plain"][0].size
    lost = _number(summary, "tus", "lost").value or 0.0
    ideal = {name: _number(summary, f"{name}/calm", "time_mean").value or 0.0 for name in ("plain", "tus")}
    cost = {name: _mean_recovery(data, name) for name in ("plain", "tus")}
    expected = {
        ("plain", "amplification"): theory.restart_amplification(per_byte, size),
        ("tus", "amplification"): theory.resume_amplification_bound(per_byte, data.plan.in_flight_bytes),
        ("plain", "time_mean"): theory.restart_mean_time(per_s, cost["plain"], ideal["plain"]),
        ("tus", "time_mean"): theory.resume_mean_time(per_s, cost["tus"], lost / bytes_per_s, ideal["tus"]),
    }
    return [_row(summary, arm, name, value) for (arm, name), value in expected.items()]


def _link() -> tuple[float, float]:
    """Return the profile's rate in B/s and its resets per second."""
    profile = load_profile(PROFILE)
    rate = profile.link.up
    assert rate is not None
    return rate / 8, 1 / profile.weather.breaks[0].every


def _mean_recovery(data: Dataset, arm: str) -> float:
    totals = [found.total for found in recoveries(data)[arm] if found.total is not None]
    return fmean(totals) if totals else 0.0


def _number(summary: Summary, arm: str, name: str) -> Number:
    (found,) = (each for each in summary.arms if each.name == arm)
    return found.numbers[name]


def _row(summary: Summary, arm: str, name: str, expected: float) -> TheoryRow:
    number = _number(summary, arm, name)
    return TheoryRow(
        quantity=name.replace("_", " "),
        arm=arm,
        unit=number.unit,
        expected=expected,
        value=number.value,
        low=number.low,
        high=number.high,
        n=number.n,
        bound=(arm, name) == ("tus", "amplification"),
    )
