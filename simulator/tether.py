"""Become a command that dies with its parent: ``python tether.py PARENT_PID NICE COMMAND...``.

Run as a script by ``simulator.children``, in the child, before the command. Between fork and exec
(``preexec_fn``) the same calls would run in a copy of a process that may have threads, which
CPython's documentation of ``subprocess`` calls unsafe; here they run in a fresh interpreter. The
command then replaces it, so the process id, and the one process, stay the same.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h; survives exec of anything but a set-uid program


def main(parent: int, nice: int, command: list[str]) -> None:
    """Tie this process to *parent* and become *command*."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the tie was made, so no signal will come
        sys.exit("the parent is gone")
    os.nice(nice)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
