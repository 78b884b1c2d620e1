"""Client CPU per GB of upload, ours beside stock httpx in the same run; and 1000 paced users in one process.

    python tests/bench/bench_transport.py [--rounds 5] [--mb 1000] [--users 1000] [--seconds 10]

Prints; asserts nothing. Every figure is of a process of its own (user and system time), the rounds
of all variants take turns, and the sink is another process. Absolute figures are the machine's;
ratios travel.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trustme

sys.path.insert(0, str(Path(__file__).parents[2]))

SIZES = (65536, 16384)
VARIANTS = ("stock threads", "ours threads", "stock gevent", "ours gevent", "ours gevent tls")
RATE = 125_000  # bytes/s: 1 Mbit/s
TICK_S = 0.01
SEND_BUFFER = 16384  # simulator.links.client_send_buffer at 1 Mbit/s
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


# --- the sink: one process, epoll, no HTTP beyond a Content-Length -----------------------------------


class Upload:
    """One connection at the sink: what is left of its request."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.left: int | None = None

    def take(self, data: memoryview) -> None:
        if self.left is None:
            head, _, rest = bytes(data).partition(b"\r\n\r\n")
            lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
            self.left = int(lengths[0].split(b":")[1]) - len(rest)
        else:
            self.left -= len(data)
        if self.left == 0:
            self.left = None
            self.sock.send(ANSWER)


def listen(paced: bool) -> socket.socket:
    listener = socket.socket()
    if paced:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    return listener


def sink() -> None:
    """Read as fast as it goes."""
    listener, selector, buffer = listen(False), selectors.DefaultSelector(), memoryview(bytearray(1 << 18))
    selector.register(listener, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                sock, _ = listener.accept()
                selector.register(sock, selectors.EVENT_READ, Upload(sock))
                continue
            count = key.data.sock.recv_into(buffer)
            if count:
                key.data.take(buffer[:count])
            else:
                selector.unregister(key.data.sock)
                key.data.sock.close()


def secure_sink(pem: str) -> None:
    """Read as fast as it goes, over TLS with the certificate and key in *pem*; a thread a connection."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    listener = listen(False)
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=take_secure, args=(context, sock), daemon=True).start()


def take_secure(context: ssl.SSLContext, sock: socket.socket) -> None:
    with context.wrap_socket(sock, server_side=True) as secured:
        upload, buffer = Upload(secured), memoryview(bytearray(1 << 18))
        while count := secured.recv_into(buffer):
            upload.take(buffer[:count])


class PacedSink:
    """Reads every connection at RATE, a tenth of them each tick; tells the bytes of all when asked."""

    SHARES = 10

    def __init__(self) -> None:
        self._listener = listen(True)
        self._listener.setblocking(False)
        self._uploads: list[tuple[socket.socket, float]] = []
        self._read: dict[socket.socket, int] = {}
        os.set_blocking(sys.stdin.fileno(), False)

    def run(self) -> None:
        print(self._listener.getsockname()[1], flush=True)
        due = time.monotonic()
        for turn in itertools.count():
            due += TICK_S
            time.sleep(max(0.0, due - time.monotonic()))
            self._accept()
            for sock, begun in self._uploads[turn % self.SHARES :: self.SHARES]:
                self._take(sock, begun)
            self._tell()

    def _accept(self) -> None:
        try:
            while True:
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                self._uploads.append((sock, time.monotonic()))
                self._read[sock] = 0
        except BlockingIOError:
            return

    def _take(self, sock: socket.socket, begun: float) -> None:
        allowed = int((time.monotonic() - begun) * RATE) - self._read[sock]
        try:
            while allowed > 0 and (data := sock.recv(min(allowed, 65536))):
                allowed -= len(data)
                self._read[sock] += len(data)
        except (BlockingIOError, ConnectionResetError):
            return

    def _tell(self) -> None:
        try:
            if os.read(sys.stdin.fileno(), 1):
                print(sum(self._read.values()), flush=True)
        except BlockingIOError:
            return


# --- the clients ------------------------------------------------------------------------------------


def pieces(total: int, size: int) -> Iterator[bytes]:
    piece = bytes(size)
    for _ in range(total // size):
        yield piece


def waiter_of(variant: str) -> Any:
    from simulator.transport import PollWaiter

    if "gevent" not in variant:
        return PollWaiter()
    from simulator.swarm.hub import HubWaiter

    return HubWaiter()


def upload(variant: str, port: int, total: int, size: int) -> None:
    """Upload *total* bytes in pieces of *size*, and print the CPU seconds it took."""
    import httpx

    from simulator.transport import LinkTransport

    waiter, secure = waiter_of(variant), variant.endswith("tls")
    ours = LinkTransport(waiter=waiter, verify=not secure) if variant.startswith("ours") else None
    with httpx.Client(transport=ours, trust_env=False, timeout=60.0) as client:
        url = f"{'https' if secure else 'http'}://127.0.0.1:{port}/"
        headers = {"Content-Length": str(total)}
        client.put(url, content=b"warm")
        wall, cpu = time.monotonic(), time.process_time()
        client.put(url, content=pieces(total, size), headers=headers).raise_for_status()
        print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall}))


def paced_user(number: int, port: int, length: int, waiter: Any) -> None:
    import httpx

    from simulator.payload import SeededPayload
    from simulator.transport import LinkTransport

    payload = SeededPayload(str(number), length)

    def body() -> Iterator[bytes]:
        at = 0
        while at < length:
            piece = payload.slice(at, length)
            at += len(piece)
            yield piece

    transport = LinkTransport(dial=("127.0.0.1", port), send_buffer=SEND_BUFFER, waiter=waiter)
    with httpx.Client(transport=transport, trust_env=False, timeout=httpx.Timeout(5.0)) as client:
        client.put("http://x/", content=body(), headers={"Content-Length": str(length)})


def tick(late: list[float]) -> None:
    import gevent

    while True:
        due = time.monotonic() + 0.005
        gevent.sleep(0.005)
        late.append(time.monotonic() - due)


def crowd(port: int, users: int, seconds: float) -> None:
    """Upload from *users* greenlets, each at the sink's pace, and print the share of a core."""
    import gevent

    waiter, length = waiter_of("gevent"), int(RATE * (seconds + 60))
    uploads = [gevent.spawn(paced_user, number, port, length, waiter) for number in range(users)]
    gevent.sleep(4)  # all are connected, and their buffers full
    late: list[float] = []
    ticker = gevent.spawn(tick, late)
    print("ready", flush=True)
    wall, cpu = time.monotonic(), time.process_time()
    gevent.sleep(seconds)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    ticker.kill()
    late.sort()
    ended = sum(upload.dead for upload in uploads)
    print(json.dumps({"share": cpu / wall, "wall": wall, "ended": ended, "p99": late[int(len(late) * 0.99)]}))
    sys.stdout.flush()
    os._exit(0)  # nobody waits for a thousand uploads


# --- the measuring ----------------------------------------------------------------------------------


def child(*arguments: object, gevent: bool = False) -> subprocess.Popen[str]:
    patched = ["-m", "gevent.monkey"] if gevent else []
    return subprocess.Popen(
        [sys.executable, *patched, __file__, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def asked_total(server: subprocess.Popen[str]) -> int:
    assert server.stdin is not None
    server.stdin.write("?")
    server.stdin.flush()
    return int(line(server))


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def per_gb(rounds: int, mb: int, size: int) -> dict[str, list[float]]:
    """Return the CPU seconds per GB of each variant, by round."""
    found: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    with tempfile.NamedTemporaryFile(suffix=".pem") as pem:
        trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem.name)
        servers = {False: child("sink"), True: child("secure", pem.name)}
        ports = {secure: int(line(server)) for secure, server in servers.items()}
        for _ in range(rounds):
            for variant in VARIANTS:
                total, port = mb * 1_000_000 // size * size, ports[variant.endswith("tls")]
                client = child("upload", variant, port, total, size, gevent="gevent" in variant)
                found[variant].append(json.loads(client.communicate()[0])["cpu"] / total * 1e9)
        for server in servers.values():
            end(server)
    return found


def show_per_gb(size: int, found: dict[str, list[float]]) -> None:
    median = {variant: statistics.median(values) for variant, values in found.items()}
    print(f"\npieces of {size // 1024} KiB")
    for kind in ("threads", "gevent"):
        ratio = median[f"ours {kind}"] / median[f"stock {kind}"]
        print(f"  ours / stock, {kind:8} {ratio:5.2f}   (at most 1.00 wanted)")
    bare, secured = median["ours gevent"], median["ours gevent tls"]
    print(f"  TLS adds         {secured - bare:5.2f} CPU s/GB, {secured / bare:.1f} times")
    for variant, values in found.items():
        print(f"  {variant:15} {median[variant]:6.3f} CPU s/GB   ({min(values):.3f} to {max(values):.3f})")


def show_crowd(users: int, seconds: float) -> None:
    server = child("paced")
    client = child("crowd", line(server).strip(), users, seconds, gevent=True)
    assert line(client).strip() == "ready", "the crowd did not start"
    before = asked_total(server)
    seen = json.loads(line(client))
    carried = asked_total(server) - before
    end(server)
    end(client)
    rate = carried / seen["wall"] * 8 / 1e6
    print(f"\n{users} users at 1 Mbit/s in one gevent process, {seconds:g} s")
    print(f"  share of a core {seen['share']:6.1%}   (under 50 % wanted)")
    print(f"  carried {rate:.0f} Mbit/s, {seen['ended']} ended, loop late p99 {seen['p99'] * 1000:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    for size in SIZES:
        show_per_gb(size, per_gb(asked.rounds, asked.mb, size))
    show_crowd(asked.users, asked.seconds)


PARTS: dict[str, Any] = {
    "sink": sink,
    "secure": secure_sink,
    "paced": lambda: PacedSink().run(),
    "upload": lambda variant, port, total, size: upload(variant, int(port), int(total), int(size)),
    "crowd": lambda port, users, seconds: crowd(int(port), int(users), float(seconds)),
}

if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in PARTS:
        PARTS[sys.argv[1]](*sys.argv[2:])
    else:
        main()
