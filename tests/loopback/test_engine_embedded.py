"""The embedded engine's own promises: its process, its counters, its buffers, its company."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from simulator.errors import PartDied, UsageError
from simulator.links import client_send_buffer, in_flight_allowance
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import LinkSpec
from simulator.weather.timeline import Break, RateCurve
from tests.contracts.check_engine import (
    INSTANT,
    Scene,
    flat,
    happened,
    instant,
    is_silent,
    noise,
    obeyed,
    scene,
    wait_for,
)
from tests.helpers import sinks
from tests.helpers.timing import best_of_three, within

pytestmark = pytest.mark.loopback

ROOT = Path(__file__).parents[2]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def settled(link: Scene, sending: sinks.Sending) -> tuple[int, int]:
    """Return what arrived and what was accepted, once neither has changed for half a second."""

    def look() -> tuple[int, int]:
        return link.server.arrival().nbytes, sending.accepted

    deadline = time.monotonic() + sinks.PATIENCE
    seen, since = look(), time.monotonic()
    while time.monotonic() - since < 0.5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        if (now := look()) != seen:
            seen, since = now, time.monotonic()
    return seen


def unsent(sock: socket.socket) -> int:
    """Return the bytes that the peer's kernel has not acknowledged."""
    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


# Its process


PARENT = """
import sys, time
from simulator.links.embedded import EmbeddedEngine
engine = EmbeddedEngine()
print(engine.pid, flush=True)
time.sleep(60)
"""


def test_killing_the_parent_leaves_no_engine() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    sinks.wait_until(lambda: not alive(child))


def test_killing_the_engine_is_told_with_its_cause() -> None:
    with EmbeddedEngine() as engine:
        engine.events(5)
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(PartDied, match="killed by signal 9"):
            while True:
                engine.events(5)
        with pytest.raises(PartDied):
            engine.open([LinkSpec("a", "g", flat(), ("127.0.0.1", 9))])
        assert engine.close() == []


def test_an_engine_that_fails_says_its_last_words() -> None:
    with EmbeddedEngine() as engine:
        engine._links["never opened"] = ("127.0.0.1", 1)
        engine.start("never opened", 0.0)
        with pytest.raises(PartDied, match=r"exit code 1: .*KeyError.*never opened"):
            while True:
                engine.events(5)


def test_interrupts_are_the_parents_to_decide_on() -> None:
    with scene(EmbeddedEngine, flat(), sinks.Echo()) as link:
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(link.engine.pid, number)
        with link.dial() as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"


def test_the_end_of_the_thread_that_made_it_is_not_its_end() -> None:
    made: list[EmbeddedEngine] = []
    thread = threading.Thread(target=lambda: made.append(EmbeddedEngine()))
    thread.start()
    thread.join()
    with made[0] as engine:
        engine.events(5)
        time.sleep(0.3)
        assert engine.events(5)


def test_leaving_the_block_ends_the_process() -> None:
    with EmbeddedEngine() as engine:
        pid = engine.pid
    assert not alive(pid)


def test_events_that_nobody_reads_hold_nothing_up_and_are_all_there_at_the_end() -> None:
    with sinks.Echo() as server, EmbeddedEngine() as engine:
        address = engine.open([LinkSpec("a", "g", flat(rate=None), server.address)])["a"]
        for _ in range(1500):
            with sinks.dial(address) as client:
                client.sendall(b"x")
                assert client.recv(1) == b"x"
        ends = happened(engine.close(), "connection")
        assert len(ends) == 1500
        assert sum(end["carried_up"] for end in ends) == 1500


GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, socket, sys, time
from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import LinkSpec
from tests.contracts.check_engine import flat, happened
from tests.helpers import sinks

with sinks.Echo() as server, EmbeddedEngine() as engine:
    heard = []
    listening = gevent.spawn(lambda: [heard.extend(engine.events(0.5)) for _ in range(4)])
    gevent.sleep(0)
    for name in "ab":
        address = engine.open([LinkSpec(name, "g", flat(delay=0.01), server.address)])[name]
        engine.start(name, time.monotonic())
        with sinks.dial(address) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
    listening.join()
    print(len(happened([*heard, *engine.close()], "connection")))
"""


def test_it_works_in_a_process_that_gevent_has_patched() -> None:
    told = subprocess.run(
        [sys.executable, "-c", GEVENT], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.stdout.strip() == "2", told.stderr


# Its links


def test_a_link_opens_once() -> None:
    with EmbeddedEngine() as engine:
        spec = LinkSpec("a", "g", flat(), ("127.0.0.1", 9))
        engine.open([spec])
        with pytest.raises(UsageError, match="'a' is open already"):
            engine.open([spec])
        with pytest.raises(KeyError):
            engine.start("b", 0.0)


def test_a_server_that_refuses_is_a_reset_for_the_client() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with EmbeddedEngine() as engine:
            address = engine.open([LinkSpec("a", "g", flat(), nobody.getsockname())])["a"]
            with pytest.raises(ConnectionResetError), sinks.dial(address) as client:  # even while it dials
                client.recv(1)
            assert [e["end"] for e in happened(engine.close(), "connection")] == ["server"]


def test_many_links_at_once() -> None:
    n, data = 150, noise(20_000)
    with sinks.Sink() as server, EmbeddedEngine() as engine:
        line = flat(rate=1e6, delay=0.02)
        addresses = engine.open([LinkSpec(str(i), f"g{i % 2}", line, server.address) for i in range(n)])
        clients = []
        for name, address in addresses.items():
            engine.start(name, time.monotonic())
            clients.append(sinks.dial(address))
            clients[-1].sendall(data)
            clients[-1].shutdown(socket.SHUT_WR)
        whole = hashlib.sha256(data).digest()
        assert all(server.ended(i).sha.digest() == whole for i in range(n))
        for client in clients:
            assert client.recv(1) == b""
            client.close()
        events = [*engine.events(1), *engine.close()]
        assert happened(events, "sample")[-1]["carried_up"].keys() == {"g0", "g1"}
        assert len(happened(events, "connection")) == n


def test_a_server_that_does_not_read_holds_up_only_its_own_connection() -> None:
    class HalfDeaf(sinks.Echo):
        def serve(self, sock: socket.socket, arrival: sinks.Arrival) -> None:
            if len(self.arrivals) == 1:
                sock.recv(1 << 30, socket.MSG_PEEK)
                self.hold.wait()
            else:
                super().serve(sock, arrival)

        hold = threading.Event()

    with scene(EmbeddedEngine, flat(rate=50e6, delay=0.005), HalfDeaf()) as link, link.dial() as deaf:
        sending = sinks.send_all(deaf, bytes(20_000_000))
        time.sleep(1.5)
        assert sending.accepted < 2_000_000
        with link.dial() as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        HalfDeaf.hold.set()


def test_an_unlimited_link_passes_much_to_a_slow_reader_intact() -> None:
    class Slow(sinks.Sink):
        def serve(self, sock: socket.socket, arrival: sinks.Arrival) -> None:
            while data := sock.recv(random.randrange(1, 300_000)):
                arrival.count(data)
                time.sleep(0.001)

    data = noise(12_000_000)
    with scene(EmbeddedEngine, flat(rate=None), Slow()) as link, link.dial() as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        assert link.server.ended().sha.digest() == hashlib.sha256(data).digest()
        assert client.recv(1) == b""
        assert link.wait("connection")["delivered_up"] == len(data)


@pytest.mark.parametrize("size", [1, 1 << 20, 3_000_001])
def test_a_cut_is_exact_on_an_unlimited_link_before_and_after_it_splices(size: int) -> None:
    cut = Break(0.0, "cut-after", 60.0, connection_bytes=size)
    data = noise(5_000_000)
    with scene(EmbeddedEngine, flat(rate=None, breaks=[cut])) as link, link.dial() as client:
        sinks.send_all(client, data)
        assert link.server.ended().nbytes == size
        assert link.server.ended().sha.digest() == hashlib.sha256(data[:size]).digest()


def test_a_client_that_resets_is_seen_by_the_server_after_its_bytes() -> None:
    with scene(EmbeddedEngine, flat(rate=2e6, delay=0.3)) as link:
        client = link.dial()
        client.sendall(bytes(10_000))
        sinks.wait_until(lambda: unsent(client) == 0)
        time.sleep(0.2)  # the engine reads them; on the link they are for 0.3 s
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        assert link.server.ended().end == "reset"
        assert link.server.ended().nbytes == 10_000
        assert link.wait("connection")["end"] == "client"


def test_a_client_that_gives_up_before_it_is_served_hurts_nobody() -> None:
    timeline = flat(breaks=[Break(0.1, "handover", 0.5)])
    with scene(EmbeddedEngine, timeline, sinks.Echo()) as link:
        link.wait("fault")
        hasty = link.dial()
        hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        hasty.close()
        with link.dial() as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"


def test_a_server_that_hangs_up_early_still_has_its_answer_read() -> None:
    class Early(sinks.Server):
        def serve(self, sock: socket.socket, arrival: sinks.Arrival) -> None:
            sock.recv(1000)
            sock.sendall(b"413 too large")

    with scene(EmbeddedEngine, flat(rate=4e6, delay=0.02), Early()) as link, link.dial() as client:
        client.sendall(bytes(30_000))
        assert client.recv(100) == b"413 too large"
        assert link.wait("connection")["end"] == "server"


@pytest.mark.parametrize("rate", [None, 50e6])
def test_what_a_reset_left_in_the_engines_kernel_is_not_counted_as_delivered(rate: float | None) -> None:
    class Late(sinks.Sink):
        def serve(self, sock: socket.socket, arrival: sinks.Arrival) -> None:
            time.sleep(1.2)
            super().serve(sock, arrival)

    timeline = flat(rate=rate, breaks=[instant("reset", 0.9)])
    with scene(EmbeddedEngine, timeline, Late()) as link, link.dial() as client:
        sinks.send_all(client, bytes(9_000_000))
        assert link.wait("connection")["delivered_up"] == link.server.ended().nbytes
        assert link.wait("fault")["dropped"] > 0


@pytest.mark.parametrize("rate", [None, 20e6])
def test_a_fault_by_the_links_bytes_strikes_at_exactly_those(rate: float | None) -> None:
    at = Break(0.0, "reset", 0.0, link_bytes=500_000)
    with scene(EmbeddedEngine, flat(rate=rate, breaks=[at])) as link:
        with link.dial() as client:
            sinks.send_all(client, bytes(2_000_000))
            link.server.ended()
            assert link.wait("connection")["carried_up"] == 500_000
            assert link.wait("fault")["fault"] == "reset"
        with link.dial() as again:
            again.sendall(bytes(100_000))
            again.shutdown(socket.SHUT_WR)
            assert link.server.ended(1).nbytes == 100_000


@pytest.mark.parametrize("rate", [None, 20e6])
@best_of_three
def test_a_stall_by_the_links_bytes_is_drawn_when_it_strikes(rate: float | None) -> None:
    down = Break(0.0, "down", 0.5, link_bytes=100_000)
    with scene(EmbeddedEngine, flat(rate=rate, breaks=[down])) as link, link.dial() as client:
        sinks.send_all(client, bytes(200_000))
        struck = link.wait("fault")
        sinks.wait_until(lambda: link.server.arrival().nbytes == 200_000)
        times = [t for t, n in link.server.arrival().marks if n > 100_000]
        within(-INSTANT, min(times) - struck["until"], INSTANT)
        assert max(n for t, n in link.server.arrival().marks if t < struck["until"]) == 100_000


def test_what_a_client_has_sent_beyond_the_link_is_within_the_allowance() -> None:
    for rate in (1e6, 2e7):
        stop = RateCurve((0.0, 1.0), (rate, 0.0))
        timeline = flat(curve=stop, delay=0.02)
        with scene(EmbeddedEngine, timeline) as link:
            client = sinks.dial(link.engine.address("link"), client_send_buffer(timeline))
            sending = sinks.send_all(client, bytes(8_000_000))
            wait_for(link.at(1.5))
            stored, accepted = settled(link, sending)
            assert timeline.queue / 2 < accepted - stored <= in_flight_allowance(timeline)
            client.close()


def test_a_close_of_the_engine_ends_frozen_connections_too() -> None:
    timeline = flat(breaks=[Break(0.1, "handover", 0.1)])
    with scene(EmbeddedEngine, timeline, sinks.Echo()) as link, link.dial() as old:
        link.wait("fault")
        assert is_silent(old, 0.2)
        link.engine.close()
        with pytest.raises(ConnectionResetError):
            old.recv(1)


def test_faults_that_begin_before_the_start_is_told_strike_at_once() -> None:
    with sinks.Sink() as server, EmbeddedEngine() as engine:
        line = flat(breaks=[instant("reset", 0.1), instant("reset", 0.2)])
        engine.open([LinkSpec("a", "g", line, server.address)])
        engine.start("a", time.monotonic() - 1)
        obeyed(engine, server.address)
        faults = happened(engine.close(), "fault")
        assert [round(f["planned"] - faults[0]["planned"], 6) for f in faults] == [0, 0.1]
