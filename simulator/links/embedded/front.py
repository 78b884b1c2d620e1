"""What a client says to a proxy link before its bytes may pass: HTTP or SOCKS5. Pure: bytes in, steps out.

first byte 5   SOCKS5, RFC 1928: no authentication, CONNECT, names and both kinds of numbers
first byte 4   SOCKS4, refused in its own words
other          HTTP/1.1: CONNECT (RFC 9110, section 9.3.6), or a request in absolute-form
               (RFC 9112, section 3.2.2), which forward.py goes on with

Front.receive --> Say ...  bytes for the client
              --> Ask      dial this; then Front.granted or Front.refused has the answer
              --> Refuse   the answer to a client that cannot be served; the connection is over
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import h11

from simulator.links.addresses import is_number, parse_address, parse_port
from simulator.links.embedded import failures
from simulator.links.embedded.failures import Failure
from simulator.links.engine import Address

MOST_HEAD = 64 * 1024  # bytes of a request's head
HTTP_PORT = 80
_ABSOLUTE = re.compile(rb"http://([^/?#]*)(.*)\Z", re.IGNORECASE)
_SOCKS4_REJECTED = b"\x00\x5b" + bytes(6)
_OTHER_SCHEME = re.compile(rb"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True)
class Say:
    """Send *data* to the client."""

    data: bytes


@dataclass(frozen=True)
class Ask:
    """Dial *target*. With *forward* the client's bytes are requests that still name their target."""

    target: Address
    forward: bool = False


@dataclass(frozen=True)
class Refuse:
    """Send *data* to the client and end the connection, because of *failure*."""

    data: bytes
    failure: Failure


Step = Say | Ask | Refuse


class Unusable(Exception):
    """What the client said cannot be served, for the reason *failure*."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure


class _Dialect(Protocol):
    """One way of asking. ``steps`` takes from *said* what it has understood."""

    def steps(self, said: bytearray) -> Iterator[Step]: ...
    def granted(self, bound: Address, /) -> bytes: ...
    def refused(self, failure: Failure, /) -> bytes: ...


class Front:
    """One client's handshake. ``rest`` is what it said beyond it, and belongs to the server."""

    def __init__(self) -> None:
        self.rest = bytearray()
        self._dialect: _Dialect | None = None
        self._asked = False

    def receive(self, data: bytes) -> list[Step]:
        """Return what *data* leads to. After an ``Ask`` or a ``Refuse`` there is nothing more to do."""
        self.rest += data
        if self._asked or not self.rest:
            return []
        if self._dialect is None:
            if self.rest[0] == 4:
                self._asked = True
                return [Refuse(_SOCKS4_REJECTED, failures.SOCKS4)]
            self._dialect = _Socks5() if self.rest[0] == 5 else _Http()
        steps: list[Step] = []
        try:
            steps.extend(self._dialect.steps(self.rest))
        except Unusable as error:
            steps.append(self.refused(error.failure))
        self._asked = bool(steps) and not isinstance(steps[-1], Say)
        return steps

    def granted(self, bound: Address) -> bytes:
        """Return what tells the client that the server was reached from the address *bound*."""
        assert self._dialect is not None
        return self._dialect.granted(bound)

    def refused(self, failure: Failure) -> Refuse:
        """Return what tells the client that it gets no connection."""
        assert self._dialect is not None
        return Refuse(self._dialect.refused(failure), failure)


class _Http:
    """HTTP/1.1, read by h11. The head of a request in absolute-form stays in what was said."""

    def __init__(self) -> None:
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self._seen = 0
        self._method = b""

    def steps(self, said: bytearray) -> Iterator[Step]:
        self._parser.receive_data(bytes(said[self._seen :]))
        self._seen = len(said)
        request = next_request(self._parser)
        if request is None:
            return
        self._method = request.method
        ask = asked(request)
        if not ask.forward:
            del said[: len(said) - len(self._parser.trailing_data[0])]
        yield ask

    def granted(self, _: Address) -> bytes:
        if self._method != b"CONNECT":
            return b""  # the server answers
        return b"HTTP/1.1 200 Connection established\r\n\r\n"

    def refused(self, failure: Failure) -> bytes:
        words = f"simsim: {failure.words}\n".encode()
        lines = (
            f"HTTP/1.1 {failure.status} {failure.reason}",
            f"Proxy-Status: simsim; error={failure.error}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(words)}",
            "Connection: close",
        )
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        return head if self._method == b"HEAD" else head + words


class _Socks5:
    """SOCKS5. Two requests: the methods of authentication, then the connection."""

    def __init__(self) -> None:
        self._greeted = False

    def steps(self, said: bytearray) -> Iterator[Step]:
        if not self._greeted:
            if len(said) < 2 or len(said) < 2 + said[1]:
                return
            methods = said[2 : 2 + said[1]]
            del said[: 2 + said[1]]
            if 0 not in methods:  # section 3: X'FF', no acceptable methods, and the client closes
                yield Refuse(b"\x05\xff", failures.AUTHENTICATION)
                return
            self._greeted = True
            yield Say(b"\x05\x00")
        ask = self._request(said)
        if ask is not None:
            yield ask

    def granted(self, bound: Address) -> bytes:
        return _reply(0, bound)

    def refused(self, failure: Failure) -> bytes:
        return _reply(failure.socks, ("0.0.0.0", 0))

    def _request(self, said: bytearray) -> Ask | None:
        """Return what is asked for (section 4), or None while it is incomplete."""
        if said and said[0] != 5:
            raise Unusable(failures.MALFORMED)
        if len(said) < 5:
            return None
        _, command, _, kind, first = said[:5]
        size = {1: 4, 3: 1 + first, 4: 16}.get(kind)
        if size is None:
            raise Unusable(failures.ADDRESS_TYPE)
        end = 4 + size + 2
        if len(said) < end:
            return None
        host, port = bytes(said[4 : end - 2]), int.from_bytes(said[end - 2 : end])
        del said[:end]
        if command != 1:
            raise Unusable(failures.COMMAND)
        return Ask((_socks_host(kind, host), _port(port)))


def next_request(parser: h11.Connection) -> h11.Request | None:
    """Return the request whose head *parser* now has, or None while it is incomplete. Raises ``Unusable``."""
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError as error:
        too_long = error.error_status_hint == failures.TOO_LONG.status
        raise Unusable(failures.TOO_LONG if too_long else failures.MALFORMED) from error
    if not isinstance(event, h11.Request):
        return None
    if not event.http_version.startswith(b"1."):
        raise Unusable(failures.HTTP_VERSION)
    return event


def asked(request: h11.Request) -> Ask:
    """Return whom *request* asks a proxy for. Raises ``Unusable``."""
    if request.method == b"CONNECT":
        return Ask(_authority(request.target, None))
    absolute = _ABSOLUTE.match(request.target)
    if absolute is not None:
        return Ask(_authority(absolute[1], HTTP_PORT), forward=True)
    foreign = _OTHER_SCHEME.match(request.target)
    raise Unusable(failures.NEEDS_CONNECT if foreign else failures.NOT_FOR_US)


def origin_form(target: bytes) -> tuple[bytes, bytes]:
    """Return the authority and the origin-form of *target*, which is in absolute-form for http.

    The authority comes without user information, which is no part of a Host field (RFC 9110, 4.2.4).
    """
    absolute = _ABSOLUTE.match(target)
    assert absolute is not None
    path = absolute[2].partition(b"#")[0]
    return absolute[1].rpartition(b"@")[2], path if path.startswith(b"/") else b"/" + path


def _authority(text: bytes, default_port: int | None) -> Address:
    try:
        return parse_address(text.rpartition(b"@")[2].decode("ascii"), default_port)
    except ValueError as error:
        raise Unusable(failures.NO_TARGET) from error


def _port(number: int) -> int:
    try:
        return parse_port(str(number))
    except ValueError as error:
        raise Unusable(failures.NO_TARGET) from error


def _socks_host(kind: int, data: bytes) -> str:
    if kind != 3:
        return str(ipaddress.ip_address(data))
    try:
        host = data[1:].decode("ascii")
        return host if is_number(host) else parse_address(host, HTTP_PORT)[0]
    except ValueError as error:
        raise Unusable(failures.NO_TARGET) from error


def _reply(code: int, bound: Address) -> bytes:
    """Return a reply of RFC 1928, section 6."""
    number = ipaddress.ip_address(bound[0])
    kind = 1 if number.version == 4 else 4
    return bytes((5, code, 0, kind)) + number.packed + struct.pack("!H", bound[1])
