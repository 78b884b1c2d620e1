"""Making a connection: TCP to the address dialled, TLS to the host that the URL names."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from simulator.transport.exchange import DeadlinePassed
from simulator.transport.waiter import Waiter

Address = tuple[str, int]


@dataclass(frozen=True)
class Limits:
    """``timeout`` in seconds from ``started`` for TCP and TLS together; ``deadline`` is an instant."""

    started: float
    timeout: float | None
    deadline: float | None

    def left(self) -> float | None:
        """Return the seconds left, None without end; raises ``ConnectTimeout`` or ``DeadlinePassed``."""
        now = time.monotonic()
        if self.deadline is not None and now >= self.deadline:
            raise DeadlinePassed("the deadline passed while connecting")
        if self.timeout is not None and now >= self.started + self.timeout:
            raise httpx.ConnectTimeout(f"not connected after {self.timeout:g} s")
        ends = [self.deadline] if self.deadline is not None else []
        ends += [self.started + self.timeout] if self.timeout is not None else []
        return min(ends) - now if ends else None


@dataclass(frozen=True)
class Dialler:
    """Makes connections. ``send_buffer`` in bytes; None leaves the kernel's own sizing."""

    waiter: Waiter
    send_buffer: int | None = None

    def connect(self, address: Address, limits: Limits) -> socket.socket:
        """Return a connected, non-blocking socket; the addresses of a name are tried in turn.

        Raises ``httpx.ConnectError``, ``httpx.ConnectTimeout`` or ``DeadlinePassed``. The time-out
        does not cover the look-up of a name: the resolver has its own.
        """
        try:
            refusal: OSError | None = None
            for family, place in _places(address):
                try:
                    return self._connect(family, place, limits)
                except OSError as error:
                    refusal = error
            raise refusal or OSError(f"'{address[0]}' has no address")
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error

    def secure(
        self, sock: socket.socket, host: str, context: ssl.SSLContext, limits: Limits
    ) -> ssl.SSLSocket:
        """Return *sock* speaking TLS to *host* (SNI and certificate check). Closes *sock* on failure.

        Raises ``httpx.ConnectError`` with the reason, ``httpx.ConnectTimeout`` or ``DeadlinePassed``.
        """
        try:
            tls = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            self._close(sock)
            raise httpx.ConnectError(str(error)) from error
        try:
            self._handshake(tls, limits)
        except OSError as error:
            self._close(tls)
            raise httpx.ConnectError(str(error)) from error
        except BaseException:
            self._close(tls)
            raise
        return tls

    def _connect(self, family: socket.AddressFamily, place: Address, limits: Limits) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._tune(sock)
            try:
                sock.connect(place)
            except BlockingIOError:
                self._wait(sock, False, True, limits)
            _check(sock)
        except BaseException:
            self._close(sock)
            raise
        return sock

    def _tune(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.send_buffer is not None:
            # Before connect, or the kernel has sized the buffer by itself. The kernel doubles the first
            # for its bookkeeping; the second keeps the unsent part small as the window grows.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.send_buffer)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, self.send_buffer)

    def _handshake(self, tls: ssl.SSLSocket, limits: Limits) -> None:
        while True:
            try:
                tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self._wait(tls, True, False, limits)
            except ssl.SSLWantWriteError:
                self._wait(tls, False, True, limits)

    def _wait(self, sock: socket.socket, read: bool, write: bool, limits: Limits) -> None:
        while self.waiter.wait(sock.fileno(), read, write, limits.left()) == (False, False):
            pass  # limits.left() raises once the time is over

    def _close(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self.waiter.forget(sock.fileno())
        sock.close()


def _places(address: Address) -> Iterator[tuple[socket.AddressFamily, Address]]:
    host, port = address
    family = _literal(host)
    if family is not None:  # no look-up: under gevent it would go through a thread
        yield family, (host, port)
        return
    for found, _, _, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        yield found, place  # type: ignore[misc]  # of AF_INET6 it is a 4-tuple, which connect takes


def _literal(host: str) -> socket.AddressFamily | None:
    try:
        return socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        return None


def _check(sock: socket.socket) -> None:
    failure = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if failure:
        raise OSError(failure, os.strerror(failure))
    if sock.getsockname() == sock.getpeername():
        # A closed port in the ephemeral range may be drawn as our own: TCP then opens to itself.
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
