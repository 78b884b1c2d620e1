"""``simsim proxy`` as a process: its addresses, what it says, and keys by its standard input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.sinks import wait_until

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds: a process starts slowly on a busy machine


@dataclass
class Proxy:
    """A running ``simsim proxy``; ``lines`` is its standard error so far."""

    process: subprocess.Popen[str]
    addresses: list[tuple[str, int]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the first address as a URL."""
        host, port = self.addresses[0]
        return f"http://{host}:{port}"

    def press(self, key: str) -> None:
        """Send a line as somebody at a pipe would."""
        assert self.process.stdin is not None
        self.process.stdin.write(key + "\n")
        self.process.stdin.flush()

    def said(self, words: str) -> list[str]:
        """Return the lines that hold *words*."""
        return [line for line in self.lines if words in line]

    def wait_for(self, words: str, n: int = 1) -> str:
        """Return the *n*-th line that holds *words*, waiting for it."""
        wait_until(lambda: len(self.said(words)) >= n or self.process.poll() is not None, PATIENCE)
        assert len(self.said(words)) >= n, self.lines
        return self.said(words)[n - 1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def proxying(*words: str, links: int = 1) -> Iterator[Proxy]:
    """Run ``simsim proxy`` with *words* and wait for its addresses."""
    with subprocess.Popen(
        [sys.executable, "-m", "simulator", "proxy", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        proxy = Proxy(process)
        reader = threading.Thread(target=lambda: proxy.lines.extend(iter(process.stderr.readline, "")))
        reader.start()
        try:
            for _ in range(links):
                host, _, port = process.stdout.readline().rpartition(":")
                assert port, "it ended before it had an address"
                proxy.addresses.append((host.strip("[]"), int(port)))
            yield proxy
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            reader.join()
            assert process.stdout.read() == "", "the addresses are all that goes to stdout"
    assert not proxy.said("Traceback"), proxy.lines
