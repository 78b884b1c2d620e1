"""Processes with toxiproxy's API: ``simsim engine``, and the original; and requests to either."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from tests.helpers import sinks

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    body: bytes
    kind: str
    location: str

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Engine:
    """A process that serves the API."""

    port: int
    process: subprocess.Popen[str]

    def ask(self, method: str, target: str, body: object = b"", agent: str = "tests") -> Answer:
        """Return the answer; a *body* that is not bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, target, raw, {"User-Agent": agent})
            answer = connection.getresponse()
            return Answer(
                answer.status,
                answer.read(),
                answer.getheader("Content-Type", ""),
                answer.getheader("Location", ""),
            )
        finally:
            connection.close()

    def done(self, method: str, target: str, body: object = b"") -> Any:
        """Return the JSON of an answer that must be a success."""
        answer = self.ask(method, target, body)
        assert 200 <= answer.status < 300, answer.body
        return answer.json() if answer.body else None

    def clear(self) -> None:
        """Delete all proxies."""
        for name in self.done("GET", "/proxies"):
            self.ask("DELETE", f"/proxies/{quote(name, safe='')}")

    def proxy(self, name: str, upstream: tuple[str, int], **more: Any) -> tuple[str, int]:
        """Create a proxy and return where it listens."""
        listen, to = more.pop("listen", "127.0.0.1:0"), f"{upstream[0]}:{upstream[1]}"
        shown = self.done("POST", "/proxies", {"name": name, "listen": listen, "upstream": to, **more})
        host, _, port = shown["listen"].rpartition(":")
        return host.strip("[]"), int(port)

    def add(self, proxy: str, kind: str, stream: str = "downstream", **attributes: int) -> None:
        """Add a toxic, named after its kind."""
        toxic = {"name": kind, "type": kind, "stream": stream, "attributes": attributes}
        self.done("POST", f"/proxies/{proxy}/toxics", toxic)

    def change(self, proxy: str, kind: str, **attributes: int) -> None:
        """Change the attributes of a toxic."""
        self.done("PATCH", f"/proxies/{proxy}/toxics/{kind}", {"attributes": attributes})

    def drop(self, proxy: str, kind: str) -> None:
        """Remove a toxic."""
        self.done("DELETE", f"/proxies/{proxy}/toxics/{kind}")


@contextmanager
def simsim_engine(*options: str, log: IO[str] | None = None) -> Iterator[Engine]:
    """Run ``simsim engine`` on a free port, and end it in order."""
    command = [sys.executable, "-m", "simulator", "engine", "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:"), line
            yield Engine(int(line.rpartition(":")[2].partition(",")[0]), process)
            assert process.poll() is None, "the engine ended by itself"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
    assert process.returncode == 0


@contextmanager
def toxiproxy_server(program: str, port: int) -> Iterator[Engine]:
    """Run the original on *port*."""
    command = [program, "-host", "127.0.0.1", "-port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            sinks.wait_until(lambda: listens(port), PATIENCE)
            yield Engine(port, process)
        finally:
            process.kill()


def listens(port: int) -> bool:
    try:
        sinks.dial(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def until(answer: Any, expected: Any) -> None:
    """Return as soon as calling *answer* gives *expected*; fail with both when it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while (got := answer()) != expected:
        assert time.monotonic() < deadline, f"{got} is not {expected}"
        time.sleep(0.01)
