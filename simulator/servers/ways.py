"""Where to ask for what a server says lies at some URL: a ``Location`` need not lead to its server.

A link leads to one server, so a URL is one of four:

    target     at the target's own origin                   asked for as it is
    alias      another name of the same address and port    asked for as it is, under that name
    inside     the server's own idea of where it is         asked for at the target's origin
    elsewhere  another server                               not asked for

*Inside* are another scheme or port at the same address, a name that does not resolve here, and an
address that is nearer to the server than to its clients: loopback seen from outside, private from
the internet.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from simulator.protocols.fields import origin

_LOOPBACK, _PRIVATE, _GLOBAL = range(3)


class Leads(Enum):
    """Where a URL leads, seen from the target."""

    TARGET = "target"
    ALIAS = "alias"
    INSIDE = "inside"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Way:
    """Where a URL leads, and the URL to ask for instead (the same one, but for what lies inside)."""

    leads: Leads
    url: str


class Ways:
    """The ways of one target, by the absolute http(s) URL of its endpoint."""

    def __init__(self, endpoint: str) -> None:
        self._origin = origin(endpoint)
        self._place = urlsplit(endpoint)[:2]  # scheme, and host with port

    def to(self, url: str) -> Way:
        """Return the way to *url*, an absolute http(s) URL; a name may have to be looked up, once.

        Raises ``UnicodeError`` for a host that is no name.
        """
        leads = self._leads(origin(url))
        return Way(leads, urlunsplit((*self._place, *urlsplit(url)[2:])) if leads is Leads.INSIDE else url)

    def _leads(self, there: tuple[str, str, int]) -> Leads:
        if there == self._origin:
            return Leads.TARGET
        scheme, host, port = self._origin
        theirs, ours = addresses(there[1]), addresses(host)
        if theirs & ours and (there[0], there[2]) == (scheme, port):
            return Leads.ALIAS
        if there[1] == host or theirs & ours or _within(theirs, ours):
            return Leads.INSIDE
        return Leads.ELSEWHERE


@lru_cache(maxsize=1024)
def addresses(host: str) -> frozenset[str]:
    """Return the addresses of *host* as numbers; none for a name that does not resolve here.

    Raises ``UnicodeError`` for what IDNA does not allow as a name.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(str(row[4][0]).partition("%")[0] for row in found)


def _within(theirs: frozenset[str], ours: frozenset[str]) -> bool:
    """Return whether what is at *theirs* can be reached from *ours* but from no client of ours."""
    furthest = max(map(_reach, theirs), default=_LOOPBACK)
    nearest = min(map(_reach, ours), default=_GLOBAL)
    return not theirs or furthest < nearest or furthest == nearest == _LOOPBACK


def _reach(address: str) -> int:
    number = ipaddress.ip_address(address)
    number = getattr(number, "ipv4_mapped", None) or number
    return _LOOPBACK if number.is_loopback else _GLOBAL if number.is_global else _PRIVATE
