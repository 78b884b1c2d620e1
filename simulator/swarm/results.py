"""A run's folder, opened before the run: the plan and the records are on disk as they come."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from simulator.errors import UsageError
from simulator.records import Plan, Record, Run, dump, load


def create_folder(results: Path, profile: str) -> Path:
    """Return a new folder ``<when>-<profile>-<short id>`` in *results*. Raises ``UsageError``."""
    name = f"{datetime.now().astimezone():%Y-%m-%dT%H%M%S}-{profile}-{secrets.token_hex(2)}"
    folder = results / name
    try:
        (folder / "logs").mkdir(parents=True)
    except OSError as error:
        raise unwritable(results, error) from error
    return folder


def unwritable(results: Path, error: OSError) -> UsageError:
    """Return what is said when *error* came of making something below *results*."""
    return UsageError(
        f"the results folder cannot be written: {error.strerror}",
        where=f"--results {results}",
        mend="name a folder that you may write to",
    )


def calibration_file(results: Path, engine: str) -> Path:
    """Return where the newest calibration of *engine* (a name or a URL) lies below *results*."""
    return results / "calibration" / f"{re.sub('[^a-z0-9]+', '-', engine.lower())}.json"


def point_latest(folder: Path) -> None:
    """Make ``latest`` beside *folder* lead to it; a real file or folder of that name is left alone."""
    link = folder.parent / "latest"
    if link.is_symlink() or not link.exists():
        fresh = folder.parent / f".latest-{folder.name}"
        fresh.symlink_to(folder.name)
        fresh.replace(link)


class RecordFile:
    """Appends records to ``records.jsonl``, each line written through at once; a context manager.

    The plan is also written to ``run.json``, for people and for running it again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = Lock()  # lines come from the swarm's drain and from the pipeline
        self._watches: tuple[Callable[[Record], None], ...] = ()
        self._file = (folder / "records.jsonl").open("ab", buffering=0)

    def begin(self, plan: Plan, *watches: Callable[[Record], None]) -> None:
        """Write the plan; from now on each of *watches* sees every record."""
        self._watches = watches
        (self._folder / "run.json").write_text(plan.model_dump_json(indent=2) + "\n")
        self.extend([Run(t=0.0, event="start", plan=plan)])

    def line(self, line: bytes) -> None:
        """Append one record that is already a line. Raises ``OSError`` when it cannot be kept whole."""
        with self._turn:
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) :]
        record = load(line)
        for watch in self._watches:
            watch(record)

    def extend(self, records: Iterable[Record]) -> None:
        """Append *records*."""
        for record in records:
            self.line(dump(record).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
