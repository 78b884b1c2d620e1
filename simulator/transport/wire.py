"""One connected, non-blocking socket. The seam at which socket errors become httpx's."""

from __future__ import annotations

import fcntl
import socket
import ssl
import struct
import termios

import httpx

from simulator.transport.waiter import Waiter

READ, WRITE = 1, 2
# Bytes asked for at once: a loopback segment, and more than a TLS record (16 KiB), so that nothing is left
# decrypted inside OpenSSL, where no wait for the descriptor would see it.
RECEIVE = 65536
_INT = struct.Struct("i")


class Wire:
    """Sends and receives what the socket takes and has at once; ``wait`` is the only wait.

    ``send_needs`` and ``recv_needs`` (READ or WRITE) say for what to wait after either would block:
    they are crossed only in mid-TLS.
    """

    def __init__(self, sock: socket.socket, waiter: Waiter) -> None:
        self._sock = sock
        self._waiter = waiter
        self._fd = sock.fileno()
        self.port: int = sock.getsockname()[1]
        self.send_needs = WRITE
        self.recv_needs = READ
        self.closed = False

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Return how many bytes of *data* (not empty) the socket took; 0 when it would block.

        Raises ``httpx.WriteError``. gevent's SSL socket returns 0 where the standard one raises
        SSLWantWriteError, so 0 means the same here.
        """
        try:
            taken = self._sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            taken = 0
        except ssl.SSLWantReadError:
            self.send_needs = READ
            return 0
        except OSError as error:
            raise httpx.WriteError(_words(error)) from error
        self.send_needs = WRITE
        return taken

    def recv(self) -> bytes | None:
        """Return bytes, ``b""`` at the stream's end, None when it would block; raises ``httpx.ReadError``."""
        try:
            data = self._sock.recv(RECEIVE)
        except (BlockingIOError, ssl.SSLWantReadError):
            self.recv_needs = READ
            return None
        except ssl.SSLWantWriteError:
            self.recv_needs = WRITE
            return None
        except OSError as error:
            raise httpx.ReadError(_words(error)) from error
        return data

    def idle(self) -> bool:
        """Return whether there is nothing to read: no bytes (a 408, say), no end, no error.

        A plain ``recv`` asks, not a peek: TLS has none, and takes in its session tickets by the way.
        """
        try:
            return self.recv() is None
        except httpx.ReadError:
            return False

    def wait(self, events: int, timeout: float | None) -> int:
        """Wait for READ, WRITE or both; return which are ready, 0 when *timeout* seconds passed.

        Raises ``httpx.ReadError`` when the wire is closed from elsewhere meanwhile.
        """
        read, write = bool(events & READ), bool(events & WRITE)
        try:
            readable, writable = self._waiter.wait(self._fd, read, write, timeout)
        except OSError as error:
            raise httpx.ReadError(_words(error)) from error
        return (READ if readable else 0) | (WRITE if writable else 0)

    def yield_(self) -> None:
        """Let others run."""
        self._waiter.yield_()

    def unsent(self) -> int | None:
        """Return the bytes in the kernel's send queue (SIOCOUTQ), readable after a reset too."""
        if self.closed:
            return None
        answer = fcntl.ioctl(self._fd, termios.TIOCOUTQ, _INT.pack(0))
        return int(_INT.unpack(answer)[0])

    def close(self) -> None:
        """Close the socket as a client does: what the kernel has taken it still tries to deliver."""
        if self.closed:
            return
        self.closed = True
        self._waiter.forget(self._fd)
        self._sock.close()


def _words(error: OSError) -> str:
    return str(error) or type(error).__name__
