"""What every upload machine is made of: states, kinds of answer, and whose turn it is.

    next()     CREATE, APPEND or QUERY -> Send        and the turn is the answer's
    receive()  table[state][kind]      -> (handler, state that follows)

A handler may ask for a pause, which ``next`` hands out once before the next request, or end the
upload, which outranks the state of the table. The manner is h11's ``_state.py``: everything that
moves a machine stands in one table at the foot of its file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as fields
from enum import Enum, auto
from typing import Any

from simulator.protocols.fields import field, retry_after
from simulator.protocols.machine import (
    Breach,
    Done,
    Event,
    Failed,
    Fork,
    Headers,
    Informational,
    Interrupted,
    Joined,
    Note,
    Response,
    Send,
    Step,
    Wait,
)
from simulator.protocols.policy import Backoff, Policy

Notes = tuple[Note, ...]


class State(Enum):
    """What a machine says next."""

    CREATE = auto()  # the request that makes the upload, or carries all of it
    APPEND = auto()
    QUERY = auto()
    COMPLETE = auto()  # the request that makes the parts one
    CANCEL = auto()  # the request that takes back what cannot be finished
    DONE = auto()
    FAILED = auto()


class Kind(Enum):
    """The ways in which an attempt ends, as far as a client's next step depends on them."""

    INTERRUPTED = auto()  # no whole answer
    SUCCESS = auto()  # 2xx
    CONFLICT = auto()  # 409
    LOCKED = auto()  # 423
    BUSY = auto()  # 429, 503: not now
    TRANSIENT = auto()  # 408 and the other 5xx
    GONE = auto()  # 403, 404, 410: tus answers any of the three for an upload it does not have
    VERSION = auto()  # 412
    TOO_LARGE = auto()  # 413
    CHECKSUM = auto()  # 460
    REFUSED = auto()  # everything else, redirects too


_BY_STATUS = {
    403: Kind.GONE,
    404: Kind.GONE,
    408: Kind.TRANSIENT,
    409: Kind.CONFLICT,
    410: Kind.GONE,
    412: Kind.VERSION,
    413: Kind.TOO_LARGE,
    423: Kind.LOCKED,
    429: Kind.BUSY,
    460: Kind.CHECKSUM,
    503: Kind.BUSY,
}
_BY_CLASS = {2: Kind.SUCCESS, 5: Kind.TRANSIENT}


def kind_of(status: int) -> Kind:
    """Return what a final answer with *status* means to an upload."""
    return _BY_STATUS.get(status, _BY_CLASS.get(status // 100, Kind.REFUSED))


@dataclass(frozen=True)
class Job:
    """What a machine is to do. ``size`` is in bytes, ``endpoint`` is absolute.

    ``headers`` go with every request. ``noise`` (0 to 1, one after another) makes the back-off's
    jitter, and is all the chance there is. ``framing`` is how the server wants the protocol worded,
    ``options`` are the variants that the arm asks for, by name.
    """

    endpoint: str
    size: int
    filename: str
    policy: Policy
    noise: tuple[float, ...] = (0.0,)
    headers: Headers = ()
    framing: str = ""
    options: Mapping[str, Any] = fields(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended, whichever event told it. ``words`` names it for people; ``sent`` counts bytes."""

    kind: Kind
    words: str
    sent: int
    status: int | None = None
    headers: Headers = ()
    body: bytes = b""

    @classmethod
    def of(cls, event: Response | Interrupted) -> Answer:
        """Return the answer that *event* tells of."""
        if isinstance(event, Interrupted):
            return cls(Kind.INTERRUPTED, event.cause.value, event.sent)
        kind = kind_of(event.status)
        return cls(kind, str(event.status), event.sent, event.status, event.headers, event.body)


class UploadMachine(ABC):
    """The part of a machine that every protocol shares: turns, pauses, ends.

    ``next`` raises ``RuntimeError`` while an answer is awaited; ``receive`` raises it while none is.
    A ``Wait`` is handed out once: calling ``next`` for it consumes it. ``Done`` and ``Failed`` are
    handed out for ever.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._backoff = Backoff(job.policy, job.noise)
        self._state = State.CREATE
        self._offset = 0
        self._asked: Send | Fork | None = None
        self._pause: Wait | None = None
        self._end: Done | Failed | None = None

    @property
    def offset(self) -> int:
        """Return how many bytes the server acknowledged, as far as this client knows."""
        return self._offset

    @property
    def state(self) -> State:
        """Return what the machine says next, once the turn is its own and no pause is due."""
        return self._state

    def next(self) -> Step:
        """Return what to do now. Raises ``RuntimeError`` while an answer is still awaited."""
        if self._asked is not None:
            raise RuntimeError(f"the answer to {self._asked} is still awaited: call receive() first")
        if self._end is not None:
            return self._end
        if self._pause is not None:
            pause, self._pause = self._pause, None
            return pause
        self._asked = self._request()
        return self._asked

    def receive(self, event: Event) -> Notes:
        """Take in what came of the last ``Send``. Raises ``RuntimeError`` when nothing was sent."""
        if self._asked is None:
            raise RuntimeError(f"{type(event).__name__} without a request: call next() first")
        asked = self._asked
        if isinstance(asked, Fork) != isinstance(event, Joined):
            raise RuntimeError(f"{type(event).__name__} is no answer to {asked}")
        if isinstance(event, Informational):
            assert isinstance(asked, Send)
            return self._interim(asked, event)
        self._asked = None
        if isinstance(event, Joined):
            notes, follows = self._joined(event)
        else:
            assert isinstance(asked, Send)
            notes, follows = self._take(asked, Answer.of(event))
        if self._end is None:
            self._state = follows
        return notes

    def _interim(self, asked: Send, event: Informational) -> Notes:  # noqa: ARG002  # for those that read it
        """Take in a 1xx: neither plain HTTP nor tus gives one a meaning, and 100 is the transport's."""
        return ()

    def _joined(self, event: Joined) -> tuple[Notes, State]:
        """Take in how the parts of a ``Fork`` ended; only machines that fork are told."""
        raise NotImplementedError(event)

    @abstractmethod
    def _request(self) -> Send | Fork:
        """Return the request that the state asks for, or the parts to run."""

    @abstractmethod
    def _take(self, asked: Send, answer: Answer) -> tuple[Notes, State]:
        """Look *answer* up in the machine's table; return the notes and the state that follows."""

    # What handlers are made of.

    def _finish(self, location: str | None) -> None:
        self._state, self._end = State.DONE, Done(location)

    def _fail(self, why: str) -> Notes:
        self._state, self._end = State.FAILED, Failed(why)
        return ()

    def _broken(self, breach: Breach) -> Notes:
        self._fail(f"the server broke a rule ({breach.rule}): {breach.evidence}")
        return (breach,)

    def _refuse(self, asked: Send, answer: Answer) -> Notes:
        place = field(answer.headers, "location")
        hint = f" and points to {place[:200]}; redirects are not followed" if place else ""
        return self._fail(f"{asked.method} was answered {answer.words}{hint}")

    def _back_off(self, asked: Send, answer: Answer) -> Notes:
        return self._rest(self._backoff.failed(retry_after(answer.headers)), asked, answer)

    def _blocked(self, asked: Send, answer: Answer) -> Notes:
        return self._rest(self._backoff.blocked(retry_after(answer.headers)), asked, answer)

    def _rest(self, pause: Wait, asked: Send, answer: Answer) -> Notes:
        if self._backoff.exhausted():
            tries = self._backoff.failures
            return self._fail(
                f"no progress in {tries} attempts in a row; the last, {asked.method}: {answer.words}"
            )
        self._pause = pause
        return ()
