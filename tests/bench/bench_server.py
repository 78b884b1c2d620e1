"""Prints what the server in the box takes in, and what that costs it.

    python tests/bench/bench_server.py [--uploads 100] [--total-gb 4] [--dir DIR] [--rounds 3]

Many uploads at once, over tus and over the IETF draft (interop version 6, which tusd speaks too), each
one PATCH sent from one big buffer by a thread that does nothing else (the interpreter lets go of its
lock while the kernel copies). The servers take turns; a row is the median of its rounds. tusd is there
when it is installed (`simsim servers install tusd`). The row "floor" is what the kernel alone
takes on this machine, at this moment, to hand the bytes over and to store them: one process, one
connection, recv_into and pwrite in a bare loop. User and system CPU are the server's.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from simulator.errors import UsageError
from simulator.servers.catalog import load
from simulator.servers.install import program_of

GB = 10**9
PIECE = memoryview(bytes(os.urandom(1 << 20)) * 8)


@dataclass(frozen=True)
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    started_s: float


def reference(directory: Path) -> Served:
    """Start the server in the box."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator.servers.reference", "--port", "0", "--dir", str(directory)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    return Served(process, int(line.rsplit(":", 1)[1]), time.perf_counter() - began)


@dataclass(frozen=True)
class Wording:
    """How an upload is made and sent in one protocol: the fields of the two requests."""

    path: str
    create: str
    append: str
    done: int


TUS = Wording(
    "/files/",
    "Tus-Resumable: 1.0.0\nUpload-Length: {size}\n",
    "Tus-Resumable: 1.0.0\nUpload-Offset: 0\nContent-Type: application/offset+octet-stream\n",
    204,
)
SHA1 = Wording(  # a wrong checksum lets the server hash everything and keep nothing
    TUS.path, TUS.create, f"{TUS.append}Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 460
)
_DRAFT = "Upload-Draft-Interop-Version: 6\n"
IETF = Wording(
    "/resumable/",
    f"{_DRAFT}Upload-Complete: ?0\nUpload-Length: {{size}}\n",
    f"{_DRAFT}Upload-Offset: 0\nUpload-Complete: ?1\nContent-Type: application/partial-upload\n",
    201,
)
IETF_AT_TUSD = Wording("/files/", IETF.create, IETF.append, 200)


def tusd(binary: str, directory: Path) -> Served:
    """Start tusd on a port that was free a moment ago."""
    directory.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(
        [
            *(binary, "-host", "127.0.0.1", "-port", str(port), "-base-path", "/files/"),
            *("-upload-dir", str(directory), "-enable-experimental-protocol"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.005)
        else:
            return Served(process, port, time.perf_counter() - began)


def request(connection: socket.socket, head: str) -> tuple[int, dict[str, str]]:
    """Send *head* and return the answer's status and fields."""
    connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    return answer(connection)


def answer(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """Return the status and fields of the next final answer, past its content."""
    stream = connection.makefile("rb")
    status = 100
    while status < 200:
        status = int(stream.readline().split()[1])
        fields = {}
        while line := stream.readline().strip().decode():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
    stream.read(int(fields.get("content-length", 0)))
    return status, fields


def upload(port: int, size: int, wording: Wording, faults: list[str]) -> None:
    """Create one upload and send it."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        create = f"POST {wording.path} HTTP/1.1\nHost: x\n{wording.create.format(size=size)}Content-Length: 0"
        _, fields = request(connection, create)
        path = re.sub(r"^http://[^/]*", "", fields["location"])
        patch = f"PATCH {path} HTTP/1.1\nHost: x\n{wording.append}Content-Length: {size}"
        connection.sendall(patch.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        left = size
        while left:
            left -= connection.send(PIECE[: min(left, len(PIECE))])
        status, _ = answer(connection)
        if status != wording.done and not (wording.done < 300 and 200 <= status < 300):
            faults.append(f"status {status}")


def say(line: str) -> None:
    """Print *line* at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Row:
    """What one round showed; bytes, seconds."""

    took: float
    user: float
    system: float
    idle: int
    after: int
    started_s: float
    faults: tuple[str, ...]


def measure(served: Served, uploads: int, total: int, wording: Wording) -> Row:
    """Upload *total* bytes by *uploads* uploads at once."""
    process = psutil.Process(served.process.pid)
    idle = process.memory_info().rss
    faults: list[str] = []
    threads = [
        threading.Thread(target=upload, args=(served.port, total // uploads, wording, faults))
        for _ in range(uploads)
    ]
    before, began = process.cpu_times(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, after = time.perf_counter() - began, process.cpu_times()
    user, system = after.user - before.user, after.system - before.system
    memory = process.memory_info().rss
    return Row(took, user, system, idle, memory, served.started_s, tuple(sorted(set(faults))))


def tell(name: str, uploads: int, total: int, rows: list[Row]) -> None:
    """Print the round that is the median by its time."""
    row = sorted(rows, key=lambda one: one.took)[len(rows) // 2]
    cpu = row.user + row.system
    say(
        f"{name:<22}{uploads:>8}{total / row.took / GB:>8.2f}{cpu / total * GB:>10.2f}"
        f"{row.user / total * GB:>8.2f}{row.system / total * GB:>8.2f}"
        f"{total / cpu / GB:>12.2f}{row.idle / 1e6:>9.0f}{row.after / 1e6:>7.0f}"
        f"{row.started_s * 1e3:>10.0f}  {' '.join(row.faults)}"
    )


def floor(directory: Path) -> Served:
    """Start a process that only receives and writes; it speaks as much HTTP as ``upload`` needs."""
    began = time.perf_counter()
    words = [sys.executable, "-c", _FLOOR, str(directory)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return Served(process, int(process.stdout.readline()), time.perf_counter() - began)


_FLOOR = r"""
import os, re, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
peer, _ = listener.accept()
peer.recv(65536)
peer.sendall(b"HTTP/1.1 201 Created\r\nLocation: /files/a\r\n\r\n")
head, _, body = peer.recv(65536).partition(b"\r\n\r\n")
size = int(re.search(rb"Content-Length: (\d+)", head)[1])
out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
at = os.write(out, body) if body else 0
buffer = memoryview(bytearray(262144))
while at < size:
    got = peer.recv_into(buffer)
    at += os.pwrite(out, buffer[:got], at)
peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
listener.accept()
"""


Start = Callable[[Path], Served]


def rows(uploads: int) -> list[tuple[str, Start, int, Wording]]:
    """Return what is measured: name, what starts it, uploads at once, and their wording."""
    found = [
        ("floor", floor, 1, TUS),
        ("reference, tus", reference, uploads, TUS),
        ("reference, ietf", reference, uploads, IETF),
        ("reference, one", reference, 1, TUS),
        ("reference, sha1", reference, uploads, SHA1),
    ]
    try:
        program = program_of(load("tusd"))
    except UsageError as error:
        say(f"without tusd: {error}")
        return found
    assert program is not None
    start = partial(tusd, program)
    return [*found, ("tusd, tus", start, uploads, TUS), ("tusd, ietf", start, uploads, IETF_AT_TUSD)]


def once(start: Start, uploads: int, total: int, wording: Wording, under: Path) -> Row:
    """Start the server in a folder of its own below *under*, measure, and end it."""
    with tempfile.TemporaryDirectory(dir=under) as directory:
        served = start(Path(directory) / "store")
        try:
            return measure(served, uploads, total, wording)
        finally:
            served.process.terminate()
            served.process.wait()


def main() -> None:
    """Measure the floor and each server in turn, round after round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=100)
    parser.add_argument("--total-gb", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, default=Path("/dev/shm"))
    given = parser.parse_args()
    total = int(given.total_gb * GB)
    say(f"store in {given.dir}; {given.total_gb} GB in all, medians of {given.rounds}; MB are 10**6 bytes")
    say(
        f"{'server':<22}{'uploads':>8}{'GB/s':>8}{'CPU s/GB':>10}{'user':>8}{'system':>8}"
        f"{'GB/s a core':>12}{'RSS idle':>9}{'after':>7}{'start ms':>10}"
    )
    wanted = rows(given.uploads)
    seen: list[list[Row]] = [[] for _ in wanted]
    for _ in range(given.rounds):
        for found, (_name, start, uploads, wording) in zip(seen, wanted, strict=True):
            found.append(once(start, uploads, total, wording, given.dir))
    for found, (name, _start, uploads, _wording) in zip(seen, wanted, strict=True):
        tell(name, uploads, total, found)


if __name__ == "__main__":
    main()
