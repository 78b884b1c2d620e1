"""Header fields that upload protocols read and write, as values. Nothing here knows what time it is."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote, urljoin, urlsplit

from simulator.protocols.machine import Headers

FILETYPE = "application/octet-stream"

_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)  # 18 digits fit 64 bits, as every server's own counter does
_SHOWN = 80  # characters of a field that are enough to see what is wrong with it
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)  # 30 years; more is no time to wait

# RFC 9110, 5.6.7 Date/Time Formats: a recipient takes all three, so years of two digits too.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"[A-Z][a-z]{{2}}, (?P<day>\d\d) (?P<month>[A-Z][a-z]{{2}}) (?P<year>\d{{4}}) {_CLOCK} GMT",
        rf"[A-Z][a-z]{{5,8}}, (?P<day>\d\d)-(?P<month>[A-Z][a-z]{{2}})-(?P<year>\d\d) {_CLOCK} GMT",
        rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})",
    )
)


def field(headers: Headers, name: str) -> str | None:
    """Return the value of the field *name* (lower case), lines joined by a comma; None when it is absent.

    RFC 9110, 5.2 Field Lines and Combined Field Value.
    """
    lines = [value for key, value in headers if key == name]
    return ", ".join(lines) if lines else None


def listed(text: str) -> list[str]:
    """Return the members of a list (RFC 9110, 5.6.1 Lists), without blanks; empty ones are none."""
    return [item.strip() for item in text.split(",") if item.strip()]


def shown(text: str) -> str:
    """Return a field's value as evidence: quoted, and cut when it is long."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def whole_number(text: str) -> int | None:
    """Return the non-negative integer that *text* spells in ASCII digits, or None."""
    return int(text) if _DIGITS.fullmatch(text) else None


def http_date(text: str) -> datetime | None:
    """Return the instant of an HTTP-date (RFC 9110, 5.6.7 Date/Time Formats), or None when it is none."""
    match = next((found for form in _DATES if (found := form.fullmatch(text))), None)
    if match is None or match["month"] not in _MONTHS:
        return None
    month = _MONTHS.index(match["month"]) + 1
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    try:
        return datetime(_full_year(match["year"]), month, int(match["day"]), hour, minute, second, tzinfo=UTC)
    except ValueError:  # 31 February, or a leap second
        return None


def retry_after(headers: Headers) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, or None when it is absent or malformed.

    A date is measured against the answer's own ``Date``, since no clock is at hand here; without
    one it says nothing. RFC 9110, 10.2.3 Retry-After.
    """
    text = field(headers, "retry-after")
    if text is None:
        return None
    if _SECONDS.fullmatch(text):
        return float(text)
    until, now = http_date(text), http_date(field(headers, "date") or "")
    return None if until is None or now is None else max(0.0, (until - now).total_seconds())


def resolved(base: str, reference: str) -> str | None:
    """Return the absolute http(s) URL that *reference* means at *base*, or None when it means none."""
    try:
        url = urljoin(base, reference)
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an IPv6 address without its bracket, a port beyond 65535
        return None
    return url if usable and url.isprintable() and " " not in url else None


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host (lower case) and port of an absolute http(s) URL (RFC 9110, 4.3.1)."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port


def origin_text(parts: tuple[str, str, int]) -> str:
    """Return an origin as a URL without a path, an IPv6 host in brackets."""
    scheme, host, port = parts
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def metadata(pairs: Iterable[tuple[str, str]]) -> str:
    """Return keys with their values in Base64 (tus 1.0.0, Headers: Upload-Metadata)."""
    return ",".join(f"{key} {base64.b64encode(_octets(value)).decode()}" for key, value in pairs)


def content_disposition(filename: str) -> str:
    """Return the field that names a file (RFC 6266, 4.3); what is not plain ASCII goes by RFC 8187."""
    if filename.isascii() and filename.isprintable():
        escaped = filename.replace("\\", "\\\\").replace('"', '\\"')
        return f'attachment; filename="{escaped}"'
    return f"attachment; filename*=UTF-8''{quote(_octets(filename), safe='')}"


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # a file name is whatever bytes the system has


def _full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= 70 else 2000)
