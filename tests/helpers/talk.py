"""A conversation with an upload machine, one line an exchange."""

from __future__ import annotations

from simulator.protocols import make_machine
from simulator.protocols.machine import (
    Done,
    Failed,
    Headers,
    Informational,
    Interrupted,
    Note,
    Response,
    Send,
    Step,
    Wait,
)
from simulator.protocols.policy import Policy
from simulator.records import Cause, Why

ENDPOINT = "http://127.0.0.1:1080/files/"
UPLOAD = "http://127.0.0.1:1080/files/1"


class Talk:
    """Plays the server to one machine. ``sent`` counts bytes; None is all of the request's."""

    def __init__(
        self,
        protocol: str,
        size: int = 100,
        policy: Policy | None = None,
        *,
        framing: str = "",
        variant: str = "",
        endpoint: str = ENDPOINT,
        filename: str = "f.bin",
        headers: Headers = (),
        noise: tuple[float, ...] = (0.0,),
    ) -> None:
        self.machine = make_machine(
            protocol,
            endpoint=endpoint,
            size=size,
            filename=filename,
            policy=policy or Policy(),
            framing=framing,
            variant=variant,
            headers=headers,
            noise=noise,
        )
        self.notes: list[Note] = []
        self.asked: Send | None = None

    def hears(self, method: str, start: int = 0, stop: int = 0) -> Send:
        """Take the next step, which must be a request with that method and those bytes."""
        step = self.machine.next()
        assert isinstance(step, Send), step
        assert (step.method, step.start, step.stop) == (method, start, stop)
        self.asked = step
        return step

    def answers(
        self, status: int, sent: int | None = None, *, body: bytes = b"", **fields: str | int
    ) -> Talk:
        """Answer the request; ``upload_offset=5`` becomes the field ``upload-offset: 5``."""
        headers = tuple((name.replace("_", "-"), str(value)) for name, value in fields.items())
        return self.answers_with(status, headers, sent, body)

    def answers_with(self, status: int, headers: Headers, sent: int | None = None, body: bytes = b"") -> Talk:
        self.notes += self.machine.receive(Response(status, headers, self._count(sent), body))
        return self

    def informs(self, status: int = 104, **fields: str | int) -> Talk:
        """Send an interim answer; fields as for ``answers``."""
        headers = tuple((name.replace("_", "-"), str(value)) for name, value in fields.items())
        self.notes += self.machine.receive(Informational(status, headers))
        return self

    def cuts(self, sent: int | None = None, cause: Cause = Cause.RESET) -> Talk:
        self.notes += self.machine.receive(Interrupted(cause, self._count(sent)))
        return self

    def sees_wait(self, seconds: float, why: Why = Why.BACKOFF) -> None:
        assert self.machine.next() == Wait(seconds, why)

    def sees_done(self, location: str | None = UPLOAD) -> None:
        assert self.machine.next() == Done(location)

    def sees_failure(self, *words: str) -> None:
        step = self.machine.next()
        assert isinstance(step, Failed), step
        assert all(word in step.why for word in words), step.why

    def next(self) -> Step:
        return self.machine.next()

    def _count(self, sent: int | None) -> int:
        assert self.asked is not None
        return self.asked.stop - self.asked.start if sent is None else sent
