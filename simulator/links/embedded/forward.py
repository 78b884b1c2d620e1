"""The requests of a client that takes a link for an HTTP proxy, on their way to one server. Pure.

Each head is put from absolute-form into origin-form (RFC 9112, sections 3.2.1 and 3.2.2), without the
fields that are between client and proxy (RFC 9110, section 7.6.1). h11 reads, so that the framing of
bodies is right; they pass as they are. No Via is added, although section 7.6.3 wants one: what the
server sees shall not depend on how its client was brought onto the link.
"""

from __future__ import annotations

import h11

from simulator.links.embedded import failures
from simulator.links.embedded.failures import Failure
from simulator.links.embedded.front import MOST_HEAD, Unusable, asked, next_request, origin_form
from simulator.links.engine import Address

_OURS = {b"host", b"proxy-connection", b"proxy-authorization", b"keep-alive", b"te", b"upgrade"}
_LIFE = {b"close", b"keep-alive"}  # the options of Connection that are for the server as much as for us


class Forwarding:
    """What one client says to the server *target*.

    ``requests`` counts the heads that were passed on. The way to this server ends with a request for
    another one, of which ``elsewhere`` is all that was said so far, or with one that makes no sense,
    which ``failure`` tells.
    """

    def __init__(self, target: Address) -> None:
        self.requests = 0
        self.elsewhere = b""
        self.failure: Failure | None = None
        self._target = target
        self._parser = _parser()
        self._head = bytearray()  # of the request that is not yet known to be for this server
        self._in_body = False
        self._chunked = False

    def feed(self, data: bytes) -> bytes:
        """Return what the server shall see of *data*."""
        out = bytearray()
        if not self._in_body:
            self._head += data
        self._parser.receive_data(data)
        try:
            while self._body(out) if self._in_body else self._begin(out):
                pass
        except Unusable as error:
            self.failure = error.failure
        return bytes(out)

    def _begin(self, out: bytearray) -> bool:
        """Pass a head on; return whether there was one for this server."""
        request = next_request(self._parser)
        if request is None:
            return False
        ask = asked(request)
        if not ask.forward or ask.target != self._target:
            self.elsewhere = bytes(self._head)
            return False
        self._in_body = True
        self._head.clear()
        self.requests += 1
        self._chunked = any(name == b"transfer-encoding" for name, _ in request.headers)
        out += _rewritten(request, self._chunked)
        return True

    def _body(self, out: bytearray) -> bool:
        """Pass on a piece of the body, or its end; return whether there was one."""
        try:
            event = self._parser.next_event()
        except h11.RemoteProtocolError as error:
            raise Unusable(failures.MALFORMED) from error
        if isinstance(event, h11.Data):
            out += b"%x\r\n%b\r\n" % (len(event.data), event.data) if self._chunked else event.data
            return True
        if not isinstance(event, h11.EndOfMessage):
            return False
        if self._chunked:
            out += b"0\r\n" + _fields(event.headers.raw_items()) + b"\r\n"
        self._next_message()
        return True

    def _next_message(self) -> None:
        self._head += self._parser.trailing_data[0]
        self._in_body = False
        self._parser = _parser()
        if self._head:
            self._parser.receive_data(bytes(self._head))


def _parser() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)


def _rewritten(request: h11.Request, chunked: bool) -> bytes:
    """Return the head of *request* for its server. Of two framings the chunks win (RFC 9112, 6.3)."""
    authority, path = origin_form(request.target)
    options = _options(request)
    left_out = _OURS | options | ({b"content-length"} if chunked else set()) | {b"connection"}
    kept = [(raw, value) for raw, value in request.headers.raw_items() if raw.lower() not in left_out]
    if life := options & _LIFE:
        kept.append((b"Connection", b", ".join(sorted(life))))
    line = b"%b %b HTTP/%b\r\n" % (request.method, path, request.http_version)
    return line + _fields([(b"Host", authority), *kept]) + b"\r\n"


def _options(request: h11.Request) -> set[bytes]:
    lines = (value for name, value in request.headers if name == b"connection")
    return {option.strip().lower() for line in lines for option in line.split(b",")}


def _fields(items: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % item for item in items)
