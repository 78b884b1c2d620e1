"""Scripted servers on raw sockets: each connection runs one script in a thread of its own.

    def refuse(peer):
        peer.read_head()
        peer.send(b"HTTP/1.1 413 Too Large\\r\\nContent-Length: 0\\r\\n\\r\\n")
        peer.reset()

    with RawServer(refuse) as server:
        client.post(server.url, ...)

The first connection runs the first script, and so on. Leaving the block waits for the scripts and
raises what the first of them failed with; a connection too many is such a failure.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0  # no script waits longer for anything

Script = Callable[["Peer"], None]


def answer(status: str = "200 OK", body: bytes = b"", *headers: str) -> bytes:
    """Return a whole answer with a Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("ascii") + body


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(PATIENCE_S)
        self.body = 0  # body bytes read, all requests together
        self._buffer = b""

    def read_head(self) -> bytes:
        """Return the next request's head, its empty line included."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def read_body(self, length: int) -> bytes:
        """Return the next *length* bytes."""
        parts, left = [], length
        while left:
            if not self._buffer:
                self._more()
            part, self._buffer = self._buffer[:left], self._buffer[left:]
            parts.append(part)
            left -= len(part)
        self.body += length
        return b"".join(parts)

    def read_request(self) -> tuple[bytes, bytes]:
        """Return head and body of the next request; its body has a Content-Length or is empty."""
        head = self.read_head()
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        return head, self.read_body(int(lengths[0].split(b":")[1]) if lengths else 0)

    def read_until_end(self) -> int:
        """Read until the client ends or resets the connection; return how many bytes came."""
        count, self._buffer = len(self._buffer), b""
        while True:
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                return count
            if not data:
                return count
            count += len(data)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes, gap_s: float = 0.0) -> None:
        """Send *data* byte by byte."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(data)):
            self.sock.sendall(data[at : at + 1])
            time.sleep(gap_s)

    def reset(self) -> None:
        """End the connection by RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the client ended the connection in mid-request")
        self._buffer += data


class RawServer:
    """Listens on loopback. ``receive_buffer`` (bytes) bounds what the kernel takes unread."""

    def __init__(
        self,
        *scripts: Script,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> None:
        self._scripts = scripts
        self._tls = tls
        self._failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.refused_handshakes = 0  # of TLS, by the client
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            # Loopback segments are 64 KiB: a small buffer bounds nothing without small segments.
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
        self._listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self._listener.listen(128)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    @property
    def url(self) -> str:
        """The root of this server by its own address."""
        host, port = self.address
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(PATIENCE_S)
        self._listener.close()
        for thread in self._threads:
            thread.join(2 * PATIENCE_S)
        if error is None and self._failures:
            raise self._failures[0]

    def join(self, number: int) -> None:
        """Wait until script *number* is over and its connection closed."""
        self._threads[number].join(PATIENCE_S)
        assert not self._threads[number].is_alive()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return  # shut down
            number, self.connections = self.connections, self.connections + 1
            thread = threading.Thread(target=self._run, args=(number, sock), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, number: int, sock: socket.socket) -> None:
        secured: socket.socket | None = None
        try:
            if number >= len(self._scripts):
                raise AssertionError(f"connection {number + 1}, with {len(self._scripts)} scripts")
            secured = self._secured(sock)
            if secured is not None:
                self._scripts[number](Peer(secured))
        except BaseException as error:  # raised again by the thread that owns the server
            self._failures.append(error)
        finally:
            (secured or sock).close()

    def _secured(self, sock: socket.socket) -> socket.socket | None:
        if self._tls is None:
            return sock
        try:
            return self._tls.wrap_socket(sock, server_side=True)
        except (ssl.SSLError, ConnectionError):
            self.refused_handshakes += 1
            return None
