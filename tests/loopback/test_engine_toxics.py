"""What each toxic does to bytes on real sockets: byte-exact; times generous towards a busy machine."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.helpers import sinks
from tests.helpers.engines import Engine, simsim_engine, until

pytestmark = pytest.mark.loopback

UP, DOWN = "upstream", "downstream"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with simsim_engine("--seed", "7") as engine:
        yield engine


@pytest.fixture
def echo() -> Iterator[sinks.Echo]:
    with sinks.Echo() as server:
        yield server


@pytest.fixture
def sink() -> Iterator[sinks.Sink]:
    with sinks.Sink() as server:
        yield server


@pytest.fixture(autouse=True)
def cleared(engine: Engine) -> None:
    engine.clear()


def noise(nbytes: int) -> bytes:
    return random.Random(nbytes).randbytes(nbytes)


def read(sock: socket.socket, nbytes: int) -> bytes:
    """Return exactly *nbytes*, or what came before the end."""
    got = bytearray()
    while len(got) < nbytes and (data := sock.recv(min(65536, nbytes - len(got)))):
        got += data
    return bytes(got)


def trip(sock: socket.socket, data: bytes = b"x") -> float:
    """Send *data* to an echo and return the seconds until it is back, intact."""
    begun = time.monotonic()
    sending = sinks.send_all_only(sock, data)
    assert read(sock, len(data)) == data
    sending.join(sinks.PATIENCE)
    return time.monotonic() - begun


def ends(sock: socket.socket) -> str:
    """Return how reading ends."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        return "reset"
    return "eof"


def silent(sock: socket.socket, seconds: float = 0.3) -> bool:
    """Whether nothing at all can be read for *seconds*."""
    sock.settimeout(seconds)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(sinks.PATIENCE)
    return False


def counters(engine: Engine, way: str = UP) -> dict[str, int]:
    counted: dict[str, int] = engine.done("GET", "/proxies/p/counters")[way]
    return counted


# Nothing


def test_without_toxics_bytes_pass_intact_and_a_half_close_is_passed_on(engine: Engine) -> None:
    data = noise(3_000_000)
    with sinks.Answering(data[::-1]) as server, sinks.dial(engine.proxy("p", server.address)) as client:
        sinks.send_all_only(client, data).join(sinks.PATIENCE)
        client.shutdown(socket.SHUT_WR)
        assert read(client, len(data) + 1) == data[::-1]
        assert server.ended().sha.digest() == hashlib.sha256(data).digest()
    size = len(data)
    until(lambda: counters(engine), {"received": size, "carried": size, "delivered": size})
    until(lambda: counters(engine, DOWN), {"received": size, "carried": size, "delivered": size})
    until(lambda: engine.done("GET", "/proxies/p/counters")["connections"], {"open": 0, "total": 1})


@pytest.mark.parametrize("way", [UP, DOWN])
def test_toxics_come_and_go_on_a_live_connection_and_lose_no_byte(
    engine: Engine, echo: sinks.Echo, way: str
) -> None:
    """It begins on the direct path, with megabytes in a pipe, and changes under way again and again."""
    data = noise(12_000_000)
    with sinks.dial(engine.proxy("p", echo.address)) as client:
        sending = sinks.send_all_only(client, data)
        got = read(client, 2_000_000)
        for kind, first, second in (
            ("latency", {"latency": 50, "jitter": 20}, {"latency": 5}),
            ("bandwidth", {"rate": 2000}, {"rate": 20000}),
            ("slicer", {"average_size": 700, "size_variation": 600, "delay": 50}, {"average_size": 5000}),
        ):
            engine.add("p", kind, way, **first)
            got += read(client, 400_000)
            engine.change("p", kind, **second)
            got += read(client, 400_000)
        for kind in ("latency", "bandwidth", "slicer"):
            engine.drop("p", kind)
            got += read(client, 400_000)
        got += read(client, len(data) - len(got))
        sending.join(sinks.PATIENCE)
    assert got == data
    assert echo.ended().sha.digest() == hashlib.sha256(data).digest()


# Shapes


@pytest.mark.parametrize("way", [UP, DOWN])
def test_latency_delays_bytes_by_as_much_and_no_longer_once_it_is_removed(
    engine: Engine, echo: sinks.Echo, way: str
) -> None:
    with sinks.dial(engine.proxy("p", echo.address)) as client:
        engine.add("p", "latency", way, latency=200)
        assert min(trip(client) for _ in range(3)) >= 0.2
        assert min(trip(client) for _ in range(10)) < 0.35
        engine.drop("p", "latency")
        assert min(trip(client) for _ in range(20)) < 0.1


def test_a_delay_that_falls_hastens_what_is_on_its_way(engine: Engine, echo: sinks.Echo) -> None:
    with sinks.dial(engine.proxy("p", echo.address)) as client:
        engine.add("p", "latency", latency=600_000)
        client.sendall(b"abc")
        sinks.wait_until(lambda: echo.arrivals[0].nbytes == 3 if echo.arrivals else False)
        assert silent(client)
        engine.change("p", "latency", latency=1)
        assert read(client, 3) == b"abc"


def test_jitter_stays_within_its_bounds_and_keeps_the_order(engine: Engine, echo: sinks.Echo) -> None:
    with sinks.dial(engine.proxy("p", echo.address)) as client:
        engine.add("p", "latency", latency=60, jitter=50)
        trips = [trip(client, noise(100)) for _ in range(40)]
        assert min(trips) >= 0.01
        assert max(trips) - min(trips) > 0.03
        assert trip(client, noise(200_000)) >= 0.01


@pytest.mark.parametrize("way", [UP, DOWN])
def test_bandwidth_is_of_each_connection(engine: Engine, echo: sinks.Echo, way: str) -> None:
    address = engine.proxy("p", echo.address)
    engine.add("p", "bandwidth", way, rate=100)
    clients = [sinks.dial(address) for _ in range(3)]
    begun = time.monotonic()
    sending = [sinks.send_all_only(client, noise(150_000)) for client in clients]
    for client, thread in zip(clients, sending, strict=True):
        assert read(client, 150_000) == noise(150_000)
        thread.join(sinks.PATIENCE)
        client.close()
    took = time.monotonic() - begun
    assert 1.45 <= took < 3.5  # 1.5 s each: 4.5 s if they had to share


def test_a_rate_of_zero_and_a_stall_hold_everything_and_lose_nothing(
    engine: Engine, echo: sinks.Echo
) -> None:
    with sinks.dial(engine.proxy("p", echo.address)) as client:
        for kind, attributes in (("bandwidth", {"rate": 0}), ("stall", {})):
            engine.add("p", kind, UP, **attributes)
            client.sendall(b"held")
            assert silent(client)
            engine.drop("p", kind)
            assert read(client, 4) == b"held"


def test_a_stall_that_is_asked_for_ends_by_itself(engine: Engine, echo: sinks.Echo) -> None:
    with sinks.dial(engine.proxy("p", echo.address)) as client:
        trip(client)
        begun = time.monotonic()
        engine.done("POST", "/proxies/p/stall", {"seconds": 0.8})
        client.sendall(b"held")
        assert read(client, 4) == b"held"
        assert time.monotonic() - begun >= 0.8


def test_slices_are_of_the_asked_sizes_and_as_far_apart_as_asked(engine: Engine, sink: sinks.Sink) -> None:
    with sinks.dial(engine.proxy("p", sink.address)) as client:
        engine.add("p", "slicer", UP, average_size=1000, size_variation=200, delay=20_000)
        client.sendall(noise(30_000))
        client.shutdown(socket.SHUT_WR)
        marks = sink.ended().marks
    assert sink.arrivals[0].sha.digest() == hashlib.sha256(noise(30_000)).digest()
    sizes = [marks[0][1], *(b[1] - a[1] for a, b in pairwise(marks))]
    assert len(sizes) >= 20  # a reader that is held up sees some together
    assert sorted(sizes)[len(sizes) // 2] <= 1200
    assert marks[-1][0] - marks[0][0] >= 24 * 0.02


def test_slices_of_one_byte_do_not_hold_up_the_others(
    engine: Engine, echo: sinks.Echo, sink: sinks.Sink
) -> None:
    ours, others = engine.proxy("p", sink.address), engine.proxy("q", echo.address)
    with sinks.dial(ours) as busy, sinks.dial(others) as other:
        engine.add("p", "slicer", UP, average_size=1)
        sending = sinks.send_all_only(busy, noise(2_000_000))
        trips = [trip(other) for _ in range(11)]
        assert counters(engine)["delivered"] < 2_000_000, "it was over before it could hold up anybody"
        assert sorted(trips)[5] < 0.1
        engine.done("POST", "/proxies/p/reset")
        sending.join(sinks.PATIENCE)


def test_slow_close_delays_the_end_and_no_byte(engine: Engine, sink: sinks.Sink) -> None:
    address = engine.proxy("p", sink.address)
    engine.add("p", "slow_close", UP, delay=700)
    with sinks.dial(address) as client:
        client.sendall(b"abc")
        client.shutdown(socket.SHUT_WR)
        shut = time.monotonic()
        sinks.wait_until(lambda: sink.arrival().nbytes == 3)
        assert sink.ended().end == "eof"
    assert sink.arrivals[0].ended - shut >= 0.7


def test_an_end_that_waits_is_let_go_with_its_toxic(engine: Engine, sink: sinks.Sink) -> None:
    address = engine.proxy("p", sink.address)
    engine.add("p", "slow_close", UP, delay=600_000)
    with sinks.dial(address) as client:
        client.sendall(b"abc")
        client.shutdown(socket.SHUT_WR)
        sinks.wait_until(lambda: sink.arrival().nbytes == 3)
        assert not sink.arrivals[0].over.wait(0.3)
        engine.drop("p", "slow_close")
        assert sink.ended().end == "eof"


# Gates


@pytest.mark.parametrize("live", [False, True])
def test_limit_data_lets_exactly_as_many_bytes_pass_and_closes(
    engine: Engine, sink: sinks.Sink, live: bool
) -> None:
    address = engine.proxy("p", sink.address)
    with sinks.dial(address) as client:
        before = b"before " if live else b""
        if live:
            client.sendall(before)
            sinks.wait_until(lambda: sink.arrival().nbytes == len(before))
            engine.add("p", "limit_data", UP, bytes=100_000)
        else:
            engine.add("p", "limit_data", UP, bytes=100_000)
            client.close()
            client = sinks.dial(address)  # noqa: PLW2901
        sending = sinks.send_all(client, noise(300_000))
        arrival = sink.ended(len(sink.arrivals) - 1 if live else 1)
        assert arrival.end == "eof"
        assert arrival.nbytes == len(before) + 100_000
        assert arrival.sha.digest() == hashlib.sha256(before + noise(300_000)[:100_000]).digest()
        sinks.wait_until(lambda: sending.reset or sending.eof)
        client.close()


class Staying(sinks.Sink):
    """Reads to the end, and keeps its own side open."""

    def leave(self, sock: socket.socket) -> None:
        pass


def test_a_toxic_that_ends_a_connection_ends_it_for_the_client_though_the_server_stays(
    engine: Engine,
) -> None:
    with Staying() as server:
        address = engine.proxy("p", server.address)
        engine.add("p", "limit_data", UP, bytes=1000)
        with sinks.dial(address) as client:
            client.sendall(noise(1000))
            assert ends(client) == "eof"
        assert server.ended().nbytes == 1000


def test_cut_after_resets_a_live_connection_after_exactly_as_many_bytes(
    engine: Engine, sink: sinks.Sink
) -> None:
    with sinks.dial(engine.proxy("p", sink.address)) as client:
        client.sendall(b"before ")
        sinks.wait_until(lambda: sink.arrival().nbytes == 7)
        engine.add("p", "cut_after", UP, bytes=123_456)
        sending = sinks.send_all(client, noise(400_000))
        arrival = sink.ended()
        assert (arrival.end, arrival.nbytes) == ("reset", 7 + 123_456)
        sinks.wait_until(lambda: sending.reset)


def test_timeout_swallows_and_then_closes_both_ends(engine: Engine, sink: sinks.Sink) -> None:
    address = engine.proxy("p", sink.address)
    engine.add("p", "timeout", UP, timeout=500)
    with sinks.dial(address) as client:
        begun = time.monotonic()
        client.sendall(noise(50_000))
        assert ends(client) in ("eof", "reset")
        assert time.monotonic() - begun >= 0.5
    assert sink.ended().nbytes == 0
    until(lambda: counters(engine), {"received": 50_000, "carried": 0, "delivered": 0})


def test_a_timeout_of_zero_closes_when_it_is_removed(engine: Engine, sink: sinks.Sink) -> None:
    with sinks.dial(engine.proxy("p", sink.address)) as client:
        client.sendall(b"seen")
        sinks.wait_until(lambda: sink.arrival().nbytes == 4)
        engine.add("p", "timeout", UP, timeout=0)
        client.sendall(b"unseen")
        assert silent(client)
        engine.drop("p", "timeout")
        assert sink.ended().nbytes == 4
        assert ends(client) == "eof"


@pytest.mark.parametrize("live", [False, True])
def test_reset_peer_resets_both_ends_after_its_time(engine: Engine, sink: sinks.Sink, live: bool) -> None:
    address = engine.proxy("p", sink.address)
    if not live:
        engine.add("p", "reset_peer", UP, timeout=300)
    with sinks.dial(address) as client:
        if live:
            client.sendall(b"seen")
            sinks.wait_until(lambda: sink.arrival().nbytes == 4)
            engine.add("p", "reset_peer", UP, timeout=300)
        begun = time.monotonic()
        client.sendall(b"x")
        assert ends(client) == "reset"
        assert time.monotonic() - begun >= 0.3
    assert (sink.ended().end, sink.ended().nbytes) == ("reset", 4 * live)


# Chance


def test_one_seed_strikes_the_same_connections(echo: sinks.Echo) -> None:
    def struck() -> list[bool]:
        with simsim_engine("--seed", "11") as engine:
            address = engine.proxy("p", echo.address)
            toxic = {"type": "timeout", "toxicity": 0.5, "attributes": {"timeout": 1}}
            engine.done("POST", "/proxies/p/toxics", {**toxic, "stream": "upstream"})
            return [_is_struck(address) for _ in range(24)]

    first = struck()
    assert 4 < sum(first) < 20
    assert struck() == first


def _is_struck(address: tuple[str, int]) -> bool:
    with sinks.dial(address) as client:
        client.sendall(b"x")
        try:
            return client.recv(1) == b""
        except ConnectionResetError:
            return True


# Faults on live connections


def test_a_reset_that_is_asked_for_ends_what_is_open_and_nothing_later(
    engine: Engine, echo: sinks.Echo
) -> None:
    address = engine.proxy("p", echo.address)
    clients = [sinks.dial(address) for _ in range(3)]
    for client in clients:
        trip(client)
    told = engine.done("POST", "/proxies/p/reset")
    assert (told["fault"], told["ended"]) == ("reset", 3)
    for client in clients:
        assert ends(client) == "reset"
        client.close()
    with sinks.dial(address) as client:
        trip(client)


def test_a_handover_leaves_the_old_connections_silent_and_the_new_ones_alone(
    engine: Engine, echo: sinks.Echo
) -> None:
    address = engine.proxy("p", echo.address)
    with sinks.dial(address) as old:
        trip(old)
        engine.done("POST", "/proxies/p/handover", {"seconds": 0.5})
        begun = time.monotonic()
        old.sendall(b"lost")
        with sinks.dial(address) as new:
            trip(new)
            assert time.monotonic() - begun > 0.4
        assert silent(old)
        assert not echo.arrivals[0].over.is_set()
        engine.done("POST", "/proxies/p", {"enabled": False})
        assert ends(old) == "reset"


# The proxy


def test_a_disabled_proxy_refuses_and_closes_and_an_enabled_one_takes_its_port_again(
    engine: Engine, echo: sinks.Echo
) -> None:
    address = engine.proxy("p", echo.address)
    with sinks.dial(address) as client:
        trip(client)
        engine.done("POST", "/proxies/p", {"enabled": False})
        assert ends(client) == "eof"
        with pytest.raises(ConnectionRefusedError):
            sinks.dial(address)
        engine.done("POST", "/proxies/p", {"enabled": True})
        with sinks.dial(address) as again:
            trip(again)


def test_an_upstream_that_is_not_there_closes_the_connection(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        upstream = gone.getsockname()
    with sinks.dial(engine.proxy("p", upstream)) as client:
        assert ends(client) == "eof"
    for n, nowhere in enumerate(("nonsense", "no-such-host.invalid:80", "127.0.0.1:99999", ":0", "[::1]:1")):
        shown = engine.done(
            "POST", "/proxies", {"name": f"n{n}", "listen": "127.0.0.1:0", "upstream": nowhere}
        )
        host, _, port = shown["listen"].rpartition(":")
        with sinks.dial((host, int(port))) as client:
            assert ends(client) == "eof"


def test_an_upstream_that_vanishes_under_toxics_ends_the_connection(engine: Engine) -> None:
    with sinks.Echo() as server:
        address = engine.proxy("p", server.address)
        engine.add("p", "latency", latency=50)
        client = sinks.dial(address)
        trip(client)
    with client:
        assert ends(client) in ("eof", "reset")


def test_names_and_ipv6_are_dialled_and_listened_at(engine: Engine, echo: sinks.Echo) -> None:
    port = echo.address[1]
    with sinks.dial(engine.proxy("p", ("localhost", port), listen="localhost:0")) as client:
        trip(client)
    host, at = engine.proxy("six", ("127.0.0.1", port), listen="[::1]:0")
    assert host == "::1"
    with socket.create_connection((host, at), sinks.PATIENCE) as client:
        trip(client)


# Timelines


CALM = """
summary = "a test"
[link]
up = "2 Mbit/s"
down = "2 Mbit/s"
delay = "30 ms"
jitter = "0 ms"
queue = "32 kB"
[workload]
users = 1
uploads = 1
size = "1 MB"
spawn_rate = 1
deadline = "60 s"
"""


def test_a_timeline_makes_one_link_of_all_connections_even_of_those_that_are_open(
    engine: Engine, echo: sinks.Echo
) -> None:
    address = engine.proxy("p", echo.address)
    with sinks.dial(address) as old:
        trip(old)
        told = engine.done("POST", "/proxies/p/timeline", {"profile": CALM, "seed": 3, "user": 2})
        assert (told["seed"], told["user"], len(told["digest"])) == (3, 2, 64)
        assert min(trip(old) for _ in range(3)) >= 0.06
        with sinks.dial(address) as new:
            begun = time.monotonic()
            sending = [sinks.send_all_only(sock, noise(250_000)) for sock in (old, new)]
            assert [read(sock, 250_000) for sock in (old, new)] == [noise(250_000)] * 2
            assert time.monotonic() - begun >= 1.9  # 2 x 250 kB at 250 kB/s: shared, unlike a toxic's
            for thread in sending:
                thread.join(sinks.PATIENCE)
        engine.done("DELETE", "/proxies/p/timeline")
        assert min(trip(old) for _ in range(20)) < 0.05


def test_faults_strike_under_a_timeline_and_are_told(engine: Engine, echo: sinks.Echo) -> None:
    address = engine.proxy("p", echo.address)
    engine.done("POST", "/proxies/p/timeline", {"profile": CALM})
    with sinks.dial(address) as client:
        trip(client)
        assert engine.done("POST", "/proxies/p/reset")["ended"] == 1
        assert ends(client) == "reset"
    (event,) = engine.done("GET", "/proxies/p/timeline")["events"]
    assert (event["fault"], event["connections"]) == ("reset", 1)


def test_the_same_profile_seed_and_user_give_the_same_weather_as_a_run(
    engine: Engine, echo: sinks.Echo
) -> None:
    from simulator.weather import draw, load_profile

    engine.proxy("p", echo.address)
    told = engine.done("POST", "/proxies/p/timeline", {"profile": "mobile-flaky", "seed": 5, "user": 1})
    assert told["digest"] == draw(load_profile("mobile-flaky"), 5, 1).digest()


def test_a_proxy_has_toxics_or_a_timeline(engine: Engine, echo: sinks.Echo) -> None:
    engine.proxy("p", echo.address)
    engine.add("p", "latency", latency=1)
    assert engine.ask("POST", "/proxies/p/timeline", {"profile": "wifi"}).status == 409
    engine.drop("p", "latency")
    engine.done("POST", "/proxies/p/timeline", {"profile": "wifi"})
    assert engine.ask("POST", "/proxies/p/toxics", {"type": "latency"}).status == 409
    engine.done("POST", "/reset")
    engine.add("p", "latency", latency=1)


def test_the_loop_goes_on_while_a_timeline_is_drawn(engine: Engine, echo: sinks.Echo) -> None:
    address = engine.proxy("p", echo.address)
    body = json.dumps({"profile": "mobile-flaky"}).encode()
    asking = socket.create_connection(("127.0.0.1", engine.port), sinks.PATIENCE)
    with asking, sinks.dial(address) as client:
        trip(client)
        head = f"POST /proxies/p/timeline HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        asking.sendall(head.encode() + body)
        begun, trips = time.monotonic(), []
        asking.setblocking(False)
        while not _readable(asking):
            assert time.monotonic() - begun < sinks.PATIENCE
            trips.append(trip(client))
        assert len(trips) > 10
        assert sorted(trips)[len(trips) // 2] < 0.1


def _readable(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
