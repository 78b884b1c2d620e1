"""From a folder with records to a folder with a report, and what is said when that cannot be."""

from __future__ import annotations

import csv
import json
import math
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


def changed(folder: Path, kind: str, /, **values: object) -> int:
    """Change the last record of *kind* in the folder; return its line's number."""
    path = folder / "records.jsonl"
    lines = path.read_text().splitlines()
    at = max(i for i, line in enumerate(lines) if json.loads(line)["kind"] == kind)
    lines[at] = json.dumps({**json.loads(lines[at]), **values})
    path.write_text("\n".join(lines) + "\n")
    return at + 1


NAN, INF = math.nan, math.inf
NONSENSE: list[tuple[str, dict[str, object], str]] = [
    ("upload", {"size": 0}, "'size' is 0"),
    ("upload", {"size": -5}, "'size' is -5, less than 0"),
    ("upload", {"size": 10**400}, "'size' is no number, or far out of reach"),
    ("upload", {"size": "many"}, "upload.size: "),
    ("upload", {"started": 50}, "'started' is 50.0, beyond 't'"),
    ("upload", {"arm": "tsu"}, "the plan has no arm 'tsu'"),
    ("upload", {"arm": "\x1b[2J"}, r"the plan has no arm '\?\[2J'"),
    ("upload", {"user": 2}, "'user' is 2, but the plan has 2, counted from 0"),
    ("upload", {"upload": 1}, "'upload' is 1, but the plan has 1"),
    ("upload", {"user": 0}, "this upload was told of before"),
    ("request", {"n": 0}, "this request was told of before"),
    ("request", {"t": -1}, "'t' is -1.0, less than 0"),
    ("request", {"t": NAN}, "'t' is no number"),
    ("request", {"end": INF}, "'end' is no number"),
    ("request", {"end": 0.001}, "beyond 'end'"),
    ("request", {"sent": 10**6}, "'sent' is 1000000, beyond 'length'"),
    ("request", {"moved": 1e9, "end": 1e9}, "no run lasts that long"),
    ("connection", {"carried_up": -1}, "'carried_up' is -1"),
    ("connection", {"opened": 3}, "beyond 't'"),
    ("integrity", {"arm": ""}, "the plan has no arm ''"),
    ("violation", {"t": -0.5}, "'t' is -0.5"),
    ("run", {"kind": "ran"}, "does not match any of the expected tags"),
    ("run", {"surprise": 1}, "run.surprise: "),
]


@pytest.mark.parametrize(
    ("kind", "values", "told"), NONSENSE, ids=[f"{kind} {values}"[:40] for kind, values, _ in NONSENSE]
)
def test_nonsense_in_a_record_is_refused_with_its_line(
    folder: Path, kind: str, values: dict[str, object], told: str
) -> None:
    line = changed(folder, kind, **values)
    with pytest.raises(UsageError, match=rf"records\.jsonl: line {line} .*{told}") as refusal:
        write(folder)
    assert str(refusal.value).isprintable()
    assert set(contents(folder)) == {"records.jsonl"}


def replanned(folder: Path, **changes: object) -> None:
    path = folder / "records.jsonl"
    first, *rest = path.read_text().splitlines()
    start = json.loads(first)
    path.write_text("\n".join([json.dumps({**start, "plan": {**start["plan"], **changes}}), *rest]) + "\n")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"users": 0}, "'users' is 0"),
        ({"users": 10**9}, "more than 100000"),
        ({"deadline_s": NAN}, "'deadline_s' is no number"),
        ({"spawn_rate": 0}, "'spawn_rate' is 0"),
        ({"baseline": "s3"}, "the plan has no arm 's3'"),
        ({"arms": []}, "no names of their own"),
        ({"arms": [{"name": "tus", "protocol": "tus"}] * 2, "baseline": "tus"}, "no names of their own"),
        ({"arms": "tus"}, "run.plan.arms: "),
    ],
    ids=str,
)
def test_nonsense_in_the_plan_is_refused(folder: Path, changes: dict[str, object], told: str) -> None:
    replanned(folder, **changes)
    with pytest.raises(UsageError, match=f"line 1 .*{told}"):
        write(folder)


def test_two_runs_in_one_file_are_refused(folder: Path) -> None:
    path = folder / "records.jsonl"
    count = len(path.read_text().splitlines())
    path.write_text(path.read_text() * 2)
    with pytest.raises(UsageError, match=f"line {count + 1} makes no sense: it begins a second run"):
        write(folder)


SCHEMAS = [
    (
        2,
        {"simsim": "9.1"},
        r"is of schema 2, and simsim .* reads schema 1 \(hint: use simsim 9.1 or a newer one",
    ),
    (0, {"simsim": "0.0.1"}, r"is of schema 0, .*\(hint: use simsim 0.0.1\)"),
    (2, "?", r"is of schema 2, .*\(hint: use the simsim that wrote it or a newer one\)"),
]


@pytest.mark.parametrize(("schema", "versions", "told"), SCHEMAS)
def test_records_of_another_schema_are_refused_with_the_simsim_that_reads_them(
    folder: Path, schema: int, versions: object, told: str
) -> None:
    replanned(folder, schema_version=schema, versions=versions, novelty={"of": "that schema"})
    with pytest.raises(UsageError, match=rf"records\.jsonl: {told}"):
        write(folder)


@pytest.mark.parametrize(("schema", "versions", "told"), SCHEMAS)
def test_a_plan_of_another_schema_is_refused_too(
    folder: Path, schema: int, versions: object, told: str
) -> None:
    (folder / "run.json").write_text(json.dumps({"schema_version": schema, "versions": versions}))
    with pytest.raises(UsageError, match=rf"run\.json: {told}"):
        write(folder)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[1]", '{"schema_version": "new"}', "\x00"])
def test_the_records_need_no_legible_run_json(folder: Path, text: str) -> None:
    (folder / "run.json").write_text(text)
    assert gather(folder).uploads


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
