"""Addresses as people and protocols write them: HOST:PORT, [IPV6]:PORT. Pure: no name is looked up."""

from __future__ import annotations

import ipaddress
import re

from simulator.links.engine import Address

_HOST = re.compile(r"[^\s\[\]@/?#:]+\Z")  # a name or an IPv4 number; what resolves is for others to say


def parse_address(text: str, default_port: int | None = None, *, least: int = 1) -> Address:
    """Return host and port of ``"HOST:PORT"``; an IPv6 host stands in brackets (RFC 3986, section 3.2.2).

    The port is at *least* 1, or 0 where that stands for a free one. Raises ``ValueError``, in words
    that follow the name of what was parsed.
    """
    host, port = _split(text)
    if host.startswith("["):
        host = _bracketed(host)
    elif ":" in host:
        raise ValueError("has an IPv6 host without brackets: write [HOST]:PORT")
    elif not _HOST.match(host):
        raise ValueError("has no host before its port" if not host else "is not HOST:PORT")
    if not port and default_port is not None:
        return host, default_port
    return host, parse_port(port, least)


def parse_port(text: str, least: int = 1) -> int:
    """Return the port in *text*, *least* to 65535. Raises ``ValueError`` as ``parse_address`` does."""
    if not text:
        raise ValueError("has no port: write HOST:PORT")
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and least <= int(text) < 65536):
        raise ValueError(f"has a port that is no number from {least} to 65535")
    return int(text)


def address_text(address: Address) -> str:
    """Return ``"HOST:PORT"``, with an IPv6 host in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_number(host: str) -> bool:
    """Whether *host* is an IPv4 or IPv6 number."""
    return _number(host) is not None


def is_loopback(host: str) -> bool:
    """Whether the number *host* is this machine's loopback: 127.0.0.0/8, ::1 or 127.0.0.0/8 inside IPv6."""
    number = _number(host)
    mapped = getattr(number, "ipv4_mapped", None)
    return number is not None and (mapped or number).is_loopback


def is_any(host: str) -> bool:
    """Whether the number *host* stands for all addresses of this machine."""
    number = _number(host)
    return number is not None and number.is_unspecified


def _split(text: str) -> tuple[str, str]:
    """Return host and port, either of them empty when it is missing."""
    if text.endswith("]") or ":" not in text:
        return text, ""
    host, _, port = text.rpartition(":")
    return host, port


def _bracketed(host: str) -> str:
    number = host[1:-1]
    if not host.endswith("]") or not isinstance(_number(number), ipaddress.IPv6Address):
        raise ValueError("has brackets around what is no IPv6 address")
    return number


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
