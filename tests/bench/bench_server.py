"""Prints what the server in the box takes in, and what that costs it.

    python tests/bench/bench_server.py [--uploads 100] [--total-gb 4] [--dir DIR] [--tusd PATH]

Many tus uploads at once, each one PATCH sent from one big buffer by a thread that does nothing else
(the interpreter lets go of its lock while the kernel copies). The row "floor" is what the kernel alone
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
from dataclasses import dataclass
from pathlib import Path

import psutil

GB = 10**9
PIECE = memoryview(bytes(os.urandom(1 << 20)) * 8)


@dataclass(frozen=True)
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    started_s: float


def reference(directory: Path, *more: str) -> Served:
    """Start the server in the box."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator.servers.reference", "--port", "0", "--dir", str(directory), *more],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    return Served(process, int(line.rsplit(":", 1)[1]), time.perf_counter() - began)


def tusd(binary: Path, directory: Path) -> Served:
    """Start tusd on a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(
        [binary, "-host", "127.0.0.1", "-port", str(port), "-upload-dir", directory, "-base-path", "/files/"],
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
    """Return the status and fields of the next answer, past its content."""
    stream = connection.makefile("rb")
    status = int(stream.readline().split()[1])
    fields = {}
    while line := stream.readline().strip().decode():
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    stream.read(int(fields.get("content-length", 0)))
    return status, fields


def upload(port: int, size: int, checksum: str, faults: list[str]) -> None:
    """Create one upload and send it; a wrong *checksum* lets the server hash everything and keep nothing."""
    common = "Host: x\nTus-Resumable: 1.0.0\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        create = f"POST /files/ HTTP/1.1\n{common}Upload-Length: {size}\nContent-Length: 0"
        _, fields = request(connection, create)
        path = re.sub(r"^http://[^/]*", "", fields["location"])
        patch = f"PATCH {path} HTTP/1.1\n{common}Upload-Offset: 0\nContent-Length: {size}\n{checksum}"
        patch += "Content-Type: application/offset+octet-stream"
        connection.sendall(patch.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        left = size
        while left:
            left -= connection.send(PIECE[: min(left, len(PIECE))])
        status, _ = answer(connection)
        if status != (460 if checksum else 204):
            faults.append(f"status {status}")


def say(line: str) -> None:
    """Print *line* at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measure(name: str, served: Served, uploads: int, total: int, checksum: str = "") -> None:
    """Upload *total* bytes by *uploads* uploads at once; print one row."""
    process = psutil.Process(served.process.pid)
    idle = process.memory_info().rss
    faults: list[str] = []
    threads = [
        threading.Thread(target=upload, args=(served.port, total // uploads, checksum, faults))
        for _ in range(uploads)
    ]
    before, began = process.cpu_times(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, after = time.perf_counter() - began, process.cpu_times()
    user, system = after.user - before.user, after.system - before.system
    say(
        f"{name:<22}{uploads:>8}{total / took / GB:>8.2f}{(user + system) / total * GB:>10.2f}"
        f"{user / total * GB:>8.2f}{system / total * GB:>8.2f}"
        f"{total / (user + system) / GB:>12.2f}{idle / 1e6:>9.0f}{process.memory_info().rss / 1e6:>7.0f}"
        f"{served.started_s * 1e3:>10.0f}  {' '.join(sorted(set(faults)))}"
    )


def floor(directory: Path) -> Served:
    """Start a process that only receives and writes; it speaks as much HTTP as ``upload`` needs."""
    began = time.perf_counter()
    words = [sys.executable, "-c", _FLOOR, str(directory / "floor")]
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


def main() -> None:
    """Measure the floor, and each server in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=100)
    parser.add_argument("--total-gb", type=float, default=4.0)
    parser.add_argument("--dir", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--tusd", type=Path, help="measure this tusd as well")
    given = parser.parse_args()
    total = int(given.total_gb * GB)
    wrong = "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    say(f"store in {given.dir}; {given.total_gb} GB in all; MB are 10**6 bytes")
    say(
        f"{'server':<22}{'uploads':>8}{'GB/s':>8}{'CPU s/GB':>10}{'user':>8}{'system':>8}"
        f"{'GB/s a core':>12}{'RSS idle':>9}{'after':>7}{'start ms':>10}"
    )
    with tempfile.TemporaryDirectory(dir=given.dir) as directory:
        rows = [("floor", lambda: floor(Path(directory)), 1, "")]
        rows += [("reference", lambda: reference(Path(directory) / "a"), given.uploads, "")]
        rows += [("reference", lambda: reference(Path(directory) / "b"), 1, "")]
        rows += [("reference, sha1", lambda: reference(Path(directory) / "c"), given.uploads, wrong)]
        if given.tusd is not None:
            Path(directory, "d").mkdir()
            rows += [("tusd", lambda: tusd(given.tusd, Path(directory) / "d"), given.uploads, "")]
        for name, start, uploads, checksum in rows:
            served = start()
            try:
                measure(name, served, uploads, total, checksum)
            finally:
                served.process.terminate()
                served.process.wait()
                for path in Path(directory).rglob("*"):
                    if path.is_file():
                        path.unlink()


if __name__ == "__main__":
    main()
