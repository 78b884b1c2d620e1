"""How numbers are said: units, intervals, bounds."""

from __future__ import annotations

import pytest

from simulator.measure.models import NUMBERS, Number
from simulator.report import words
from simulator.report.words import SAID, TIE, count, interval, percent, rate, ratio, size, time, value, whole


def number(of: float | None, low: float | None = None, high: float | None = None, **more: object) -> Number:
    return Number.model_validate({"value": of, "unit": "1", "n": 20, "low": low, "high": high, **more})


@pytest.mark.parametrize(
    ("of", "form", "said"),
    [
        (2.311, ratio, "2.31"),
        (0.0, ratio, "0.00"),
        (15.26, ratio, "15.3"),
        (1234.5, ratio, "1 234"),
        (0.974, percent, "97 %"),
        (0.996, percent, "99.6 %"),  # not all of them
        (0.9996, percent, "99.96 %"),
        (0.004, percent, "0.4 %"),  # not none of them
        (1.0, percent, "100 %"),
        (0.0, percent, "0 %"),
        (-0.25, percent, "-25 %"),
        (13.94, time, "13.9 s"),
        (0.0011, time, "1.10 ms"),
        (0.9999, time, "1.00 s"),
        (0.0, time, "0 s"),
        (31.0, time, "31.0 s"),
        (3_000_000.0, size, "3.00 MB"),
        (512.0, size, "512 B"),
        (250_000.0, rate, "2.00 Mbit/s"),
        (7.0, count, "7"),
        (7.5, count, "7.5"),
    ],
)
def test_a_value_is_said_in_the_unit_that_people_read(of: float, form: words.Form, said: str) -> None:
    assert value(number(of), form).replace(TIE, " ") == said


def test_a_value_and_its_interval_share_unit_and_decimals() -> None:
    assert whole(number(1.0, 0.95, 1.3), time).replace(TIE, " ") == "1.00 s [0.95–1.30 s]"
    assert whole(number(1_020_000, 980_000, 1_100_000), size).replace(TIE, " ") == "1.02 MB [0.98–1.10 MB]"


def test_a_zero_is_said_in_the_unit_of_its_interval() -> None:
    assert whole(number(0.0, 0.0, 0.25), time).replace(TIE, " ") == "0 ms [0–250 ms]"


def test_a_lower_bound_says_so() -> None:
    assert value(number(2.31, at_least=True), ratio) == "at least 2.31"


def test_a_time_beyond_the_deadline_says_so() -> None:
    assert value(number(60.0, at_least=True), time).replace(TIE, " ") == "> 60 s"


def test_an_interval_without_an_upper_end_says_from_where() -> None:
    assert interval(number(20.0, 12.1, None), time).replace(TIE, " ") == "from 12.1 s"


def test_what_was_not_measured_is_a_dash_and_never_a_zero() -> None:
    assert value(number(None), ratio) == "–"
    assert interval(number(None, 1.0, 2.0), ratio) == ""


def test_every_number_of_a_summary_has_a_label() -> None:
    assert set(SAID) >= set(NUMBERS)


def test_counts_and_ratios_are_given_a_unit_in_tables() -> None:
    assert words.with_unit(number(7.0, unit="copies"), count).replace(TIE, " ") == "7 copies"
    assert words.with_unit(number(2.0), ratio).replace(TIE, " ") == "2.00 ×"


@pytest.mark.parametrize("name", ["cpu_engine", "cpu_server"])
def test_the_load_of_a_part_is_a_share(name: str) -> None:
    said = words.how(name, "1")
    assert (said.label, value(number(0.31), said.form)) == (name.replace("_", " "), f"31{TIE}%")


def test_a_ratio_near_one_gets_a_decimal_more_and_one_itself_does_not() -> None:
    said = [words.value(Number(value=value, unit="1", n=20), words.ratio) for value in (1.0, 1.0004, 1.02)]
    assert said == ["1.00", "1.000", "1.02"]
