"""How a calibration is said: asked, got and error of each reading, in units that people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from simulator.measure.calibration import Calibration, Reading, TheoryRow
from simulator.report.tables import table
from simulator.report.words import NOT_MEASURED
from simulator.units import format_duration, format_rate, format_size

_FORMS: Mapping[str, Callable[[float], str]] = {
    "bit/s": format_rate,
    "s": format_duration,
    "B": lambda value: f"{value:.0f} B" if abs(value) < 1000 else format_size(value),
    "1": lambda value: f"{value:.3g}",
}


def asked_text(reading: Reading) -> str:
    """Return what was asked, with its unit."""
    return _FORMS[reading.unit](reading.asked)


def error_text(reading: Reading) -> str:
    """Return the error with its sign and unit; shares in per cent."""
    if reading.error is None:
        return NOT_MEASURED
    if reading.error_unit == "1" and reading.unit != "1":
        return f"{reading.error * 100:+.2f} %"
    sign = "+" if reading.error > 0 else ""
    return sign + _FORMS[reading.error_unit](reading.error)


def lines(found: Calibration) -> Iterator[str]:
    """Yield the page of a calibration: a table of readings, then theory against measurement."""
    rows = [("quantity", "asked", "got", "error", "n", "verdict"), *map(_cells, found.readings)]
    yield from table(rows)
    if found.theory:
        yield ""
        heads = ("theory on resets", "expected", "measured", "95 % interval", "n", "verdict")
        yield from table([heads, *map(_theory_cells, found.theory)])
    if found.strained:
        yield f"degraded: the run against theory had a strained instrument: {found.strained}"
    yield ""
    yield found.quote()


def _cells(reading: Reading) -> tuple[str, ...]:
    got = NOT_MEASURED if reading.got is None else _FORMS[reading.unit](reading.got)
    return reading.quantity, asked_text(reading), got, error_text(reading), str(reading.n), reading.verdict


def _theory_cells(row: TheoryRow) -> tuple[str, ...]:
    form = _FORMS[row.unit]
    value = NOT_MEASURED if row.value is None else form(row.value)
    spread = NOT_MEASURED if row.low is None or row.high is None else f"{form(row.low)} to {form(row.high)}"
    most = "at most " if row.bound else ""
    return f"{row.arm}, {row.quantity}", most + form(row.expected), value, spread, str(row.n), row.verdict
