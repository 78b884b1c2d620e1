"""What a client decides and a protocol does not: one policy for all arms.

So only the protocol differs between them. Precedents: the back-off is tus-js-client's
``retryDelays`` (0, 1, 3, 5 s), begun again whenever the offset grew; the rest of the table of known
clients differs too much for one rule, so every figure is an option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from simulator.errors import UsageError
from simulator.protocols.machine import Wait
from simulator.records import Why


@dataclass(frozen=True)
class Policy:
    """Time-outs in seconds, back-off and piece size. ``piece`` of None sends all that is left at once.

    ``retries`` bounds the attempts without progress in a row; None leaves that to the deadline.
    ``jitter`` is the share of a back-off that is drawn (0 none, 1 from zero to the whole).
    """

    connect_timeout: float = 5.0
    stall_timeout: float = 5.0
    backoff: tuple[float, ...] = (0.0, 1.0, 3.0, 5.0)
    jitter: float = 0.2
    retries: int | None = None
    piece: int | None = None
    blocked_wait: float = 1.0  # after 423, 409, 429 or 503 without Retry-After

    def __post_init__(self) -> None:
        """Refuse, with ``UsageError``, what would never send or wait backwards."""
        if self.piece is not None and self.piece < 1:
            raise UsageError(
                f"a piece of {self.piece} bytes sends nothing", where="piece", mend="1 byte or more"
            )
        waits = (self.connect_timeout, self.stall_timeout, self.blocked_wait, *self.backoff)
        if min(waits) < 0 or not 0 <= self.jitter <= 1:
            mend = "waits of 0 s or more, jitter from 0 to 1"
            raise UsageError("the policy waits less than nothing", where="policy", mend=mend)

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as plain JSON types."""
        return {**asdict(self), "backoff": list(self.backoff)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Policy:
        """Return the policy that ``to_dict`` wrote."""
        return cls(**{**data, "backoff": tuple(data["backoff"])})


class Backoff:
    """The waits of one upload. ``noise`` (0 to 1, one after another) makes the jitter; none, no jitter."""

    def __init__(self, policy: Policy, noise: tuple[float, ...] = (0.0,)) -> None:
        self._policy = policy
        self._noise = noise
        self._drawn = 0
        self.failures = 0  # attempts without progress in a row

    def progressed(self) -> None:
        """Begin the sequence again: the offset grew."""
        self.failures = 0

    def exhausted(self) -> bool:
        """Return whether the policy's retries are used up."""
        return self._policy.retries is not None and self.failures > self._policy.retries

    def failed(self, retry_after: float | None = None) -> Wait:
        """Count one attempt without progress and return the wait before the next."""
        delays = self._policy.backoff
        delay = delays[min(self.failures, len(delays) - 1)] if delays else 0.0
        self.failures += 1
        if retry_after is not None:
            return Wait(retry_after, Why.RETRY_AFTER)
        return Wait(self._jittered(delay), Why.BACKOFF)

    def blocked(self, retry_after: float | None = None) -> Wait:
        """Return the wait after an answer that refuses for now; it is not a failure of the link."""
        self.failures += 1
        return Wait(self._policy.blocked_wait if retry_after is None else retry_after, Why.BLOCKED)

    def _jittered(self, delay: float) -> float:
        noise = self._noise[self._drawn % len(self._noise)]
        self._drawn += 1
        return delay * (1 - self._policy.jitter * noise)
