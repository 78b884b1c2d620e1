"""The same answers as httpx's own transport gives, from the standard library's server."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator

import httpx
import pytest

from simulator.transport import LinkTransport

pytestmark = pytest.mark.loopback

BIG = bytes(range(256)) * 40_000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        {
            "/plain": lambda: self.reply(200, b"hello"),
            "/empty": lambda: self.reply(200, b""),
            "/big": lambda: self.reply(200, BIG),
            "/gzip": lambda: self.reply(200, gzip.compress(b"hello" * 99), ("Content-Encoding", "gzip")),
            "/moved": lambda: self.reply(302, b"over there", ("Location", "/plain")),
            "/twice": lambda: self.reply(200, b"", ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
            "/none": lambda: self.bare(204),
            "/same": lambda: self.bare(304),
            "/chunked": self.chunked,
            "/until-close": self.until_close,
        }.get(self.path, lambda: self.reply(404, b"no such page"))()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(201, b"%d %s" % (len(body), body[:10]), ("X-Type", self.headers.get("Content-Type", "-")))

    def reply(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def bare(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"5\r\nhello\r\n6;a=b\r\n again\r\n0\r\n\r\n")

    def until_close(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"hello")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(name="url", scope="module")
def _url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def seen(response: httpx.Response) -> object:
    """Return what a user of httpx sees of *response*."""
    headers = [(k, v) for k, v in response.headers.raw if k != b"Date"]
    cookies = dict(response.cookies)
    return (
        response.status_code,
        response.reason_phrase,
        response.http_version,
        headers,
        cookies,
        response.content,
        [seen(earlier) for earlier in response.history],
    )


PATHS = ["plain", "empty", "big", "gzip", "moved", "twice", "none", "same", "chunked", "until-close", "else"]
REQUESTS = [
    *[(method, path, {}) for method in ("GET", "HEAD") for path in PATHS],
    ("POST", "x", {"content": b"some bytes"}),
    ("POST", "x", {"content": BIG}),
    ("POST", "x", {"data": {"a": "b"}}),
    ("POST", "x", {"json": {"a": 1}}),
    ("POST", "x", {"files": {"f": ("name.bin", BIG)}}),
    ("POST", "x", {"content": b""}),
]


@pytest.fixture(name="clients", scope="module")
def _clients(url: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    with (
        httpx.Client(base_url=url, trust_env=False, follow_redirects=True) as stock,
        httpx.Client(base_url=url, trust_env=False, follow_redirects=True, transport=LinkTransport()) as ours,
    ):
        yield stock, ours


@pytest.mark.parametrize(
    ("method", "path", "extra"), REQUESTS, ids=[f"{m}-{p}-{'-'.join(e)}" for m, p, e in REQUESTS]
)
def test_an_answer_is_as_stock_httpx_gives_it(
    clients: tuple[httpx.Client, httpx.Client], method: str, path: str, extra: dict[str, object]
) -> None:
    if "files" in extra:
        extra = {**extra, "headers": {"Content-Type": "multipart/form-data; boundary=b"}}
    stock, ours = (client.request(method, f"/{path}", **extra) for client in clients)  # type: ignore[arg-type]
    assert seen(ours) == seen(stock)


def test_a_streamed_answer_is_as_stock_httpx_gives_it(clients: tuple[httpx.Client, httpx.Client]) -> None:
    bodies = []
    for client in clients:
        with client.stream("GET", "/big") as response:
            bodies.append(b"".join(response.iter_bytes(1000)))
    assert bodies == [BIG, BIG]


def test_a_scheme_that_is_not_http_is_unsupported_as_with_stock_httpx() -> None:
    for transport in (httpx.HTTPTransport(), LinkTransport()):
        with httpx.Client(transport=transport) as client, pytest.raises(httpx.UnsupportedProtocol):
            client.get("ftp://127.0.0.1/")
