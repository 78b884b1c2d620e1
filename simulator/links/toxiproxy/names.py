"""The names of proxies: they tell whose they are, so that what a dead run left behind can be known.

    simsim-<machine>-<pid>-<start>-<run>-<number>

``machine`` stands for this boot of this machine and this namespace of process ids (containers have
their own), and ``start`` for when the process began, in clock ticks since the boot: together they name
one process for ever. A proxy that did not come from here is never touched.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

_NAME = re.compile(r"simsim-(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-(?P<start>\d+)-.+")


def prefix(run: str) -> str:
    """Return the beginning of the names of this process's proxies in the run *run*."""
    pid = os.getpid()
    return f"simsim-{_machine()}-{pid}-{_started(pid)}-{re.sub('[^A-Za-z0-9-]', '', run) or 'unnamed'}"


def left_behind(name: str) -> bool:
    """Return whether *name* is that of a proxy of a process of this machine that lives no more."""
    found = _NAME.fullmatch(name)
    if found is None or found["machine"] != _machine():
        return False
    return _started(int(found["pid"])) != int(found["start"])


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return hashlib.sha256(f"{boot} {Path('/proc/self/ns/pid').readlink()}".encode()).hexdigest()[:8]


def _started(pid: int) -> int | None:
    """Return when the process began, in ticks since the boot (proc(5), field 22); None when there is none."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = told.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])  # a zombie lives no more
