"""What people type on the command line, parsed with a clear word when it cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.errors import UsageError
from simulator.units import parse_duration, parse_size

if TYPE_CHECKING:
    from simulator.links.engine import Address


def duration(text: str | None, option: str) -> float | None:
    """Return seconds for ``"60 s"``, None for None. Raises ``UsageError`` naming *option*."""
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), where=option, mend=f"for example {option} '60 s'") from error


def size(text: str | None, option: str) -> int | None:
    """Return bytes for ``"1 MB"``, None for None. Raises ``UsageError`` naming *option*."""
    if text is None:
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        raise UsageError(str(error), where=option, mend=f"for example {option} '1 MB'") from error


# What every request has from its transport (RFC 9110, 7.6.1 and 7.8; RFC 9112, 6) or its protocol.
_OWN = {
    "the transport": (
        "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade",
    ),
    "the protocol": (
        "Content-Disposition", "Content-Type", "Tus-Resumable", "Upload-Concat", "Upload-Defer-Length",
        "Upload-Length", "Upload-Metadata", "Upload-Offset",
    ),
    "the swarm, for the hop,": ("Simsim-Upload",),
}  # fmt: skip
_SETTER = {name.lower(): setter for setter, names in _OWN.items() for name in names}


def headers(lines: list[str]) -> tuple[tuple[str, str], ...]:
    """Return (name, value) of each ``"Name: value"``.

    Raises ``UsageError`` for a line that is not one, and for a header that simsim sets itself.
    """
    pairs = []
    for line in lines:
        name, colon, value = line.partition(":")
        token = name.strip()
        bad = not colon or not token or not token.isascii() or any(c in ' \t()<>@,;\\"/[]?={}' for c in token)
        if bad or any(not 32 <= ord(c) < 127 and c != "\t" for c in value):
            raise UsageError(f"'{line}' is no header", where="--header", mend="write 'Name: value'")
        if token.lower() in _SETTER:
            what = f"'{token}' is set by {_SETTER[token.lower()]} of each request"
            raise UsageError(what, where="--header", mend="leave it out")
        pairs.append((token, value.strip()))
    return tuple(pairs)


def place(text: str, option: str) -> tuple[str, int]:
    """Return the numeric address and port of ``"HOST:PORT"``. Raises ``UsageError`` naming *option*."""
    from simulator.links.addresses import parse_address

    try:
        host, port = parse_address(text, least=0)
    except ValueError as error:
        what, mend = f"'{text}' is no address: it {error}", f"for example {option} 127.0.0.1:8080"
        raise UsageError(what, where=option, mend=mend) from error
    return numeric(host, option), port


def numeric(host: str, option: str) -> str:
    """Return the address of *host*, IPv4 if it has one. Raises ``UsageError`` naming *option*."""
    return numbers(host, option)[0][0]


def numbers(host: str, option: str) -> tuple[Address, ...]:
    """Return all addresses of *host*, those of IPv4 first. Raises ``UsageError`` naming *option*."""
    from simulator.links.names import resolve

    try:
        return resolve(host, 0)
    except OSError as error:
        what = f"'{host[:80]}' has no address: {error.strerror or error}"
        raise UsageError(what, where=option) from error


def without_secrets(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return a command's words with the values of headers left out: the report is there to be shared."""
    shown: list[str] = []
    for n, word in enumerate(arguments):
        value = word.startswith("--header=") or (n > 0 and arguments[n - 1] == "--header")
        name = word.removeprefix("--header=").partition(":")[0]
        prefix = "--header=" if word.startswith("--header=") else ""
        shown.append(f"{prefix}{name}: ..." if value else word)
    return tuple(word.encode(errors="replace").decode() for word in shown)
