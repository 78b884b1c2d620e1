"""Work that would hold the loop up (asking for a name's address, drawing a timeline), done in threads.

The threads only wait, for a name server or for a child process: nothing in them computes, so the
loop is never kept from the interpreter.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from simulator.links.embedded.loop import Loop
from simulator.links.embedded.plug import IN, Plug

Work = Callable[[], Any]
Then = Callable[[Any], object]


class Background:
    """Does work elsewhere and tells on the loop what it returned, or the exception that it raised.

    At most so many *threads* work at once; each is started when there is work for it.
    """

    def __init__(self, loop: Loop, threads: int) -> None:
        self._idle = threads  # not yet started
        self._asked: queue.SimpleQueue[tuple[Work, Then]] = queue.SimpleQueue()
        self._done: deque[tuple[Then, Any]] = deque()
        ours, self._bell = socket.socketpair()
        ours.setblocking(False)
        self._plug = Plug(loop, ours, self._hear, self._hear)
        self._plug.want(IN)

    def do(self, work: Work, then: Then) -> None:
        """Do *work*, then call *then* with its outcome."""
        self._asked.put((work, then))
        if self._idle:
            self._idle -= 1
            threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Hear no more of what is being done."""
        self._plug.leave()
        self._plug.sock.close()
        self._bell.close()

    def _serve(self) -> None:
        while True:
            work, then = self._asked.get()
            try:
                outcome = work()
            except Exception as error:  # whoever asked decides what it means
                outcome = error
            self._done.append((then, outcome))
            self._bell.send(b"\0")

    def _hear(self) -> None:
        self._plug.sock.recv(4096)
        self._plug.want(IN)
        while self._done:
            then, outcome = self._done.popleft()
            then(outcome)
