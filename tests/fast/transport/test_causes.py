"""Every exception of the transport has its cause, or is no interruption."""

from __future__ import annotations

import errno
import ssl

import httpx
import pytest

from simulator.records import Cause
from simulator.transport import DeadlinePassed, cause_of


def because(error: Exception, reason: Exception) -> Exception:
    error.__cause__ = reason
    return error


def os_error(number: int) -> OSError:
    return OSError(number, errno.errorcode[number])


ROWS = [
    ("deadline", DeadlinePassed(""), Cause.DEADLINE),
    ("connect time-out", httpx.ConnectTimeout(""), Cause.CONNECT_TIMEOUT),
    ("read stall", httpx.ReadTimeout(""), Cause.STALLED),
    ("write stall", httpx.WriteTimeout(""), Cause.STALLED),
    ("refused", because(httpx.ConnectError(""), os_error(errno.ECONNREFUSED)), Cause.REFUSED),
    ("reset while connecting", because(httpx.ConnectError(""), os_error(errno.ECONNRESET)), Cause.REFUSED),
    ("unreachable", because(httpx.ConnectError(""), os_error(errno.ENETUNREACH)), Cause.REFUSED),
    (
        "no answer to SYN",
        because(httpx.ConnectError(""), os_error(errno.ETIMEDOUT)),
        Cause.CONNECT_TIMEOUT,
    ),
    ("reset while reading", because(httpx.ReadError(""), os_error(errno.ECONNRESET)), Cause.RESET),
    ("reset while writing", because(httpx.WriteError(""), os_error(errno.ECONNRESET)), Cause.RESET),
    ("broken pipe", because(httpx.WriteError(""), os_error(errno.EPIPE)), Cause.RESET),
    ("TCP gave up", because(httpx.ReadError(""), os_error(errno.ETIMEDOUT)), Cause.STALLED),
    ("ended in mid-answer", because(httpx.RemoteProtocolError(""), EOFError()), Cause.CLOSED),
    ("not HTTP", httpx.RemoteProtocolError(""), Cause.PROTOCOL),
    ("TLS cut off", because(httpx.ReadError(""), ssl.SSLEOFError(8, "EOF")), Cause.CLOSED),
    ("TLS cut off in the handshake", because(httpx.ConnectError(""), ssl.SSLEOFError()), Cause.REFUSED),
    ("TLS garbled", because(httpx.ReadError(""), ssl.SSLError(1, "bad record mac")), Cause.PROTOCOL),
    ("not TLS", because(httpx.ConnectError(""), ssl.SSLError(1, "wrong version")), Cause.PROTOCOL),
    ("wrong certificate", because(httpx.ConnectError(""), ssl.SSLCertVerificationError()), None),
    ("out of descriptors", because(httpx.ConnectError(""), os_error(errno.EMFILE)), None),
    ("out of ports", because(httpx.ConnectError(""), os_error(errno.EADDRNOTAVAIL)), None),
    ("our own mistake", httpx.LocalProtocolError(""), None),
    ("ftp", httpx.UnsupportedProtocol(""), None),
    ("a bug", ValueError(""), None),
    ("Ctrl-C", KeyboardInterrupt(), Cause.CANCELLED),
]


@pytest.mark.parametrize(("error", "cause"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_exception_has_its_cause(error: BaseException, cause: Cause | None) -> None:
    assert cause_of(error) is cause


def test_the_reason_is_found_further_down_the_chain() -> None:
    middle = because(RuntimeError(), os_error(errno.EMFILE))
    assert cause_of(because(httpx.ConnectError(""), middle)) is None
