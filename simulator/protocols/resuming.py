"""What machines that go on from an offset share: how far the upload is, and how often it began again."""

from __future__ import annotations

from simulator.protocols.core import Answer, Job, Notes, UploadMachine
from simulator.protocols.machine import Acknowledged, Restarted, Send
from simulator.records import Purpose

RESTARTS = 10  # in a row that got no further than an earlier life; then the server forgets uploads
SMALLEST_PIECE = 64 * 1024  # bytes; a hop that takes less than this in one request takes no uploads


class Resuming(UploadMachine):
    """The part of a machine that keeps count of offsets, restarts and conflicts."""

    forgets = "uploads"  # what a server that loses them is said to forget

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._reached = 0  # end of what was ever sent to this upload: the server cannot have more
        self._furthest = 0  # highest offset acknowledged, restarts or not
        self._restarts = 0  # in a row, without getting further
        self._conflicts = 0  # 409 in a row, without progress

    def _advance(self, said: Acknowledged) -> Notes:
        if said.offset > self._offset:
            self._backoff.progressed()
            self._conflicts = 0
        if said.offset > self._furthest:
            self._furthest, self._restarts = said.offset, 0
        self._offset = said.offset
        return (said,)

    def _conflict(self, asked: Send, answer: Answer) -> Notes:
        """Ask for the offset: at once after a first 409, with a pause when the answer did not help."""
        self._conflicts += 1
        return self._blocked(asked, answer) if self._conflicts > 1 else ()

    def _forgotten(self, asked: Send, answer: Answer) -> Notes:
        """Begin anew: the server does not have the upload, or no longer."""
        self._restarts += 1
        if self._restarts > RESTARTS:
            said = f"{asked.method} was answered {answer.words} again"
            return self._fail(f"the server forgets {self.forgets}: {said}")
        self._back_off(asked, answer)
        return self._anew(asked, answer)

    def _anew(self, asked: Send, answer: Answer) -> Notes:
        """Leave what was sent behind; a creation that carried nothing yet begins nothing again."""
        if self._end is not None:
            return ()
        again = asked.purpose is not Purpose.CREATE or answer.sent > 0
        self._offset = self._reached = self._conflicts = 0
        self._let_go()
        return (Restarted(f"{asked.method}: {answer.words}"),) if again else ()

    def _let_go(self) -> None:
        """Forget what else belonged to the upload that is left behind."""
