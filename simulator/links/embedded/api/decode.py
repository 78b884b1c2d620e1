"""Bodies of requests, as toxiproxy's decoder (Go's encoding/json) reads them.

Names of fields match whatever their case, null leaves the default, unknown fields are ignored, and
what follows the first value is not looked at. Numbers are kept as they were written until a field
says what it wants: 100.0 and 1e2 are not whole numbers, and NaN is not JSON.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any

from simulator.links.embedded.api.refusals import bad_body

_BLANK = " \t\r\n"


@dataclass(frozen=True)
class Number:
    """A number as it was written."""

    text: str


def decode(body: bytes) -> Any:
    """Return the first value in *body*: None, bool, str, Number, list, or a dict with lower-case keys.

    Raises ``Refusal`` when there is none.
    """
    text = body.decode(errors="replace").lstrip(_BLANK)
    if not text:
        raise bad_body("EOF")
    try:
        value, _ = _DECODER.raw_decode(text)
    except RecursionError:
        raise bad_body("it nests too deep") from None
    except ValueError as error:
        raise bad_body("unexpected EOF" if _cut_short(text, error) else f"it is not JSON: {error}") from None
    return value


def fields(value: Any, where: str) -> dict[str, Any]:
    """Return the fields of an object; null has none. Raises ``Refusal`` for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_body(f"{where} must be an object, not {_called(value)}")
    return value


def text_of(given: dict[str, Any], name: str, default: str) -> str:
    """Return the text in field *name*. Raises ``Refusal`` when something else is there."""
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise bad_body(f"{name} must be a string, not {_called(value)}")
    return value


def flag_of(given: dict[str, Any], name: str, default: bool) -> bool:
    """Return the truth value in field *name*. Raises ``Refusal`` when something else is there."""
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad_body(f"{name} must be true or false, not {_called(value)}")
    return value


def whole_of(given: dict[str, Any], name: str, default: int) -> int:
    """Return the whole number in field *name*. Raises ``Refusal`` when something else is there."""
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, Number) or not value.text.lstrip("-").isdecimal() or len(value.text) > 20:
        raise bad_body(f"{name} must be a whole number, not {_called(value)}")
    return int(value.text)


def real_of(given: dict[str, Any], name: str, default: float) -> float:
    """Return the finite number in field *name*. Raises ``Refusal`` when something else is there."""
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, Number) or not math.isfinite(float(value.text)):
        raise bad_body(f"{name} must be a finite number, not {_called(value)}")
    return float(value.text)


def single(value: float) -> float:
    """Return *value* as toxiproxy keeps it, a 32-bit float, in the fewest digits that tell it apart."""
    kept = struct.unpack("f", struct.pack("f", value))[0]
    for digits in range(1, 10):
        short = float(f"{kept:.{digits}g}")
        if struct.pack("f", short) == struct.pack("f", kept):
            return short
    return float(kept)


def _cut_short(text: str, error: ValueError) -> bool:
    """Whether *text* could have gone on to be JSON."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    rest = text[error.pos :].strip(_BLANK)
    in_word = any(word.startswith(rest) for word in ("null", "true", "false", "-"))
    return in_word or error.msg.startswith("Unterminated string")


def _folded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.lower(): value for name, value in pairs}


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON value")


def _called(value: Any) -> str:
    if isinstance(value, Number):
        return f"the number {value.text[:40]}"
    return {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}[type(value)]


_DECODER = json.JSONDecoder(
    object_pairs_hook=_folded, parse_int=Number, parse_float=Number, parse_constant=_refuse
)
