"""From a folder with records to a folder with a report, and what is said when that cannot be."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.records import Cause, dump
from simulator.report import load_summary, write
from simulator.report.charts import CHARTS
from simulator.report.gather import gather
from tests.helpers.made_records import MadeRun

FILES = {"records.jsonl", "summary.json", "report.html", "report.md"} | {
    f"charts/{name}.{form}" for name in CHARTS for form in ("png", "svg", "csv")
}


def made_run() -> MadeRun:
    """Two users whose plain upload is cut once and begun again, and whose tus upload goes on."""
    run = MadeRun(users=2)
    for user in range(2):
        plain = run.upload("plain", user=user, size=1000)
        plain.send(0.0, 0.8, sent=800, carried=700, cause=Cause.RESET)
        plain.send(1.0, 2.1).stored(True).completed(2.1, restarts=1)
        tus = run.upload("tus", user=user, size=1000)
        tus.send(0.0, 0.8, sent=800, carried=700, cause=Cause.RESET).query(0.9, 1.0, offset=650)
        tus.send(1.0, 1.4, start=650).violation(1.2, "tus 1.0, Upload-Offset").stored(True).completed(1.4)
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with nothing but the records of a run."""
    path = tmp_path / "run"
    path.mkdir()
    lines = [dump(record) + "\n" for record in made_run().records()]
    (path / "records.jsonl").write_text("".join(lines))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_records_alone_make_the_whole_report(folder: Path) -> None:
    assert write(folder) == folder / "report.html"
    assert set(contents(folder)) == FILES
    assert load_summary(folder) == gather(folder).summary


def test_a_copied_folder_makes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write(folder)
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder, copy)
    (copy / "report.md").unlink()
    write(copy)
    assert contents(copy) == contents(folder)


def test_uploads_and_violations_come_from_the_records(folder: Path) -> None:
    findings = gather(folder)
    rows = {(row.arm, row.user): row for row in findings.uploads}
    assert rows["plain", 1].carried == 1700
    assert (rows["plain", 1].interruptions, rows["plain", 1].restarts) == (1, 1)
    assert (rows["tus", 0].outcome, rows["tus", 0].integrity) == ("completed", "intact")
    assert rows["tus", 0].seconds == pytest.approx(1.4)
    assert [violation.user for violation in findings.violations] == [0, 1]


def test_the_data_of_the_staircase_fall_to_zero_for_plain_alone(folder: Path) -> None:
    table = CHARTS["staircase"].table(gather(folder))
    rows = list(csv.DictReader(table.csv().splitlines()))
    zeros = {row["series"] for row in rows if row["offset_bytes"] == "0" and float(row["time_s"]) > 0.5}
    assert zeros == {"plain"}


def test_a_run_that_was_killed_in_the_middle_of_a_line_still_reports(folder: Path) -> None:
    with (folder / "records.jsonl").open("a") as records:
        records.write('{"kind":"upl')
    assert gather(folder).uploads


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"records\.jsonl: cannot be read: No such file"):
        write(tmp_path)


@pytest.mark.parametrize("text", ["", "\x00\x01 garbage without an end"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "records.jsonl").write_text(text)
    with pytest.raises(UsageError, match="holds no records"):
        write(tmp_path)


def test_a_line_that_is_no_record_is_named(folder: Path) -> None:
    path = folder / "records.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "{not a record}\n", *lines[2:]]))
    with pytest.raises(UsageError, match="line 3 is not a record"):
        write(folder)


def test_records_without_a_plan_are_refused(folder: Path) -> None:
    path = folder / "records.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(UsageError, match="plan"):
        write(folder)


def test_a_place_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder / "charts").write_text("in the way")
    with pytest.raises(UsageError, match=r"charts: cannot be written: File exists"):
        write(folder)


def test_a_missing_summary_says_how_to_make_it(folder: Path) -> None:
    with pytest.raises(UsageError, match="simsim report"):
        load_summary(folder)


def test_a_summary_of_another_version_is_refused(folder: Path) -> None:
    (folder / "summary.json").write_text('{"plan": 1}')
    with pytest.raises(UsageError, match="not a summary of this version"):
        load_summary(folder)
