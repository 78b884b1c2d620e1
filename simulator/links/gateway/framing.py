"""Between h11's events and what the core knows: heads in, heads out, and what a hop may not forward."""

from __future__ import annotations

from http import HTTPStatus

import h11

from simulator.links.gateway.verbs import BODILESS, AnswerHead, Fields, Head, Reply

MAX_HEAD = 65536  # bytes of one header block
# RFC 9110, "Connection", and RFC 9112, "Persistence": of one connection, so of no concern to the next.
_HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"upgrade"}


def request_head(event: h11.Request, host: bytes) -> Head:
    """Return a request's head as it is forwarded; *host* is for HTTP/1.0, which may have none."""
    fields = _end_to_end(tuple(event.headers.raw_items()))
    chunked = any(name.lower() == b"transfer-encoding" for name, _ in fields)
    lengths = [int(value) for name, value in event.headers if name == b"content-length"]
    if not any(name.lower() == b"host" for name, _ in fields):
        fields = ((b"Host", host), *fields)
    if chunked:  # RFC 9112, "Content-Length": must not go on beside the other
        fields = tuple(row for row in fields if row[0].lower() != b"content-length")
    length = None if chunked else (lengths[0] if lengths else 0)
    return Head(fields, event.method.decode("ascii"), event.target.decode("latin-1"), length)


def request_event(head: Head) -> h11.Request:
    """Return the event that forwards *head*."""
    return h11.Request(method=head.method, target=head.target.encode("latin-1"), headers=list(head.fields))


def answer_head(event: h11.Response | h11.InformationalResponse) -> AnswerHead:
    """Return an answer's head as it is forwarded."""
    return AnswerHead(_end_to_end(tuple(event.headers.raw_items())), event.status_code, bytes(event.reason))


def answer_event(head: AnswerHead, *, close: bool) -> h11.Response:
    """Return the event that forwards *head*, the last on its connection with *close*."""
    fields = [*head.fields, *([(b"Connection", b"close")] if close else [])]
    return h11.Response(status_code=head.status, reason=head.reason, headers=fields)


def interim_event(head: AnswerHead) -> h11.InformationalResponse:
    """Return the event that forwards the 1xx *head*."""
    return h11.InformationalResponse(status_code=head.status, reason=head.reason, headers=list(head.fields))


def head_bytes(event: h11.Response) -> bytes:
    """Return an answer's head as it is: h11 would add framing to the answer to a HEAD that has none."""
    lines = [b"HTTP/1.1 %d %s" % (event.status_code, event.reason)]
    lines += [b"%s: %s" % row for row in event.headers.raw_items()]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def reply_head(reply: Reply) -> AnswerHead:
    """Return the head of the hop's own answer."""
    length: Fields = () if reply.status in BODILESS else ((b"Content-Length", b"%d" % len(reply.body)),)
    kind: Fields = ((b"Content-Type", b"text/plain; charset=utf-8"),) if reply.body else ()
    said = {name.lower() for name, _ in reply.fields}
    defaults = tuple(row for row in kind if row[0].lower() not in said)
    return AnswerHead((*reply.fields, *defaults, *length), reply.status, reply.reason)


def own_reply(status: int, why: str) -> Reply:
    """Return an answer that no script asked for: what came cannot be forwarded."""
    return Reply(
        status, HTTPStatus(status).phrase.encode(), (), f"simsim's gateway: {why}\n".encode(), "close"
    )


def refusal(event: h11.Request) -> Reply | None:
    """Return the answer to a request that the hop cannot forward: a tunnel, or another protocol.

    ``Upgrade: h2c`` alone is passed over, as a server may (RFC 9110, "Upgrade"): some clients always
    offer it.
    """
    if event.method == b"CONNECT":
        return own_reply(501, "it is no tunnel: CONNECT is not forwarded")
    offered = b", ".join(value for name, value in event.headers if name == b"upgrade")
    asked = {word.strip().lower() for word in offered.split(b",") if word.strip()}
    if asked - {b"h2c"}:
        return own_reply(501, f"an upgrade to {offered.decode('latin-1')} is not forwarded")
    return None


def _end_to_end(fields: Fields) -> Fields:
    listed = {
        word.strip().lower()
        for name, value in fields
        if name.lower() == b"connection"
        for word in value.split(b",")
    }
    drop = _HOP_BY_HOP | (listed - {b"transfer-encoding", b"content-length", b"host"})
    return tuple(row for row in fields if row[0].lower() not in drop)
