"""The engine's HTTP server towards clients that are odd, slow, rude or many: it never ends, never hangs."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.helpers import sinks
from tests.helpers.engines import Engine, simsim_engine

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with simsim_engine() as engine:
        yield engine


@pytest.fixture(autouse=True)
def cleared(engine: Engine) -> Iterator[None]:
    engine.clear()
    yield
    assert engine.ask("GET", "/version").status == 200


def dial(engine: Engine) -> socket.socket:
    return sinks.dial(("127.0.0.1", engine.port))


def request(method: str, target: str, body: bytes = b"", *fields: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def to_the_end(sock: socket.socket) -> bytes:
    got = b""
    try:
        while data := sock.recv(65536):
            got += data
    except ConnectionResetError:
        pass
    return got


def test_requests_sent_ahead_are_answered_in_their_order(engine: Engine) -> None:
    with dial(engine) as sock:
        sock.sendall(request("GET", "/proxies") * 300 + request("GET", "/version", b"", "Connection: close"))
        got = to_the_end(sock)
    assert got.count(b"HTTP/1.1 200") == 301
    assert got.endswith(b"}") and b"version" in got[-60:]


def test_a_client_that_asks_without_reading_is_left_to_wait_and_holds_up_nobody(engine: Engine) -> None:
    for n in range(200):
        engine.proxy(f"proxy-with-a-rather-long-name-{n}", ("127.0.0.1", 9), enabled=False)
    before = psutil.Process(engine.process.pid).memory_info().rss
    with dial(engine) as sock:
        sock.settimeout(1)
        with pytest.raises(TimeoutError):
            while True:
                sock.sendall(request("GET", "/proxies") * 100)
        begun = time.monotonic()
        assert engine.ask("GET", "/version").status == 200
        assert time.monotonic() - begun < 5
    assert psutil.Process(engine.process.pid).memory_info().rss - before < 20_000_000


def test_half_a_request_holds_up_nobody_and_is_hung_up_on_in_the_end(engine: Engine) -> None:
    with dial(engine) as head, dial(engine) as body:
        head.sendall(b"POST /proxies HTTP/1.1\r\nHo")
        body.sendall(request("POST", "/proxies", b"x" * 100)[:-50])
        assert engine.ask("GET", "/version").status == 200
        body.settimeout(60)
        assert to_the_end(body) == b""


def test_a_client_that_goes_in_the_middle_is_forgotten(engine: Engine) -> None:
    open_before = len(psutil.Process(engine.process.pid).net_connections())
    for cut in range(1, 60, 3):
        with dial(engine) as sock:
            sock.sendall(request("POST", "/proxies", b'{"name":"x"}')[:cut])
    with dial(engine) as sock:
        sock.sendall(request("POST", "/proxies/p/timeline", b'{"profile":"wifi"}'))
    sinks.wait_until(lambda: len(psutil.Process(engine.process.pid).net_connections()) <= open_before)


def test_a_client_that_expects_100_continue_is_told_to_go_on(engine: Engine) -> None:
    body = json.dumps({"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}).encode()
    with dial(engine) as sock:
        sock.sendall(request("POST", "/proxies", body, "Expect: 100-continue")[: -len(body)])
        assert sock.recv(100).startswith(b"HTTP/1.1 100")
        sock.sendall(body)
        assert sock.recv(1000).startswith(b"HTTP/1.1 201")


def test_a_chunked_body_is_read_and_an_old_client_is_answered(engine: Engine) -> None:
    with dial(engine) as sock:
        head = b"POST /populate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        sock.sendall(head + b"1\r\n[\r\n1\r\n]\r\n0\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 201")
    with dial(engine) as sock:
        sock.sendall(b"GET /version HTTP/1.0\r\n\r\n")
        assert to_the_end(sock).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("announced", [True, False])
def test_a_giant_body_is_refused_and_never_kept(engine: Engine, announced: bool) -> None:
    before = psutil.Process(engine.process.pid).memory_info().rss
    with dial(engine) as sock:
        if announced:
            sock.sendall(b"POST /populate HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n")
        else:
            sock.sendall(b"POST /populate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        sending = sinks.send_all_only(sock, (b"10000\r\n" + b"[" * 65536 + b"\r\n") * 300)
        got = sock.recv(65536)
        sending.join(sinks.PATIENCE)
    assert got.startswith(b"HTTP/1.1 413")
    assert psutil.Process(engine.process.pid).memory_info().rss - before < 60_000_000


@pytest.mark.parametrize(
    "junk",
    [
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /proxies HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /proxies HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /proxies HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000,
        b"POST /populate HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        bytes(range(256)) * 10,
    ],
)
def test_what_is_no_request_is_refused_or_hung_up_on(engine: Engine, junk: bytes) -> None:
    with dial(engine) as sock:
        sock.sendall(junk)
        sock.shutdown(socket.SHUT_WR)
        got = to_the_end(sock)
    assert got == b"" or got.startswith(b"HTTP/1.1 ")
    assert b"HTTP/1.1 500" not in got


def test_deep_json_is_refused(engine: Engine) -> None:
    for body in (b"[" * 200_000, b'{"a":' * 200_000, b'{"name":' + b"9" * 100_000 + b"}", b"1e999999"):
        assert engine.ask("POST", "/proxies", body).status == 400


def test_ten_thousand_proxies_are_made_shown_and_deleted(engine: Engine) -> None:
    """As many as there are descriptors for: then each further one is refused, and the engine goes on."""
    _, most = psutil.Process(engine.process.pid).rlimit(psutil.RLIMIT_NOFILE)
    many = [{"name": f"p{n}", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"} for n in range(10_000)]
    answer = engine.ask("POST", "/populate", many)
    if most > 10_100:
        assert answer.status == 201
        assert len(engine.done("GET", "/proxies")) == 10_000
        engine.add("p9999", "latency", latency=1)
        assert engine.done("GET", "/proxies/p9999")["toxics"][0]["name"] == "latency"
        assert engine.ask("GET", "/metrics").body.count(b"\n") > 80_000
    else:
        assert (answer.status, b"too many open files" in answer.body) == (500, True)
    engine.clear()
    assert engine.done("GET", "/proxies") == {}


def test_an_engine_without_descriptors_goes_on_once_there_are_some(engine: Engine) -> None:
    process = psutil.Process(engine.process.pid)
    limits = process.rlimit(psutil.RLIMIT_NOFILE)
    with sinks.Echo() as echo:
        address = engine.proxy("p", echo.address)
        process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds() + 3, limits[1]))
        clients = [sinks.dial(address) for _ in range(8)]
        time.sleep(0.3)
        process.rlimit(psutil.RLIMIT_NOFILE, limits)
        assert engine.ask("GET", "/version").status == 200
        with sinks.dial(address) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        for client in clients:
            client.close()


def test_the_port_of_the_api_cannot_be_had_twice(engine: Engine) -> None:
    answer = engine.ask(
        "POST", "/proxies", {"name": "p", "listen": f"127.0.0.1:{engine.port}", "upstream": "127.0.0.1:9"}
    )
    assert answer.status == 500
    assert answer.json()["error"].endswith("bind: address already in use")


def test_only_loopback_is_listened_at_unless_the_engine_was_told_otherwise(engine: Engine) -> None:
    body = {"name": "p", "listen": "0.0.0.0:0", "upstream": "127.0.0.1:9"}
    answer = engine.ask("POST", "/proxies", body)
    assert (answer.status, "--allow-remote" in answer.json()["error"]) == (403, True)
    assert engine.done("POST", "/proxies", {**body, "listen": ":0"})["listen"].startswith("127.0.0.1:")
    with simsim_engine("--allow-remote") as open_engine:
        assert open_engine.done("POST", "/proxies", body)["listen"].startswith("0.0.0.0:")
