"""Addresses as text, ``host:port``, as toxiproxy (Go's net.SplitHostPort and net.LookupPort) reads them."""

from __future__ import annotations

import ipaddress
import socket

from simulator.links.embedded.api.refusals import Refusal
from simulator.links.engine import Address
from simulator.links.names import resolve

LOOPBACK = "127.0.0.1"


def split(text: str) -> Address:
    """Return the host (which may be empty) and the port (0 where none is given).

    Raises ``Refusal`` with toxiproxy's words.
    """
    host, port = _parts(text)
    return host, _port(port)


def numeric(host: str) -> str | None:
    """Return *host* as an IP address where that needs nobody to be asked, else None."""
    if host == "localhost":
        return LOOPBACK
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def is_loopback(ip: str) -> bool:
    """Whether *ip* is an address that only this machine reaches."""
    return ipaddress.ip_address(ip).is_loopback


def look_up(host: str) -> str:
    """Return an IP address of *host*, asking whoever must be asked. Raises ``OSError`` when it has none."""
    return resolve(host, 0)[0][0]


def _parts(text: str) -> tuple[str, str]:
    """Return both parts as text. An empty address is allowed: any port of any address."""
    if not text:
        return "", ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise _wrong(text, "missing ']' in address")
        if not rest.startswith(":"):
            raise _wrong(text, "too many colons in address" if rest.find(":") > 0 else _NO_PORT)
        port = rest[1:]
    else:
        host, colon, port = text.rpartition(":")
        if not colon:
            raise _wrong(text, _NO_PORT)
    if ":" in port or (":" in host and not text.startswith("[")):
        raise _wrong(text, "too many colons in address")
    for bracket in "[]":
        if bracket in host + port:
            raise _wrong(text, f"unexpected '{bracket}' in address")
    return host, port


def _port(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not text:
        return 0
    if digits.isascii() and digits.isdecimal():
        value = int(text) if len(text) < 20 else -1
        if not 0 <= value <= 65535:
            raise _wrong(text, "invalid port")
        return value
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, ValueError, UnicodeError):
        raise Refusal(f"lookup tcp/{text}: unknown port") from None


def _wrong(text: str, why: str) -> Refusal:
    return Refusal(f"address {text}: {why}")


_NO_PORT = "missing port in address"
