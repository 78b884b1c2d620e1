"""The types of a profile's figures: text with a unit in the file, seconds, bit/s or bytes in memory.

Each is written back exactly: reading what was written gives the same number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from simulator.units import (
    format_duration,
    format_rate,
    format_size,
    parse_duration,
    parse_rate,
    parse_size,
)
from simulator.weather.spreads import Spread, parse_spread

MAX_RATE = 10e9  # bit/s; what loopback can be asked to be
MAX_SECONDS = 86400.0
MAX_QUEUE = 10**9


class Refused(ValueError):
    """A value that cannot be used. ``mend`` says what would be right, ``key`` where, if not here."""

    def __init__(self, what: str, mend: str = "", key: str = "") -> None:
        super().__init__(what)
        self.mend = mend
        self.key = key


def duration_text(seconds: float) -> str:
    """Return *seconds* as text that reads back exactly."""
    short = format_duration(seconds) if seconds else "0 s"
    return short if parse_duration(short) == seconds else f"{float(seconds)!r} s"


def rate_text(bit_s: float | None) -> str:
    """Return a rate as text that reads back exactly."""
    short = format_rate(bit_s)
    return short if parse_rate(short) == bit_s else f"{bit_s!r} bit/s"


def size_text(nbytes: int) -> str:
    """Return a size as text that reads back exactly."""
    binary = f"{nbytes // 1024} KiB" if nbytes and nbytes % 1024 == 0 else ""
    exact = (text for text in (format_size(nbytes), binary) if text and parse_size(text) == nbytes)
    return next(exact, f"{nbytes} B")


def _text(value: object, example: str) -> str:
    """Refuse a bare number, whose unit only its author knows."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Refused(f"{value} has no unit", f'write it as text with its unit, such as "{example}"')
    raise Refused("is not a quantity", f'write it as text with its unit, such as "{example}"')


def _rate(value: object) -> float | None:
    text = _text(value, "2 Mbit/s")
    rate = parse_rate(text)
    if rate is None:
        return None
    if rate < 1:
        raise Refused(f"'{text}' is no rate a link can have", 'at least 1 bit/s, or "unlimited"')
    if rate > MAX_RATE:
        raise Refused(f"'{text}' is out of reach", 'at most 10 Gbit/s, or "unlimited"')
    return rate


def _seconds(value: object) -> float:
    text = _text(value, "40 ms")
    seconds = parse_duration(text)
    if not 0 <= seconds <= MAX_SECONDS:
        raise Refused(f"'{text}' is out of reach", "from 0 s up to 24 h")
    return seconds


def _some_seconds(value: object) -> float:
    seconds = _seconds(value)
    if seconds < 1e-6:
        raise Refused(f"'{value}' must be more than zero", "at least 1 us")
    return seconds


def _bytes(value: object) -> int:
    text = _text(value, "64 KiB")
    size = parse_size(text)
    if size <= 0:
        raise Refused(f"'{text}' must be more than zero", 'at least "1 B"')
    return size


def _queue(value: object) -> int:
    size = _bytes(value)
    if not 1500 <= size <= MAX_QUEUE:
        raise Refused(f"'{value}' is no queue a link can have", "from 1500 B (one packet) up to 1 GB")
    return size


def _spread(value: object) -> Spread:
    return parse_spread(_text(value, "1.5 s"), _length)


def _length(text: str) -> float:
    return _seconds(text)


def _out(write: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(write, return_type=str)


BitRate = Annotated[float | None, BeforeValidator(_rate), _out(rate_text)]
Seconds = Annotated[float, BeforeValidator(_seconds), _out(duration_text)]
SomeSeconds = Annotated[float, BeforeValidator(_some_seconds), _out(duration_text)]
Bytes = Annotated[int, BeforeValidator(_bytes), _out(size_text)]
Queue = Annotated[int, BeforeValidator(_queue), _out(size_text)]
Lengths = Annotated[Spread, BeforeValidator(_spread), _out(lambda spread: spread.text)]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True)]


@dataclass(frozen=True)
class Moment:
    """When something happens: ``seconds`` after the start, or once a ``share`` of the upload is carried."""

    text: str
    seconds: float
    share: float | None = None


def _moment(value: object) -> Moment:
    text = _text(value, "20 s")
    if not text.rstrip().endswith("%"):
        return Moment(text, _seconds(text))
    try:
        percent = float(text.rstrip().removesuffix("%"))
    except ValueError:
        raise Refused(f"'{text}' is no share of an upload", 'write it as "50 %"') from None
    if not 0 < percent < 100:
        raise Refused(f"'{text}' is no place inside an upload", "more than 0 %, less than 100 %")
    return Moment(text, 0.0, percent / 100)


When = Annotated[Moment, BeforeValidator(_moment), _out(lambda moment: moment.text)]
