"""Quantities that vary, as people write them: fixed, a range, exponential or lognormal.

    "3 MB"    "1 MB..5 MB"    "exponential(1.5 s)"    "lognormal(1 s, 0.75, 6 s)"

The last, optional figure of the two distributions is a cap. A draw is the inverse of the
distribution function at one uniform number. So each draw costs exactly one number of its stream,
and the weather depends on no library's choice of algorithm (numpy may change its own, NEP 19).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from simulator.errors import did_you_mean

MAX_SIGMA = 3.0
_CALL = re.compile(r"\s*([A-Za-z_]+)\s*\(([^()]*)\)\s*")
_NORMAL = NormalDist()
_LEAST = 2.0**-54  # half the step of a uniform double: keeps the inverses finite


def normal(u: float) -> float:
    """Return the standard normal quantile of *u* (0 to 1)."""
    return _NORMAL.inv_cdf(min(max(u, _LEAST), 1 - 2 * _LEAST))


def exponential(u: float) -> float:
    """Return the unit exponential quantile of *u* (0 to 1)."""
    return -math.log1p(-min(u, 1 - 2 * _LEAST))


_QUANTILES: dict[str, Callable[[float, float, float], float]] = {
    "fixed": lambda _u, value, _: value,
    "range": lambda u, low, high: low + u * (high - low),
    "exponential": lambda u, mean, _: mean * exponential(u),
    "lognormal": lambda u, median, sigma: median * math.exp(sigma * normal(u)),
}
_USES = {
    "exponential": "exponential(mean) or exponential(mean, cap)",
    "lognormal": "lognormal(median, sigma) or lognormal(median, sigma, cap)",
}


@dataclass(frozen=True)
class Spread:
    """One varying quantity, in seconds or bytes. ``text`` is how its author wrote it."""

    text: str
    shape: str
    first: float
    second: float = 0.0
    cap: float = math.inf

    def at(self, u: float) -> float:
        """Return the quantile of *u* (0 to 1)."""
        return min(_QUANTILES[self.shape](u, self.first, self.second), self.cap)

    @property
    def median(self) -> float:
        """Return the value that half of the draws exceed."""
        return self.at(0.5)


def parse_spread(text: str, parse: Callable[[str], float]) -> Spread:
    """Return the spread that *text* says; *parse* reads one quantity. Raises ``ValueError``."""
    call = _CALL.fullmatch(text)
    if call is not None:
        return _distribution(text, call[1], [part.strip() for part in call[2].split(",")], parse)
    low, dots, high = text.partition("..")
    if dots:
        return _range(text, _positive(low, parse), _positive(high, parse))
    return Spread(text, "fixed", _positive(text, parse))


def _range(text: str, low: float, high: float) -> Spread:
    if low >= high:
        raise ValueError(f"'{text}' runs from more to less; write the smaller one first")
    return Spread(text, "range", low, high)


def _distribution(text: str, name: str, parts: list[str], parse: Callable[[str], float]) -> Spread:
    if name not in _USES:
        raise ValueError(f"'{text}' is no known distribution; {did_you_mean(name, _USES)}")
    figures = 1 if name == "exponential" else 2
    if len(parts) not in (figures, figures + 1):
        raise ValueError(f"'{text}' has too few or too many figures; write {_USES[name]}")
    first = _positive(parts[0], parse)
    sigma = _sigma(parts[1]) if name == "lognormal" else 0.0
    cap = _positive(parts[figures], parse) if len(parts) > figures else math.inf
    return Spread(text, name, first, sigma, cap)


def _positive(text: str, parse: Callable[[str], float]) -> float:
    value = parse(text.strip())
    if value <= 0:
        raise ValueError(f"'{text.strip()}' must be more than zero")
    return value


def _sigma(text: str) -> float:
    try:
        sigma = float(text)
    except ValueError:
        sigma = math.nan
    if not 0 < sigma <= MAX_SIGMA:
        raise ValueError(f"sigma '{text}' must be a number over 0, at most {MAX_SIGMA:g} (no unit)")
    return sigma
