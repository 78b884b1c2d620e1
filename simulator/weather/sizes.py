"""How large the uploads are: ``"3 MB"``, ``"1 MB..5 MB"``, ``"lognormal(3 MB, 0.5)"``."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.rng import rng
from simulator.units import parse_size
from simulator.weather.spreads import Spread, parse_spread

MAX_SIZE = 10**12  # bytes; beyond it a run would not end within a day on any shipped profile


@dataclass(frozen=True)
class Sizes:
    """The sizes of uploads, in bytes."""

    spread: Spread

    @property
    def typical(self) -> int:
        """Return the median size in bytes."""
        return self._bytes(0.5)

    def draw(self, seed: int, profile: str, user: int, upload: int) -> int:
        """Return the size in bytes of one upload of one user of the profile named *profile*."""
        return self._bytes(rng(seed, profile, user, f"size/{upload}").random())

    def _bytes(self, u: float) -> int:
        return min(MAX_SIZE, max(1, round(self.spread.at(u))))


def parse_sizes(text: str) -> Sizes:
    """Return the sizes that *text* says. Raises ``ValueError`` with what would be right."""
    spread = parse_spread(text, parse_size)
    largest = spread.second if spread.shape == "range" else spread.first
    if largest > MAX_SIZE:
        raise ValueError(f"'{text}' is out of reach; sizes go up to 1 TB (1000 GB)")
    return Sizes(spread)
