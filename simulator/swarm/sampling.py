"""CPU and memory of each part of a run, read from outside so that no part has to look at itself."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

from simulator.records import Sample


class Sampler:
    """Samples named processes, and the engines, which are children of the swarm's processes,
    and a server that an engine drives."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}

    def sample(self, parts: Mapping[str, int], t: float) -> list[Sample]:
        """Return a sample of each of *parts* (process ids by name) and of the engines below them, each
        with the server that it drives.

        ``cpu`` is the share of one core since the last call; a process seen for the first time has none.
        """
        samples: list[Sample] = []
        for name, pid in parts.items():
            samples += self._one(name, pid, t)
            for number, child in enumerate(self._children(pid)):
                samples += self._one(f"engine-{name}-{number}", child, t) if name != "server" else []
        return samples

    def _one(self, name: str, pid: int, t: float) -> list[Sample]:
        fresh = pid not in self._known
        try:
            process = self._known.setdefault(pid, psutil.Process(pid))
            with process.oneshot():
                cpu, rss = process.cpu_percent() / 100, process.memory_info().rss
        except psutil.NoSuchProcess:
            return []
        return [] if fresh else [Sample(t=t, part=name, cpu=cpu, rss=rss)]

    def _children(self, pid: int) -> list[int]:
        try:
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
