"""`simsim calibrate` finds the errors of an engine that has them, and none in ours that ours has not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.calibrate.bench import Bench
from simulator.calibrate.probes import PROBES
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import Address, LinkSpec
from simulator.measure.calibration import Calibration, Reading
from simulator.pipeline import calibrated
from simulator.weather.timeline import Break, Jitter, RateCurve, StepCurve, Timeline
from tests.helpers.runs import simsim
from tests.helpers.timing import best_of_three, within

pytestmark = pytest.mark.loopback

Lie = Callable[[Timeline], Timeline]


class LyingEngine(EmbeddedEngine):
    """Plays another timeline than the one that it was given."""

    def __init__(self, lie: Lie) -> None:
        super().__init__()
        self._lie = lie

    def open(self, links: Sequence[LinkSpec]) -> dict[str, Address]:
        return super().open([replace(link, timeline=self._lie(link.timeline)) for link in links])


def slower(line: Timeline) -> Timeline:
    rates = tuple(None if rate is None else rate * 0.9 for rate in line.uplink.rates)
    return replace(line, uplink=RateCurve(line.uplink.times, rates))


def longer(line: Timeline) -> Timeline:
    return replace(line, delay=StepCurve(line.delay.times, tuple(v + 0.02 for v in line.delay.values)))


def steadier(line: Timeline) -> Timeline:
    return replace(line, jitter=Jitter(line.jitter.spread / 2, line.jitter.noise))


def later(line: Timeline) -> Timeline:
    breaks = [
        item if item.connection_bytes else Break(item.t + 0.06, item.kind, item.until + 0.06)
        for item in line.breaks
    ]
    curve = RateCurve(tuple(t + 0.06 * (t > 0) for t in line.uplink.times), line.uplink.rates)
    return replace(line, breaks=tuple(breaks), uplink=curve)


def one_byte_more(line: Timeline) -> Timeline:
    breaks = [replace(item, connection_bytes=(item.connection_bytes or 0) + 1) for item in line.breaks]
    return replace(line, breaks=tuple(breaks))


def probed(name: str, lie: Lie) -> list[Reading]:
    return PROBES[name](Bench(lambda: LyingEngine(lie), quick=True))


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        ("rate", slower),
        ("delay", longer),
        ("jitter", steadier),
        ("stall", later),
        ("reset", later),
        ("cut-after", one_byte_more),
    ],
)
@best_of_three
def test_an_engine_that_is_off_is_found_out(name: str, lie: Lie) -> None:
    """Unless a busy machine makes it as late, or as unsteady, as it should have been."""
    readings = probed(name, lie)
    within(1, [reading.verdict for reading in readings].count("failed"), len(readings))


@pytest.mark.parametrize("name", ["seed", "cut-after", "in flight"])
def test_what_a_busy_machine_cannot_spoil_holds(name: str) -> None:
    for reading in probed(name, lambda line: line):
        assert reading.verdict in ("held", "noisy"), reading


@best_of_three
def test_the_jitter_that_was_asked_for_is_found() -> None:
    for reading in probed("jitter", lambda line: line):
        assert reading.error is not None
        within(-reading.noisy, reading.error, reading.noisy)


def test_the_command_leaves_a_result_that_the_next_report_quotes(tmp_path: Path) -> None:
    told = simsim("calibrate", "--quick", "--quiet", cwd=tmp_path)
    found = Calibration.model_validate_json((tmp_path / "results/calibration/embedded.json").read_bytes())
    assert told.returncode == (0 if found.held else 1), told.stderr
    assert found.quote() in told.stdout
    assert calibrated(tmp_path / "results", "embedded") == found.quote()
    assert (tmp_path / "results/calibration/embedded.png").stat().st_size > 10_000
    assert {row.arm for row in found.theory} == {"plain", "tus"}
    run = simsim("run", "clean", "--users", "1", "--size", "100 kB", "--no-calm", "-q", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert found.quote() in (tmp_path / "results/latest/report.html").read_text()


def test_nothing_is_quoted_where_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert calibrated(tmp_path, "embedded") == ""
    (tmp_path / "calibration").mkdir()
    (tmp_path / "calibration/embedded.json").write_text('{"format": 99}')
    assert calibrated(tmp_path, "embedded") == ""
