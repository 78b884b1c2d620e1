"""What the charts draw: rows of points made from records. Times in seconds, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """A fault in force on one link, in seconds since that link's start; an instant has until == t."""

    t: float
    until: float
    fault: str


@dataclass(frozen=True)
class Staircase:
    """Bytes the server holds of one upload against time since the link's start.

    ``points`` are (t, offset). For plain, the offset climbs with what the link carried and falls to
    zero at each interruption; for a resumable protocol it only pauses.
    """

    user: int
    arm: str
    size: int
    points: tuple[tuple[float, float], ...]
    faults: tuple[Band, ...]
    finished: float | None  # None when censored or failed


@dataclass(frozen=True)
class SurvivalCurve:
    """Share of uploads finished by t (Kaplan-Meier), with the times at which some were censored."""

    arm: str
    n: int
    times: tuple[float, ...]
    shares: tuple[float, ...]
    censored: tuple[float, ...]


@dataclass(frozen=True)
class Throughput:
    """Bytes acknowledged per bin of ``bin_s`` over the run, per arm, in B/s; and the links' states.

    ``states`` gives, per fault kind, the share of links on which it is in force in each bin.
    """

    bin_s: float
    starts: tuple[float, ...]
    rates: dict[str, tuple[float, ...]]
    states: dict[str, tuple[float, ...]]
