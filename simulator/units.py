"""Units as people write them, parsed and printed in this one place.

Rates are bits per second, sizes bytes, times seconds. Prefixes k, M, G are powers of 1000 (as
networks and disks use them); Ki, Mi, Gi are powers of 1024, for sizes only.
"""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zµ/]*)\s*$")

_RATES = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}
_TIMES = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_SIZES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}


def parse_rate(text: str) -> float | None:
    """Return bits per second for text such as ``"2 Mbit/s"``; None for ``"unlimited"``."""
    if text.strip() == "unlimited":
        return None
    return _parse(text, _RATES, "a rate such as '2 Mbit/s'")


def parse_duration(text: str) -> float:
    """Return seconds for text such as ``"40 ms"``, ``"1.5 s"`` or ``"2 min"``."""
    return _parse(text, _TIMES, "a duration such as '40 ms'")


def parse_size(text: str) -> int:
    """Return bytes for text such as ``"3 MB"`` or ``"64 KiB"``."""
    return round(_parse(text, _SIZES, "a size such as '3 MB'"))


def _parse(text: str, table: dict[str, int] | dict[str, float], wanted: str) -> float:
    match = _NUMBER.match(text)
    if match is None or match[2] not in table:
        units = ", ".join(table)
        raise ValueError(f"'{text}' is not {wanted}; units: {units}")
    value = float(match[1]) * table[match[2]]
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is out of range")
    return value


def format_rate(bit_s: float | None) -> str:
    """Return ``"2 Mbit/s"`` for 2e6, ``"unlimited"`` for None."""
    if bit_s is None:
        return "unlimited"
    return _scaled(bit_s, [(1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1.0, "bit/s")])


def format_size(nbytes: float) -> str:
    """Return ``"3 MB"`` for 3e6."""
    return _scaled(nbytes, [(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")])


def format_duration(seconds: float) -> str:
    """Return ``"40 ms"`` for 0.04, ``"13.9 s"`` for 13.94."""
    if abs(seconds) >= 100:
        return f"{seconds:.0f} s"
    return _scaled(seconds, [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")])


def percent_decimals(share: float) -> int:
    """Return the decimals of a share in per cent that claim neither none nor all of what is nearly so."""
    gap = min(abs(share), abs(1 - share)) * 100
    return 0 if gap == 0 or gap >= 1 else 1 if gap >= 0.05 else 2


def ratio_decimals(value: float) -> int:
    """Return the decimals of a ratio below 10: two, or three where two would claim exactly 1."""
    return 3 if 0 < abs(value - 1) < 0.005 else 2


def _scaled(value: float, table: list[tuple[float, str]]) -> str:
    for scale, unit in table:
        if abs(value) >= scale * 0.9995:
            return f"{value / scale:.3g} {unit}"
    return f"{value / table[-1][0]:.3g} {table[-1][1]}"
