"""Child processes: each in a group of its own, logged to a file, dead when its parent is.

    Child(...)  ->  running  -- ends by itself --> alive() is False, died() tells why
                       |
                       +-- stop(): SIGTERM, a grace, SIGKILL to its whole group --> reaped

Until ``stop`` the process is not reaped, so its id cannot come to name somebody else's process or
group. Its output goes to a file: a pipe that nobody drains blocks the writer after 64 KiB.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from simulator import tether
from simulator.errors import PartDied

_POLL = 0.01  # seconds between looks; `time.sleep` gives way under gevent as well
_TAIL = 8192  # bytes of the log that are read for its last lines


class Child:
    """One process of ours; a context manager that stops it.

    ``name`` is what messages call it. Standard output and error are appended to the file ``log``;
    with ``stdout=subprocess.PIPE`` the output is ``child.stdout`` instead, for a caller that always
    drains it, to its end, and closes it. ``nice`` is added to the niceness.

    Start it from the main thread, or from one that lives as long as the child shall: Linux counts
    the end of the *thread* that started it as its parent's death (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        nice: int = 0,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._begin = output.tell()  # an older child may have written to the same log
            self._process = subprocess.Popen(
                _tethered(command, nice),
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=stdin,
                stdout=output if stdout is None else stdout,
                stderr=output,
                pass_fds=pass_fds,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Return the process id, which is also its group's."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return how it ended, as ``subprocess`` says it; None until ``stop``."""
        return self._process.returncode

    @property
    def stdin(self) -> IO[bytes] | None:
        """Return the pipe to it, if one was asked for."""
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        """Return the pipe from it, if one was asked for."""
        return self._process.stdout

    def alive(self) -> bool:
        """Return whether the process still runs."""
        return self._ending() is None

    def output(self) -> bytes:
        """Return everything it has written to its log so far."""
        with self.log.open("rb") as log:
            log.seek(self._begin)
            return log.read()

    def last_lines(self, count: int = 5) -> list[str]:
        """Return the last *count* lines of its log that are not blank."""
        with self.log.open("rb") as log:
            log.seek(max(self._begin, log.seek(0, os.SEEK_END) - _TAIL))
            lines = log.read().decode(errors="replace").splitlines()
        return [line for line in lines if line.strip()][-count:]

    def died(self) -> PartDied:
        """Return the error that says how it ended, with the last lines of its log."""
        words = " | ".join(self.last_lines()) or "it wrote nothing"
        return PartDied(f"{self.name} {self._ending_words()}: {words}", where=str(self.log))

    def check(self) -> None:
        """Raise ``PartDied`` when it has ended."""
        if not self.alive():
            raise self.died()

    def wait_for_line(self, pattern: re.Pattern[str], timeout: float) -> re.Match[str]:
        """Return the match of *pattern* in the first line of the log that has one.

        Raises ``PartDied`` when it ends before, and ``TimeoutError`` after *timeout* seconds.
        """
        give_up = time.monotonic() + timeout
        while True:
            running = self.alive()  # asked first: what it wrote before it ended is seen below
            match = _first_match(pattern, self.output())
            if match is not None:
                return match
            if not running:
                raise self.died()
            if time.monotonic() > give_up:
                raise TimeoutError(f"no line matched {pattern.pattern!r} within {timeout:g} s")
            time.sleep(_POLL)

    def wait(self, timeout: float) -> bool:
        """Wait up to *timeout* seconds for its end; return whether it came."""
        give_up = time.monotonic() + timeout
        while self.alive():
            if time.monotonic() > give_up:
                return False
            time.sleep(_POLL)
        return True

    def signal(self, number: int) -> None:
        """Send it (not its group) a signal, if it still runs."""
        if self.alive():
            os.kill(self.pid, number)

    def stop(self, grace: float = 5.0) -> int:
        """End it and whatever is left of its group, and return how it ended.

        It is asked by SIGTERM and given *grace* seconds; SIGKILL then ends it and what it started.
        """
        self.signal(signal.SIGTERM)
        self.wait(grace)
        if self._process.returncode is None:  # not yet reaped: the group's id is still ours
            os.killpg(self.pid, signal.SIGKILL)
        status = self._process.wait()
        if self.stdin is not None:
            self.stdin.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ending(self) -> int | None:
        """Return how it ended, negative for a signal, or None while it runs; leaves it unreaped."""
        if self._process.returncode is not None:
            return self._process.returncode
        try:
            info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # gevent's SIGCHLD handler reaps, and tells its Popen
            return self._process.poll()
        if info is None:
            return None
        return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

    def _ending_words(self) -> str:
        status = self._ending()
        if status is None:
            return "still runs"
        return f"ended with status {status}" if status >= 0 else f"was killed by {_signal_name(-status)}"


def _tethered(command: Sequence[str], nice: int) -> list[str]:
    # -I and -S: the tether needs no site packages, and none of the caller's PYTHON* settings.
    return [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), str(nice), *command]


def _first_match(pattern: re.Pattern[str], output: bytes) -> re.Match[str] | None:
    whole = output[: output.rfind(b"\n") + 1]  # a line cut short could show half a port
    for line in whole.decode(errors="replace").splitlines():
        match = pattern.search(line)
        if match is not None:
            return match
    return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"
