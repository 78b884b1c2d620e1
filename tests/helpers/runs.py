"""Runs of ``simsim`` as a user starts them, and a look at the processes that they are made of."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from simulator.records import Change, Link, Record, Run, Sample, read

SIMSIM = [sys.executable, "-m", "simulator"]
ROOT = Path(__file__).parents[2]


def simsim(*arguments: str, cwd: Path, timeout: float = 240, **env: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, with more of an environment."""
    return subprocess.run(
        [*SIMSIM, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**environment(), **env},
        check=False,
    )


def shell(script: str, cwd: Path, **also: str) -> subprocess.CompletedProcess[bytes]:
    """Run *script* in bash, where ``simsim`` is the command; *also* is added to its environment."""
    function = f'simsim() {{ {shlex.join(SIMSIM)} "$@"; }}'
    return subprocess.run(
        ["bash", "-c", f"{function}\n{script}"],
        cwd=cwd,
        env={**environment(), **also},
        capture_output=True,
        timeout=120,
        check=False,
    )


def environment() -> dict[str, str]:
    """Return this process's environment, with the package importable from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def records_of(folder: Path) -> list[Record]:
    """Return all records of a run's folder."""
    with (folder / "records.jsonl").open("rb") as lines:
        return list(read(lines))


def only_folder(results: Path) -> Path:
    """Return the one run folder in *results*."""
    (folder,) = (path for path in results.iterdir() if path.is_dir() and not path.is_symlink())
    return folder


class Running:
    """A ``simsim run`` under way in *cwd*, with every process it ever started remembered."""

    def __init__(self, cwd: Path, *arguments: str, program: Sequence[str] = SIMSIM) -> None:
        self.cwd = cwd
        self.seen: dict[int, psutil.Process] = {}
        self.process = subprocess.Popen(
            [*program, "run", *arguments],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    @property
    def folder(self) -> Path:
        return only_folder(self.cwd / "results")

    def part(self, words: str) -> psutil.Process:
        """Return the process of the run whose command line has *words*, once it is there."""
        return until(lambda: next((each for each in self._look() if words in command(each)), None))

    def transferring(self) -> None:
        """Wait until every client has begun, and bytes have passed since."""

        def busy() -> bool:
            self._look()
            if next((self.cwd / "results").glob("*/records.jsonl"), None) is None:
                return False
            plan, links, moved = None, 0, False
            for record in records_of(self.folder):
                if isinstance(record, Run):
                    plan = record.plan
                elif isinstance(record, Link):
                    links, moved = links + 1, False
                elif isinstance(record, Sample):
                    moved = moved or sum((record.carried_up or {}).values()) > 0
                elif isinstance(record, Change):  # of an engine that counts nothing: its links play
                    moved = True
            return plan is not None and links == plan.users * len(plan.arms) and moved

        until(busy)

    def end(self, timeout: float = 240) -> tuple[int, str, str]:
        """Wait for its end; return status, stdout and stderr. No process of it may be left."""
        out, err = self.process.communicate(timeout=timeout)
        _, alive = psutil.wait_procs(list(self.seen.values()), timeout=30)
        assert not alive, f"left behind: {[command(each) for each in alive]}"
        return self.process.returncode, out, err

    def _look(self) -> list[psutil.Process]:
        try:
            children = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        self.seen.update({each.pid: each for each in children})
        return children

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def command(process: psutil.Process) -> str:
    """Return a process's command line, empty when it is gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def until(look: Callable[[], Any], timeout: float = 120.0) -> Any:
    """Return what *look* gives as soon as it is true."""
    give_up = time.monotonic() + timeout
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < give_up, "it did not come about"
        time.sleep(0.05)
