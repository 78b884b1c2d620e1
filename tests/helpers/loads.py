"""Processes that push bytes and count them, so that a measurement does not share an interpreter's lock."""

from __future__ import annotations

import multiprocessing
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

Address = tuple[str, int]
PIECE = 64 * 1024  # bytes that either end moves at a time, as simsim's clients do
_SCHEDULED = 2  # CPUCLOCK_SCHED of linux/posix-timers_types.h
_FORK = multiprocessing.get_context("fork")


@contextmanager
def process(work: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """Run *work(pipe, ...)* in a process of its own; yield the other end of the pipe."""
    ours, theirs = _FORK.Pipe()
    child = _FORK.Process(target=work, args=(theirs, *arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        yield ours
    finally:
        child.kill()
        child.join()
        ours.close()


def swallow(pipe: Connection, marks: bool = True) -> None:
    """Accept and count; say the address, then all (instant, bytes) marks by connection when asked."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    pipe.send(listener.getsockname())
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    poll.register(pipe.fileno(), select.EPOLLIN)
    socks: dict[int, socket.socket] = {}
    counted: list[list[tuple[float, int]]] = []
    by_fd: dict[int, list[tuple[float, int]]] = {}
    buffer = memoryview(bytearray(PIECE))
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                sock, _ = listener.accept()
                socks[sock.fileno()] = sock
                by_fd[sock.fileno()] = []
                counted.append(by_fd[sock.fileno()])
                poll.register(sock.fileno(), select.EPOLLIN)
            elif fd == pipe.fileno():
                pipe.recv()
                pipe.send(counted)
            else:
                _count(poll, socks, by_fd[fd] if marks else None, fd, buffer)


def _count(
    poll: select.epoll,
    socks: dict[int, socket.socket],
    marks: list[tuple[float, int]] | None,
    fd: int,
    buffer: memoryview,
) -> None:
    try:
        n = socks[fd].recv_into(buffer)
    except OSError:
        n = 0
    if not n:
        poll.unregister(fd)
        socks.pop(fd).close()
    elif marks is not None:
        marks.append((time.monotonic(), n))


def push(pipe: Connection, addresses: Sequence[Address], send_buffer: int | None, seconds: float) -> None:
    """Send to all *addresses* as fast as they take it, for *seconds*; then say how much was accepted."""
    socks = [_dial(address, send_buffer) for address in addresses]
    poll = select.epoll()
    by_fd = {sock.fileno(): sock for sock in socks}
    for fd in by_fd:
        poll.register(fd, select.EPOLLOUT)
    data, accepted, end = bytes(PIECE), 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for fd, _ in poll.poll(left):
            try:
                accepted += by_fd[fd].send(data)
            except BlockingIOError:
                pass
            except OSError:
                poll.unregister(fd)
    pipe.send(accepted)
    time.sleep(3600)


def _dial(address: Address, send_buffer: int | None) -> socket.socket:
    sock = socket.socket()
    if send_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        sock.setsockopt(socket.IPPROTO_TCP, 25, send_buffer)  # TCP_NOTSENT_LOWAT
    sock.connect(address)
    sock.setblocking(False)
    return sock


def counted(pipe: Connection, begin: float, end: float) -> list[list[tuple[float, int]]]:
    """Return the marks that ``swallow`` made between two instants, by connection."""
    pipe.send(None)
    return [[mark for mark in each if begin <= mark[0] < end] for each in pipe.recv()]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that process *pid* has used, user and kernel, with threads that are gone.

    From the process's own clock, in nanoseconds: the clock ticks of /proc/PID/stat are coarse and miss
    what a timer woke. Linux makes the clock's id of the process's: clock_getcpuclockid(3).
    """
    return time.clock_gettime(~pid << 3 | _SCHEDULED)


def quantile(values: Sequence[float], q: float) -> float:
    """Return the value below which the share *q* of *values* lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
