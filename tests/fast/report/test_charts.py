"""The charts: their data, that they can be drawn from anything, and that they come out the same."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from itertools import pairwise

import pytest

from simulator.measure.models import ArmSummary
from simulator.measure.series import Band, Staircase
from simulator.records import Cause
from simulator.report.charts import CHARTS, style
from simulator.report.charts.chart import Table
from simulator.report.findings import Findings
from simulator.report.gather import findings_of
from tests.helpers.made_records import MadeRun
from tests.helpers.made_summary import empty_findings, made_findings


def cells(table: Table, column: str) -> list[object]:
    return [row[table.header.index(column)] for row in table.rows]


def test_the_report_loads_no_drawing_library_before_a_chart_is_drawn() -> None:
    code = (
        "import sys, simulator.report, simulator.report.charts, simulator.report.terminal\n"
        "print('matplotlib' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("findings", [made_findings(users=3), empty_findings()], ids=["few", "empty"])
def test_each_chart_can_be_drawn_from_few_users_and_from_none(name: str, findings: Findings) -> None:
    chart = CHARTS[name]
    assert style.png(chart.draw(findings)).startswith(b"\x89PNG")
    assert chart.meaning(findings).endswith(".")
    assert chart.table(findings).csv().count("\n") >= 1


@pytest.mark.parametrize("name", CHARTS)
def test_the_same_records_make_the_same_bytes(name: str) -> None:
    first, second = (CHARTS[name].draw(made_findings(users=5)) for _ in range(2))
    assert style.svg(first) == style.svg(second)
    assert style.png(first) == style.png(second)


@pytest.mark.parametrize("name", CHARTS)
def test_a_hostile_name_is_drawn_as_it_is(name: str) -> None:
    findings = made_findings(users=2, profile="$\\frac{$ <b> \U0001f4f6", server="a--b]]>")
    assert style.svg(CHARTS[name].draw(findings)).startswith(b"<?xml")


@pytest.mark.parametrize("name", CHARTS)
def test_nothing_is_written_outside_the_sheet_or_over_something_else(name: str) -> None:
    figure = CHARTS[name].draw(made_findings())
    style.png(figure)
    texts = [text for panel in figure.axes for text in panel.texts] + figure.texts
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    width, height = figure.canvas.get_width_height()
    for i, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, texts[i].get_text()
        for j in range(i):
            assert not box.overlaps(boxes[j]), (texts[i].get_text(), texts[j].get_text())


def test_the_staircase_is_of_the_user_whose_baseline_lost_most() -> None:
    table = CHARTS["staircase"].table(made_findings())
    assert set(cells(table, "user")) == {18}


def test_a_fall_of_the_staircase_is_upright() -> None:
    line = Staircase(0, "plain", 100, ((0.0, 0.0), (1.0, 60.0), (2.0, 0.0), (3.0, 100.0)), (), 3.0)
    table = CHARTS["staircase"].table(dataclasses.replace(made_findings(users=1), staircases=(line,)))
    assert [row[3:] for row in table.rows if row[3] == 2.0] == [(2.0, None, 60.0), (2.0, None, 0.0)]


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (Cause.DEADLINE, "plain fell back 1 time and did not"),
        (Cause.RESET, "plain fell back 2 times and did"),
    ],
)
def test_the_caption_counts_breaks_and_not_the_end_of_the_time(cause: Cause, told: str) -> None:
    run = MadeRun(arms=("plain",))
    upload = run.upload("plain", size=1000).send(0, 0.52, sent=500, cause=Cause.RESET)
    upload.send(1, 1.41, sent=400, cause=cause).censored(1.41)
    assert told in CHARTS["staircase"].meaning(findings_of(run.dataset()))


def test_the_staircase_leaves_calm_twins_out_and_keeps_the_faults() -> None:
    table = CHARTS["staircase"].table(made_findings())
    offsets = {row[1] for row in table.rows if row[2] == "offset"}
    assert offsets == {"plain", "tus"}
    faults = [Band(row[3], row[4], row[1]) for row in table.rows if row[2] == "fault"]  # type: ignore[arg-type]
    assert faults and all(band.until >= band.t for band in faults)


def test_the_parts_of_a_bar_add_up_to_what_was_carried() -> None:
    table = CHARTS["cost"].table(made_findings())
    for kept, again, carried in zip(
        cells(table, "kept"), cells(table, "retransmitted"), cells(table, "carried"), strict=True
    ):
        assert kept + again == pytest.approx(carried)  # type: ignore[operator]
    assert cells(table, "at_least") == ["yes", "no"]


def test_few_users_get_no_whisker_and_the_chart_says_so() -> None:
    figure = CHARTS["cost"].draw(made_findings(users=3))
    assert "no intervals: fewer than 5 users" in " ".join(text.get_text() for text in figure.texts)


def test_the_ecdf_holds_every_arm_the_censored_and_the_ideal() -> None:
    table = CHARTS["ecdf"].table(made_findings())
    assert set(cells(table, "curve")) == {"plain", "tus", "plain/calm", "tus/calm", "ideal"}
    censored = [row for row in table.rows if row[1] == "censored"]
    assert [row[0] for row in censored] == ["plain"] * 4
    assert {row[3] for row in censored} == {0.8}


def test_throughput_has_one_row_for_each_bin() -> None:
    table = CHARTS["throughput"].table(made_findings())
    assert table.header == (
        "time_s", "plain_bytes_per_s", "tus_bytes_per_s", "handover_share", "reset_share", "stall_share",
    )  # fmt: skip
    assert len(table.rows) == 240


def arm(name: str, protocol: str, calm_of: str | None = None) -> ArmSummary:
    return ArmSummary(
        name=name, protocol=protocol, calm_of=calm_of, uploads=0, outcomes={}, failures={}, numbers={}
    )


def test_a_protocol_has_the_same_colour_whatever_else_is_drawn() -> None:
    alone = style.looks([arm("tus", "tus")])
    among = style.looks([arm("plain", "plain"), arm("tus", "tus"), arm("tus/calm", "tus", "tus")])
    assert alone["tus"] == among["tus"]
    assert among["tus/calm"].mark == among["tus"].mark
    assert among["tus/calm"].alpha < 1


def test_two_arms_of_one_protocol_differ_in_their_dash() -> None:
    looks = style.looks([arm("tus", "tus"), arm("tus-1MB", "tus")])
    assert looks["tus"].mark == looks["tus-1MB"].mark
    assert looks["tus"].dash != looks["tus-1MB"].dash


@pytest.mark.parametrize(
    ("wanted", "tall", "room"),
    [([1.0, 1.0, 1.0], [0.2] * 3, 3.0), ([0.0, 0.0], [0.3, 0.3], 3.0), ([3.0, 3.0, 2.9], [0.3] * 3, 3.0)],
)
def test_labels_are_pushed_apart(wanted: list[float], tall: list[float], room: float) -> None:
    places = style.spread(wanted, tall, room)
    spans = sorted((place - high / 2, place + high / 2) for place, high in zip(places, tall, strict=True))
    assert all(below[1] <= above[0] + 1e-9 for below, above in pairwise(spans))
    assert spans[0][0] >= -0.1 - 1e-9 and spans[-1][1] <= room + 0.1 + 1e-9
