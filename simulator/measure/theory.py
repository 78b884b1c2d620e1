"""Closed forms that a run is checked against.

Failures come as a Poisson process, at ``rate_per_byte`` for each byte carried or at ``rate_per_s``
for each second of carrying. Sizes in bytes, times in seconds, speeds in B/s. Restart-from-zero
times are heavy-tailed when sizes are (Asmussen, Fiorini, Lipsky, Rolski and Sheahan, "Asymptotic
behavior of total times for jobs that must start over if a failure occurs", Mathematics of
Operations Research 33, 2008), so a mean alone never describes them.
"""

from __future__ import annotations

import math


def restart_amplification(rate_per_byte: float, size: float) -> float:
    """Return E[C]/P = (e^(lP) - 1)/(lP) of an upload that begins again from zero at each failure.

    From the renewal argument for repeat-different failures (Castillo and Siewiorek 1980; the mean
    of Asmussen et al. 2008 with a fixed task): E[C] = (e^(lP) - 1)/l. 1 where nothing fails, inf
    where the power is beyond a float.
    """
    exposure = rate_per_byte * size
    return _growth(exposure) / exposure if exposure > 0 else 1.0


def restart_mean_time(rate_per_s: float, reconnect_s: float, ideal_s: float) -> float:
    """Return E[T] = (1/l + d)(e^(l T0) - 1), seconds, of an upload that begins again from zero.

    ``ideal_s`` is T0, the time without failures; each failure costs ``reconnect_s`` (d) more, in
    which nothing fails. It is the same renewal argument: e^(l T0) - 1 failures are expected.
    """
    if rate_per_s <= 0:
        return ideal_s
    return (1 / rate_per_s + reconnect_s) * _growth(rate_per_s * ideal_s)


def resume_amplification_bound(rate_per_byte: float, loss_bytes: float) -> float:
    """Return C/P = 1/(1 - l w) of an upload that loses ``loss_bytes`` (w) at each failure.

    C = P + w l C, since each of the C bytes carried fails at rate l and each failure has w bytes
    carried again. inf where l w >= 1: each failure then costs more than the gap between two.
    """
    share = rate_per_byte * loss_bytes
    return 1 / (1 - share) if share < 1 else math.inf


def resume_mean_time(rate_per_s: float, reconnect_s: float, loss_s: float, ideal_s: float) -> float:
    """Return E[T] = T0 (1 + l (d + w/r)), seconds, to first order in l; ``loss_s`` is w/r."""
    return ideal_s * (1 + rate_per_s * (reconnect_s + loss_s))


def optimal_chunk(rate_per_s: float, overhead_s: float, bytes_per_s: float) -> float:
    """Return the piece size r sqrt(2 d / l), bytes, that finishes soonest when a cut piece is lost whole.

    Each piece costs ``overhead_s`` (d) more. J. W. Young, "A first order approximation to the optimum
    checkpoint interval", CACM 17(9), 1974: the interval is sqrt(2 d / l). inf where nothing fails.
    """
    return bytes_per_s * math.sqrt(2 * overhead_s / rate_per_s) if rate_per_s > 0 else math.inf


def optimal_chunk_daly(rate_per_s: float, overhead_s: float, bytes_per_s: float) -> float:
    """Return the same optimum, bytes, to a higher order, good where pieces fail often.

    J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps",
    Future Generation Computer Systems 22(3), 2006, equation 37: with M = 1/l the mean time between
    failures, sqrt(2 d M) (1 + sqrt(d / 2M) / 3 + (d / 2M) / 9) - d for d < 2M, and M beyond.
    """
    if rate_per_s <= 0:
        return math.inf
    mean = 1 / rate_per_s
    if overhead_s >= 2 * mean:
        return bytes_per_s * mean
    share = overhead_s / (2 * mean)
    interval = math.sqrt(2 * overhead_s * mean) * (1 + math.sqrt(share) / 3 + share / 9) - overhead_s
    return bytes_per_s * interval


def _growth(exposure: float) -> float:
    """Return e^x - 1; inf where that is beyond a float."""
    try:
        return math.expm1(exposure)
    except OverflowError:
        return math.inf
