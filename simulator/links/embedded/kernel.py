"""What the engine asks of the Linux kernel: socket options, queue lengths, ends of connections."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import sys
from types import FrameType
from typing import Any

SIOCOUTQ = 0x5411  # linux/sockios.h: bytes not acknowledged, sent or not
SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes not sent
PR_SET_PDEATHSIG, PR_SET_TIMERSLACK = 1, 29  # linux/prctl.h
LINGER_RESET = struct.pack("ii", 1, 0)
BACKLOG = 1024
ANY_SEGMENT = 0  # for TCP_MAXSEG: what the route allows


def unacknowledged(sock: socket.socket) -> int:
    """Return the bytes in the send queue that the peer's kernel has not acknowledged."""
    return _queue(sock, SIOCOUTQ)


def unsent(sock: socket.socket) -> int:
    """Return the bytes in the send queue that were not sent: on loopback, those the peer has not got."""
    return _queue(sock, SIOCOUTQNSD)


def send_reset(sock: socket.socket) -> None:
    """Close with RST at once. The peer still reads what its kernel holds, then sees ECONNRESET."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    sock.close()


def send_fin(sock: socket.socket) -> bool:
    """Send FIN after what is queued; return False when the peer is already gone."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True


def family(host: str) -> socket.AddressFamily:
    """Return the address family of the number *host*."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def bind_for_good(host: str, port: int = 0) -> socket.socket:
    """Return a socket bound to *port* of *host* that it keeps through every shutdown and listen().

    A port that the kernel chose (*port* 0) is given back at the shutdown; one that was asked for by
    number is not. SO_REUSEADDR lets listen() succeed again beside the connections that were accepted
    before. Raises ``OSError`` when the address cannot be had.
    """
    if port:
        return _bound((host, port), socket.SO_REUSEADDR)
    with _bound((host, 0), socket.SO_REUSEPORT) as scout:
        sock = _bound(scout.getsockname(), socket.SO_REUSEPORT, socket.SO_REUSEADDR)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
    return sock


def _bound(address: tuple[Any, ...], *options: int) -> socket.socket:
    sock = socket.socket(family(address[0]))
    try:
        for option in options:
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def limit_segments(listener: socket.socket, segment: int | None) -> None:
    """Set TCP_MAXSEG. The kernel forgets it when a listener is shut down, so do it before each listen()."""
    if segment is not None:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)


def size_buffers(sock: socket.socket, receive: int, send: int) -> None:
    """Fix the socket's buffers, which ends the kernel's own tuning. Before listen() or connect()."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send)


def send_promptly(sock: socket.socket) -> None:
    """Switch Nagle's algorithm off: the link decides when bytes move."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def allow_many_files() -> None:
    """Raise the limit of open files as far as the process may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def wake_sharply() -> None:
    """Do without what makes a sleeper wake late: 50 us of timer slack, and a niced parent's niceness."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:  # only root may take back niceness: start the engine before the load is niced
        pass


def die_with(parent: int) -> None:
    """End this process when the process *parent* is gone, however it went.

    The kernel signals when the *thread* that forked ends, so the handler looks whether the
    process is really gone.
    """

    def look(_signal: int, _frame: FrameType | None) -> None:
        if os.getppid() != parent:
            sys.exit(0)

    signal.signal(signal.SIGUSR1, look)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
    if os.getppid() != parent:  # it went before the kernel was asked
        sys.exit(0)


def _queue(sock: socket.socket, request: int) -> int:
    try:
        return int(struct.unpack("i", fcntl.ioctl(sock, request, b"\0\0\0\0"))[0])
    except OSError:  # the socket never connected
        return 0
