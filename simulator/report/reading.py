"""A run's records from its folder, each line checked: what cannot be used is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator import __version__, records
from simulator.errors import UsageError
from simulator.measure.sound import Sound
from simulator.records import Record

RECORDS = "records.jsonl"
PLAN = "run.json"


def read_run(run_dir: Path) -> list[Record]:
    """Return the records in *run_dir*; a last line cut short is left out.

    Raises ``UsageError`` naming the file and, for a line that cannot be used, its number; and for
    records of another schema, with the version of simsim that reads them.
    """
    path = run_dir / RECORDS
    lines = _lines(path)
    _check_schema(path, _plan_in(lines[0]) if lines else {})
    _check_schema(run_dir / PLAN, _plan_of(run_dir / PLAN))
    found = list(_records(path, lines))
    if not found:
        raise UsageError(
            "holds no records", where=str(path), mend="the run ended before it began; run it again"
        )
    return found


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", where=str(path), mend="name the folder of a run"
        ) from error


def _records(path: Path, lines: list[bytes]) -> Iterator[Record]:
    sound, at = Sound(), 0

    def counted() -> Iterator[bytes]:
        nonlocal at
        for line in lines:
            at += 1
            yield line

    try:
        for record in records.read(counted()):
            sound.check(record)
            yield record
    except ValueError as error:
        raise UsageError(
            f"line {at} {_why(error)}",
            where=str(path),
            mend="the file was changed, or written by another version of simsim",
        ) from error


def _why(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return f"makes no sense: {_printable(str(error))}"
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    said = f"{place}: {first['msg']}" if place else first["msg"]
    return f"is not a record of schema {records.SCHEMA}: {_printable(said)}"


def _check_schema(path: Path, plan: dict[str, Any]) -> None:
    """Refuse a *plan* of another schema; one that does not say is looked at as it is."""
    schema = plan.get("schema_version", records.SCHEMA)
    if schema == records.SCHEMA or not isinstance(schema, int):
        return
    versions = plan.get("versions")
    writer = versions.get("simsim") if isinstance(versions, dict) else None
    reader = f"simsim {_printable(str(writer))}" if writer else "the simsim that wrote it"
    raise UsageError(
        f"is of schema {schema:d}, and simsim {__version__} reads schema {records.SCHEMA}",
        where=str(path),
        mend=f"use {reader}{' or a newer one' if schema > records.SCHEMA else ''}",
    )


def _plan_in(line: bytes) -> dict[str, Any]:
    """Return the plan in a first line that may be of any schema; empty when there is none to be seen."""
    record = _object(line)
    plan = record.get("plan")
    return plan if isinstance(plan, dict) else {}


def _plan_of(path: Path) -> dict[str, Any]:
    """Return what run.json says. It is not needed: where it is gone or illegible the records say it all."""
    try:
        return _object(path.read_bytes())
    except OSError:
        return {}


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _printable(text: str) -> str:
    """Return *text*, which may come from the file, short and without control letters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])
