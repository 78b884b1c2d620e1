"""The parent's side of a gateway in a process of its own: starts it, hears its firings, watches it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator.children import Child
from simulator.errors import UsageError
from simulator.links.engine import Address
from simulator.weather.hops import Step, to_plain

Firing = Mapping[str, Any]
"""What the hop did: t (CLOCK_MONOTONIC), step (empty for what no step asked for), action, method,
target, serial (of the request at its listener), upload ("user/arm/upload" of simsim's own clients),
body (bytes of the request's body that had passed), port (of the connection's other end)."""


@dataclass(frozen=True)
class Route:
    """One listener: steps in front of a server. Port 0 lets the kernel choose."""

    steps: Sequence[Step]
    upstream: Address
    listen: Address = field(default=("127.0.0.1", 0))


class Gateway:
    """The hop under way; *sink* is given each firing from a thread. A context manager.

    Raises ``UsageError`` when an address cannot be listened on, ``PartDied`` when it ends at once.
    """

    def __init__(
        self, routes: Sequence[Route], *, buffer: int, log: Path, sink: Callable[[Firing], None]
    ) -> None:
        self._sink = sink
        self._trouble: OSError | None = None
        command = [sys.executable, "-m", "simulator.links.gateway"]
        pipe = subprocess.PIPE
        self.child = Child("gateway", command, log, stdin=pipe, stdout=pipe)
        try:
            self.ports = self._begin(routes, buffer)
        except BaseException:
            self.child.stop()
            self._close_pipe()
            raise
        self._drained = threading.Thread(target=self._drain, name="firings", daemon=True)
        self._drained.start()

    def check(self) -> None:
        """Raise ``PartDied`` when it has ended, ``OSError`` when a firing could not be kept."""
        if self._trouble is not None:
            raise self._trouble
        self.child.check()

    def close(self) -> None:
        """End it; every firing has been passed on by then."""
        self.child.stop()
        self._drained.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, routes: Sequence[Route], buffer: int) -> list[int]:
        stdin, stdout = self.child.stdin, self.child.stdout
        assert stdin is not None and stdout is not None
        plain = [
            {"steps": to_plain(tuple(route.steps)), "upstream": route.upstream, "listen": route.listen}
            for route in routes
        ]
        stdin.write(json.dumps({"routes": plain, "buffer": buffer}).encode() + b"\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            self.child.wait(5.0)
            raise self.child.died()
        said = json.loads(line)
        if "refused" in said:
            places = ", ".join(f"{host}:{port}" for host, port in (route.listen for route in routes))
            raise UsageError(
                f"cannot listen on {places}: {said['refused']}",
                mend="choose another port, or 0 for a free one",
            )
        return [int(port) for port in said["ports"]]

    def _drain(self) -> None:
        pipe = self.child.stdout
        assert pipe is not None
        with pipe:
            for line in pipe:  # to its end, whatever happens: a pipe that nobody drains blocks the writer
                if self._trouble is None and line.endswith(b"\n"):
                    self._pass_on(json.loads(line))

    def _pass_on(self, firing: Firing) -> None:
        try:
            self._sink(firing)
        except OSError as error:
            self._trouble = error

    def _close_pipe(self) -> None:
        if self.child.stdout is not None:
            self.child.stdout.close()
