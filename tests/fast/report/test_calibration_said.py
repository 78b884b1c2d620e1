"""How a calibration is said."""

from __future__ import annotations

from simulator.report import said
from simulator.report.charts import calibration as chart
from tests.fast.measure.test_measure_calibration import calibration, reading, row


def test_the_page_has_a_line_for_each_reading_and_each_form_of_theory() -> None:
    found = calibration(
        [reading(-0.0174), reading(None)], [row(1.53, 1.37, 1.49, 1.63), row(1.08, 1, 1, 1, bound=True)]
    )
    assert list(said.lines(found)) == [
        "quantity  asked     got         error    n  verdict",
        "rate      1 Mbit/s  983 kbit/s  -1.74 %  1  noisy",
        "rate      1 Mbit/s  \N{EN DASH}           \N{EN DASH}        1  not had",
        "",
        "theory on resets      expected      measured  95 % interval  n   verdict",
        "plain, amplification  1.53          1.49      1.37 to 1.63   60  held",
        "plain, amplification  at most 1.08  1         1 to 1         60  held",
        "",
        found.quote(),
    ]


def test_the_chart_is_drawn_from_a_table_with_every_reading() -> None:
    found = calibration([reading(0.2), reading(None)], [])
    lines = chart.table(found).csv().splitlines()
    assert lines[0].startswith("quantity,unit,asked,got,error_unit,error")
    assert lines[1] == "rate,bit/s,1000000,1200000,1,0.2,0.01,0.05,1,failed"
    assert lines[2] == "rate,bit/s,1000000,,1,,0.01,0.05,1,not had"
