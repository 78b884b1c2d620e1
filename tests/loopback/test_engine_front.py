"""Links whose clients say where to: tunnels and forwarded requests, with every end they can come to."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import Address, EngineEvent, LinkSpec
from simulator.weather.timeline import Break, Timeline
from tests.contracts.check_engine import flat, happened, instant, noise, sees_end
from tests.helpers import sinks

pytestmark = pytest.mark.loopback

LINES = {"unlimited": flat(rate=None), "shaped": flat(rate=50e6, delay=0.01)}
each_line = pytest.mark.parametrize("line", LINES.values(), ids=LINES)


@dataclass
class ProxyScene:
    """An engine with one link whose clients say where to, and what it said."""

    engine: EmbeddedEngine
    address: Address
    said: list[EngineEvent] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def wait(self, what: str, n: int = 1) -> EngineEvent:
        def there() -> bool:
            self.said.extend(self.engine.events(0.2))
            return len(happened(self.said, what)) >= n

        sinks.wait_until(there)
        return happened(self.said, what)[n - 1]


@contextmanager
def proxied(line: Timeline, listen: Address = ("127.0.0.1", 0)) -> Iterator[ProxyScene]:
    with EmbeddedEngine() as engine:
        yield ProxyScene(engine, engine.open([LinkSpec("a", "g", line, None, listen)])["a"])


def connect_head(target: Address) -> bytes:
    there = f"[{target[0]}]:{target[1]}" if ":" in target[0] else f"{target[0]}:{target[1]}"
    return f"CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n\r\n".encode()


def socks_words(target: Address) -> bytes:
    name = target[0].encode()
    return b"\x05\x01\x00\x05\x01\x00\x03" + bytes([len(name)]) + name + target[1].to_bytes(2)


def tunnel(proxy: Address, target: Address, words: Any = connect_head, more: bytes = b"") -> socket.socket:
    """Return a connection whose handshake is over."""
    sock = sinks.dial(proxy)
    sock.sendall(words(target) + more)
    if words is connect_head:
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += sock.recv(1)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
    else:
        assert sock.recv(2, socket.MSG_WAITALL) == b"\x05\x00"
        answer = sock.recv(4, socket.MSG_WAITALL)
        assert answer[:3] == b"\x05\x00\x00", answer
        sock.recv(6 if answer[3] == 1 else 18, socket.MSG_WAITALL)
    return sock


def answer_to(proxy: Address, said: bytes) -> bytes:
    """Return all that comes back for *said*."""
    with sinks.dial(proxy) as sock:
        sock.sendall(said)
        return b"".join(iter(lambda: sock.recv(65536), b""))


# Tunnels


@each_line
@pytest.mark.parametrize("words", [connect_head, socks_words], ids=["connect", "socks5"])
def test_bytes_pass_a_tunnel_intact_both_ways_and_are_counted(line: Timeline, words: Any) -> None:
    data = noise(3_000_000)
    with sinks.Answering(data[::-1]) as server, proxied(line) as proxy:
        with tunnel(proxy.address, server.address, words, more=data[:1000]) as client:
            client.sendall(data[1000:])
            client.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: client.recv(65536), b"")) == data[::-1]
        assert server.ended().sha.digest() == hashlib.sha256(data).digest()
        end = proxy.wait("connection")
        assert (end["end"], end["carried_up"], end["carried_down"]) == ("client", len(data), len(data))


class Six(sinks.Echo):
    host = "::1"


@pytest.mark.parametrize("words", [connect_head, socks_words], ids=["connect", "socks5"])
@pytest.mark.parametrize(("host", "echo"), [("localhost", sinks.Echo), ("::1", Six)])
def test_targets_are_names_and_numbers_of_both_kinds(host: str, echo: type[sinks.Echo], words: Any) -> None:
    with (
        echo() as server,
        proxied(flat()) as proxy,
        tunnel(proxy.address, (host, server.address[1]), words) as client,
    ):
        client.sendall(b"x")
        assert client.recv(1) == b"x"


def test_a_proxy_listens_on_ipv6_too() -> None:
    with (
        sinks.Echo() as server,
        proxied(flat(), ("::1", 0)) as proxy,
        socket.create_connection(proxy.address, timeout=sinks.PATIENCE) as client,
    ):
        client.sendall(connect_head(server.address))
        assert client.recv(12) == b"HTTP/1.1 200"


def test_a_server_that_speaks_first_is_heard_after_the_handshake() -> None:
    class Banner(sinks.Server):
        def serve(self, sock: socket.socket, arrival: sinks.Arrival) -> None:
            sock.sendall(b"220 ready\r\n")
            super().serve(sock, arrival)

    for line in LINES.values():
        with Banner() as server, proxied(line) as proxy, tunnel(proxy.address, server.address) as client:
            assert client.recv(100) == b"220 ready\r\n"


def test_a_client_hears_that_it_is_connected_after_a_round_trip() -> None:
    with sinks.Echo() as server, proxied(flat(rate=10e6, delay=0.2)) as proxy:
        began = time.monotonic()
        with tunnel(proxy.address, server.address):
            assert time.monotonic() - began >= 0.4


def test_a_tunnel_ends_by_a_reset_and_the_next_is_opened() -> None:
    with sinks.Sink() as server, proxied(flat()) as proxy:
        with tunnel(proxy.address, server.address) as client, sinks.dial(proxy.address) as silent:
            client.sendall(b"x")
            sinks.wait_until(lambda: server.arrival().nbytes == 1)
            proxy.engine.strike("a", "reset")
            assert sees_end(client)[0] == "reset"
            assert sees_end(silent)[0] == "reset"  # it has said nothing yet, and is a connection all the same
        assert {proxy.wait("connection", n)["end"] for n in (1, 2)} == {"reset"}
        with tunnel(proxy.address, server.address):
            assert server.arrival(1)


def test_a_cut_counts_the_bytes_of_the_tunnel_and_not_of_the_handshake() -> None:
    cut = Break(0.0, "cut-after", 60.0, connection_bytes=1500)
    for line in (flat(rate=None, breaks=[cut]), flat(breaks=[cut])):
        with sinks.Sink() as server, proxied(line) as proxy:
            proxy.engine.start("a", time.monotonic())
            for more in (b"", bytes(1000), bytes(4000)):
                with tunnel(proxy.address, server.address, more=more) as client:
                    sinks.send_all(client, bytes(4000))
                    n = len(server.arrivals) - 1
                    assert server.ended(n).nbytes == 1500


def test_a_client_that_leaves_before_it_asked_is_forgotten() -> None:
    with proxied(flat()) as proxy:
        sinks.dial(proxy.address).close()
        end = proxy.wait("connection")
        assert (end["end"], end["carried_up"]) == ("client", 0)


# What is refused


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port that refuses: bound, so that nobody else takes it, and not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.mark.parametrize(
    ("target", "status", "code", "why"),
    [
        (("127.0.0.1", 0), b"400", 1, "not HOST:PORT"),
        (("127.0.0.1", -1), b"502", 5, "refuses connections"),
        (("nowhere.invalid", 80), b"502", 4, "no address"),
        (("192.0.2.1", 80), b"403", 2, "allow-remote"),
        (("::ffff:192.0.2.1", 80), b"403", 2, "allow-remote"),
        (("0.0.0.0", 80), b"403", 2, "allow-remote"),
        (("127.0.0.1", -2), b"508", 2, "own address"),
        (("localhost", -2), b"508", 2, "own address"),
    ],
)
def test_what_cannot_be_had_is_told_in_the_clients_protocol_and_reported(
    target: Address, status: bytes, code: int, why: str, refusing: int
) -> None:
    with proxied(flat(delay=0.01)) as proxy:
        host, port = target[0], {-1: refusing, -2: proxy.address[1]}.get(target[1], target[1])
        assert answer_to(proxy.address, connect_head((host, port)))[9:12] == status
        answer = answer_to(proxy.address, socks_words((host, port)))
        assert answer[:4] == bytes((5, 0, 5, code))
        for n in (1, 2):
            told = proxy.wait("refused", n)
            assert why in told["why"]
            assert told["port"] == proxy.wait("connection", n)["port"]


def test_a_browser_that_opens_the_address_itself_is_told_what_it_is() -> None:
    with proxied(flat()) as proxy:
        answer = httpx.get(proxy.url, trust_env=False)
        assert answer.status_code == 421
        assert "is a proxy" in answer.text


# Forwarded requests


class Site(http.server.ThreadingHTTPServer):
    """Answers each request with what it saw of it."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[tuple[int, str, str]] = []  # client's port, method and path, Host
        super().__init__(("127.0.0.1", 0), SiteHandler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class SiteHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"{self.command} {self.path}"
        self.server.seen.append((self.client_address[1], said, self.headers["Host"]))
        told = f"{self.server.name} {said} {hashlib.sha256(body).hexdigest()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def sites(*names: str) -> Iterator[list[Site]]:
    there = [Site(name) for name in names]
    yield there
    for site in there:
        site.shutdown()
        site.server_close()


def through(proxy: ProxyScene) -> httpx.Client:
    return httpx.Client(proxy=proxy.url, trust_env=False, timeout=sinks.PATIENCE)


@each_line
def test_plain_http_is_forwarded_and_its_connection_is_kept(line: Timeline) -> None:
    body = noise(300_000)
    with sites("one") as (site,), proxied(line) as proxy, through(proxy) as client:
        for n in range(3):
            answer = client.post(f"{site.url}/{n}?q", content=body)
            assert answer.text == f"one POST /{n}?q {hashlib.sha256(body).hexdigest()}"
        assert {port for port, _, _ in site.seen} == {site.seen[0][0]}
        assert {host for _, _, host in site.seen} == {site.url.removeprefix("http://")}


def ask(client: socket.socket, url: str) -> bytes:
    """Return the answer to one request on a connection that stays open."""
    client.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += client.recv(65536)
    fields, _, content = answer.partition(b"\r\n\r\n")
    length = int(fields.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(content) < length:
        content += client.recv(65536)
    return content


@each_line
def test_a_client_that_goes_to_another_server_on_its_connection_gets_there(line: Timeline) -> None:
    with sites("one", "two") as there, proxied(line) as proxy:
        with sinks.dial(proxy.address) as client:
            for n in range(6):
                site = there[n // 2 % 2]
                assert ask(client, f"{site.url}/{n}").startswith(f"{site.name} GET /{n} ".encode())
            port = client.getsockname()[1]
        assert [len(site.seen) for site in there] == [4, 2]
        ends = [proxy.wait("connection", n) for n in (1, 2, 3)]
        assert [end["port"] for end in ends] == [port] * 3  # one to each server, one after the other
        assert all(end["carried_up"] > 0 and end["carried_down"] > 0 for end in ends)


def test_httpx_goes_to_several_servers_through_one_proxy() -> None:
    with sites("one", "two") as there, proxied(flat()) as proxy, through(proxy) as client:
        for n in range(6):
            site = there[n % 2]
            assert client.get(f"{site.url}/{n}").text.startswith(f"{site.name} GET /{n} ")


def test_a_request_for_another_server_before_the_answer_must_come_again() -> None:
    with sites("one", "two") as (one, two), proxied(flat(delay=0.05)) as proxy:
        asked = [f"GET {site.url}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode() for site in (one, two)]
        answer = answer_to(proxy.address, b"".join(asked))
        assert answer.count(b"HTTP/1.1 200") == 1
        assert b"one GET /" in answer
        assert two.seen == []


def test_a_request_that_makes_no_sense_ends_the_connection_after_the_answers_before_it() -> None:
    with sites("one") as (one,), proxied(flat(delay=0.02)) as proxy:
        asked = f"GET {one.url}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        answer = answer_to(proxy.address, asked + b"nonsense\r\n\r\n")
        assert b"one GET /" in answer


def test_a_cut_counts_what_the_server_sees_of_forwarded_requests() -> None:
    cut = Break(0.0, "cut-after", 60.0, connection_bytes=5000)
    with sinks.Sink() as server, proxied(flat(breaks=[cut])) as proxy:
        proxy.engine.start("a", time.monotonic())
        url = f"http://127.0.0.1:{server.address[1]}/"
        with sinks.dial(proxy.address) as client:
            said = f"POST {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n".encode()
            sinks.send_all(client, said + bytes(9000))
            assert server.ended().nbytes == 5000


def test_an_upload_is_forwarded_at_the_rate_of_the_link() -> None:
    with sites("one") as (one,), proxied(flat(rate=4e6)) as proxy, through(proxy) as client:
        began = time.monotonic()
        client.post(one.url, content=bytes(1_000_000))
        assert time.monotonic() - began > 0.9 * 1_000_000 * 8 / 4e6


def test_a_forwarded_upload_is_cut_by_a_planned_reset() -> None:
    line = flat(rate=4e6, breaks=[instant("reset", 0.5)])
    with sites("one") as (one,), proxied(line) as proxy, through(proxy) as client:
        proxy.engine.start("a", time.monotonic())
        with pytest.raises(httpx.TransportError):
            client.post(one.url, content=bytes(1_000_000))
        assert client.post(one.url, content=b"x").status_code == 200
