"""Why a client of a proxy link gets no connection, in the words of the protocols: one table. Pure.

HTTP statuses are those of RFC 9110, section 15, with the field Proxy-Status of RFC 9209 and its error
types of section 2.3; SOCKS codes are the replies of RFC 1928, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """One row. ``blame`` is whose fault it is, in the words of a connection's end."""

    status: int
    reason: str
    error: str
    socks: int
    blame: str
    words: str


_HELP = (
    "this address is a proxy of simsim: give it to a client as its HTTP or SOCKS5 proxy, "
    "or start simsim proxy with --upstream HOST:PORT"
)
_REQUEST = "http_request_error"

MALFORMED = Failure(400, "Bad Request", _REQUEST, 1, "client", "this is neither HTTP/1.1 nor SOCKS5")
NO_TARGET = Failure(400, "Bad Request", _REQUEST, 1, "client", "the target is not HOST:PORT")
NEEDS_CONNECT = Failure(400, "Bad Request", _REQUEST, 1, "client", "only http can be asked for like this")
NOT_FOR_US = Failure(421, "Misdirected Request", _REQUEST, 1, "client", _HELP)
TOO_LONG = Failure(
    431, "Request Header Fields Too Large", _REQUEST, 1, "client", "the head of the request is too long"
)
HTTP_VERSION = Failure(505, "HTTP Version Not Supported", _REQUEST, 1, "client", "only HTTP/1.1 is spoken")
COMMAND = Failure(405, "Method Not Allowed", _REQUEST, 7, "client", "of SOCKS only CONNECT is spoken")
AUTHENTICATION = Failure(
    407, "Proxy Authentication Required", _REQUEST, 1, "client", "SOCKS5 is spoken without authentication"
)
SOCKS4 = Failure(400, "Bad Request", _REQUEST, 1, "client", "SOCKS4 is not spoken: make it SOCKS5")
ADDRESS_TYPE = Failure(400, "Bad Request", _REQUEST, 8, "client", "this type of address does not exist")
REMOTE = Failure(
    403,
    "Forbidden",
    "destination_ip_prohibited",
    2,
    "client",
    "this would leave the machine: start simsim proxy with --allow-remote if that is meant",
)
LOOP = Failure(
    508, "Loop Detected", "proxy_loop_detected", 2, "client", "the target is this proxy's own address"
)
NO_NAME = Failure(502, "Bad Gateway", "dns_error", 4, "server", "the target's name has no address")
REFUSED = Failure(502, "Bad Gateway", "connection_refused", 5, "server", "the target refuses connections")
UNREACHABLE = Failure(
    502, "Bad Gateway", "destination_ip_unroutable", 3, "server", "the target cannot be reached"
)
TIMED_OUT = Failure(504, "Gateway Timeout", "connection_timeout", 6, "server", "the target does not answer")
