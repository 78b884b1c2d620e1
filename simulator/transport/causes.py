"""Which cause of an interruption an exception is, one table for all."""

from __future__ import annotations

import errno
import ssl

import httpx

from simulator.records import Cause
from simulator.transport.exchange import DeadlinePassed

# This machine is out of something: a fault of the load generator, never of the network.
_OURS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EADDRNOTAVAIL,
        errno.EACCES,
        errno.EPERM,
        errno.EBADF,
    }
)
_TIMED_OUT = frozenset({errno.ETIMEDOUT})  # TCP gave up (TCP_USER_TIMEOUT, or no answer to the connect)

# The first row that fits decides, so a subclass stands before its parent.
_ROWS: tuple[tuple[type[BaseException], Cause | None], ...] = (
    (DeadlinePassed, Cause.DEADLINE),
    (httpx.ConnectTimeout, Cause.CONNECT_TIMEOUT),
    (httpx.ReadTimeout, Cause.STALLED),
    (httpx.WriteTimeout, Cause.STALLED),
    (httpx.ConnectError, Cause.REFUSED),
    (httpx.ReadError, Cause.RESET),
    (httpx.WriteError, Cause.RESET),
    (httpx.RemoteProtocolError, Cause.PROTOCOL),
    (Exception, None),
    (BaseException, Cause.CANCELLED),  # KeyboardInterrupt, GreenletExit
)


def cause_of(exc: BaseException) -> Cause | None:
    """Return the cause that *exc* (of ``LinkTransport``, with its ``__cause__``) is; None if no interruption.

    None are: a wrong certificate, a request that is not HTTP, and what this machine ran out of.
    """
    cause = next(cause for kind, cause in _ROWS if isinstance(exc, kind))
    reason = _reason(exc)
    if cause is None or reason is None:
        return cause
    if isinstance(reason, EOFError):
        return Cause.CLOSED
    if isinstance(reason, ssl.SSLError):
        return _of_tls(reason, cause)
    return _of_errno(reason, cause)


def _reason(exc: BaseException) -> OSError | EOFError | None:
    link = exc.__cause__
    while link is not None and not isinstance(link, OSError | EOFError):
        link = link.__cause__
    return link


def _of_errno(reason: OSError, cause: Cause) -> Cause | None:
    if reason.errno in _OURS:
        return None
    if reason.errno in _TIMED_OUT:
        return Cause.CONNECT_TIMEOUT if cause is Cause.REFUSED else Cause.STALLED
    return cause


def _of_tls(reason: ssl.SSLError, cause: Cause) -> Cause | None:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return None
    if isinstance(reason, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return cause if cause is Cause.REFUSED else Cause.CLOSED
    return Cause.PROTOCOL
