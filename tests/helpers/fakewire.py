"""A wire without a socket: what it takes and gives is scripted, and its waits pass no time.

Has the methods of ``simulator.transport.wire.Wire``. Answers come in the slices given, one for each
readiness; ``takes`` bounds what each send takes (0 once: would block).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

READ, WRITE = 1, 2


class FakeWire:
    """Records what was sent in ``sent``; ``after`` bytes sent, the answer begins to arrive."""

    def __init__(
        self,
        slices: Iterable[bytes | Exception],
        *,
        after: int = 0,
        takes: Callable[[int], int] | None = None,
        send_failure: tuple[int, Exception] | None = None,
    ) -> None:
        self.port = 4711
        self.send_needs = WRITE
        self.recv_needs = READ
        self.closed = False
        self.sent = bytearray()
        self.yields = 0
        self.waits: list[int] = []  # what each wait was for
        self.longest_turn = 0  # bytes between two waits or yields
        self._turn = 0
        self._slices = list(slices)
        self._after = after
        self._takes = takes
        self._send_failure = send_failure

    def send(self, data: bytes | memoryview) -> int:
        assert len(data) > 0
        if self._send_failure is not None and len(self.sent) >= self._send_failure[0]:
            raise self._send_failure[1]
        taken = len(data) if self._takes is None else min(len(data), self._takes(len(self.sent)))
        self.sent += data[:taken]
        self._count(taken)
        return taken

    def recv(self) -> bytes | None:
        if len(self.sent) < self._after or not self._slices:
            return None
        piece = self._slices.pop(0)
        if isinstance(piece, Exception):
            raise piece
        self._count(len(piece))
        return piece

    def wait(self, events: int, timeout: float | None) -> int:
        self._turn = 0
        self.waits.append(events)
        readable = len(self.sent) >= self._after and bool(self._slices)
        ready = events & (WRITE | (READ if readable else 0))
        assert ready, "the conversation waits for what never comes"
        return ready

    def yield_(self) -> None:
        self.yields += 1
        self._turn = 0

    def unsent(self) -> int | None:
        return None if self.closed else 17

    def idle(self) -> bool:
        return not self._slices

    def close(self) -> None:
        self.closed = True

    def _count(self, count: int) -> None:
        self._turn += count
        self.longest_turn = max(self.longest_turn, self._turn)
