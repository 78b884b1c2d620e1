"""The HTTP-aware hop without steps: throughput, CPU and what one more request costs. Prints, never fails.

python -m tests.bench.bench_gateway
"""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulator.links.gateway.process import Gateway, Route

TOTAL = 400_000_000
TRIES = 5
REQUESTS = 500
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def sink(listener: socket.socket) -> None:
    """Read each request's body and answer it, for ever."""
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_serve, args=(sock,), daemon=True).start()


def _serve(sock: socket.socket) -> None:
    buffer = memoryview(bytearray(1 << 18))
    head = b""
    while True:
        while b"\r\n\r\n" not in head:
            data = sock.recv(65536)
            if not data:
                sock.close()
                return
            head += data
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        left = length - len(head.partition(b"\r\n\r\n")[2])
        head = b""
        while left:
            left -= sock.recv_into(buffer, min(left, len(buffer)))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def send(port: int, total: int, requests: int = 1) -> float:
    """Return the seconds that *requests* of *total* bytes take, one after another."""
    piece = bytes(1 << 18)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        begun = time.monotonic()
        for _ in range(requests):
            sock.sendall(HEAD % total)
            left = total
            while left:
                left -= sock.send(piece[: min(left, len(piece))])
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += sock.recv(4096)
        return time.monotonic() - begun


def main() -> None:
    """Print a row for each buffer size."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = listener.getsockname()
    threading.Thread(target=sink, args=(listener,), daemon=True).start()
    direct = median(send(server[1], TOTAL) for _ in range(TRIES))
    print(f"direct: {_words(direct, server[1])}")
    for buffer in (16384, 32768, 65536, 262144):
        with (
            tempfile.TemporaryDirectory() as folder,
            Gateway([Route((), server)], buffer=buffer, log=Path(folder) / "log", sink=print) as hop,
        ):
            process = psutil.Process(hop.child.pid)
            before = sum(process.cpu_times()[:2])
            took = median(send(hop.ports[0], TOTAL) for _ in range(TRIES))
            cpu = (sum(process.cpu_times()[:2]) - before) / (TRIES * TOTAL / 1e9)
            print(f"hop, {buffer // 1024} KiB buffers: {_words(took, hop.ports[0])}, {cpu:.2f} CPU s/GB")


def _words(took: float, port: int) -> str:
    each = send(port, 0, REQUESTS) / REQUESTS
    return f"{TOTAL * 8 / took / 1e9:.2f} Gbit/s, a request {each * 1e6:.0f} us"


if __name__ == "__main__":
    main()
