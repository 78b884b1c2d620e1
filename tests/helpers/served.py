"""The server in the box as a process, and raw sockets to talk to it."""

from __future__ import annotations

import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 30.0


@dataclass
class Answer:
    """One answer; ``fields`` by lower-case name."""

    status: int
    fields: dict[str, str]
    content: bytes


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._stream = self.socket.makefile("rb")
        self._methods: list[str] = []

    def send(
        self, method: str, path: str, content: bytes = b"", length: int | None = None, **fields: str
    ) -> None:
        """Send a request; with *length* more content is announced than is sent."""
        named = {
            "Host": "x",
            "Tus-Resumable": "1.0.0",
            "Content-Length": str(len(content) if length is None else length),
        }
        named |= {name.replace("_", "-"): value for name, value in fields.items()}
        if method == "PATCH":
            named.setdefault("Content-Type", "application/offset+octet-stream")
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
        self._methods.append(method)
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)

    def raw(self, data: bytes, method: str = "GET") -> None:
        """Send *data* as it is; one answer to *method* is expected."""
        self._methods.append(method)
        self.socket.sendall(data)

    def answer(self) -> Answer:
        """Return the next answer; ``ConnectionError`` when the connection ends first."""
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError(f"ended after {line!r}")
        fields = {}
        while field := self._stream.readline().strip().decode():
            name, _, value = field.partition(":")
            fields[name.lower()] = value.strip()
        status = int(line.split()[1])
        empty = status < 200 or status == 204 or self._methods[0] == "HEAD"
        content = b"" if empty else self._stream.read(int(fields["content-length"]))
        if status >= 200:
            del self._methods[0]
        return Answer(status, fields, content)

    def ask(self, method: str, path: str, content: bytes = b"", **fields: str) -> Answer:
        """Make a request and return its answer."""
        self.send(method, path, content, **fields)
        return self.answer()

    def ended(self, within_s: float = PATIENCE_S) -> bool:
        """Return whether the server ends the connection in time, by FIN or RST."""
        self.socket.settimeout(within_s)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)

    def reset(self) -> None:
        """Cut the connection as a broken network would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self._stream.close()
        self.socket.close()

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Server:
    """A running server over *directory*."""

    process: subprocess.Popen[str]
    port: int
    directory: Path
    log: Path

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> Client:
        """Return a new connection."""
        return Client(self.port)

    def ask(self, method: str, path: str, content: bytes = b"", **fields: str) -> Answer:
        """Make one request on a connection of its own."""
        with self.client() as client:
            return client.ask(method, path, content, **fields)

    def create(self, length: int) -> str:
        """Return the path of a new tus upload."""
        answer = self.ask("POST", "/files/", Upload_Length=str(length))
        assert answer.status == 201, answer
        return answer.fields["location"]

    def offset(self, path: str) -> int:
        """Return what HEAD says."""
        return int(self.ask("HEAD", path).fields["upload-offset"])

    def stored(self, path: str) -> int:
        """Return how many bytes are in the file, without asking the server."""
        return (self.directory / path.rsplit("/", 1)[1]).stat().st_size

    def await_stored(self, path: str, size: int) -> None:
        """Wait until the file holds *size* bytes."""
        await_that(lambda: self.stored(path) >= size)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process by a signal; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def await_that(holds: object) -> None:
    """Wait until *holds* returns true; fail after ``PATIENCE_S``."""
    until = time.monotonic() + PATIENCE_S
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


def command(*words: str) -> list[str]:
    """Return the command line of the server."""
    return [sys.executable, "-m", "simulator.servers.reference", *words]


@contextmanager
def serving(
    directory: Path, *words: str, prefix: tuple[str, ...] = (), scheme: str = "http"
) -> Iterator[Server]:
    """Run the server over *directory*/store, with more *words* on its command line."""
    log = directory / "log"
    with log.open("a") as err:
        process = subprocess.Popen(
            [*prefix, *command("--port", "0", "--dir", str(directory / "store"), *words)],
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    assert process.stdout is not None
    try:
        assert select.select([process.stdout], [], [], PATIENCE_S)[0], "the server is not ready"
        line = process.stdout.readline()
        match = re.fullmatch(rf"listening on {scheme}://127\.0\.0\.1:(\d+)\n", line)
        assert match is not None, (line, log.read_text())
        yield Server(process, int(match[1]), directory / "store", log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout.read() == "", "one line on stdout, and no more"
        process.stdout.close()
    assert "Traceback" not in log.read_text(), log.read_text()
