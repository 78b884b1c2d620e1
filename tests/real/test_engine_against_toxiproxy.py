"""The same requests to ``simsim engine`` and to the toxiproxy server: the same statuses, the same bodies.

What is not compared: the words after "bad request body:" (Go's, and ours), the field ``Logger`` that
the original shows by accident, what ``/version`` says, and the addresses at which each listens, which
must differ (asked for none, the original takes all addresses and we take loopback).
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.apirequests import HOST, REQUESTS
from tests.helpers.engines import Answer, Engine, simsim_engine, toxiproxy_server

pytestmark = pytest.mark.real

EXPECTED = {"Logger", "version", "server"}  # fields that differ
OURS, ORIGINAL = "127.0.0.3", "127.0.0.2"
Request = tuple[str, str, bytes]
Pair = tuple[Engine, Engine]


@pytest.fixture(scope="module")
def pair(toxiproxy: Path) -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as scout:
        port = scout.getsockname()[1]
    with simsim_engine() as ours, toxiproxy_server(toxiproxy, port) as original:
        yield ours, original


def normal(answer: Answer, host: str) -> tuple[int, str, str, Any]:
    """Return what is compared of an answer."""
    text = re.sub(rf"{HOST}:\d+", f"{HOST}:PORT", answer.body.decode().replace(host, HOST))
    text = re.sub(r"(\"listen\":\")(\[::\]|127\.0\.0\.1):\d+", rf"\1{HOST}:PORT", text)  # without a listen
    text = re.sub(r"(bad request body: )(?!EOF|unexpected EOF)[^\n]*?(\",\"status)", r"\1...\2", text)
    text = re.sub(r"lookup (\S+) on [0-9.:]+", r"lookup \1", text)
    try:
        body = plain(json.loads(text))
    except ValueError:
        body = text
    return answer.status, answer.kind, answer.location, body


def plain(value: Any) -> Any:
    """Return *value* without the fields that differ."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if name not in EXPECTED}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def both(pair: Pair, request: Request, agent: str = "tests") -> tuple[Any, Any]:
    method, target, body = request
    return tuple(
        normal(engine.ask(method, target, body.replace(HOST.encode(), host.encode()), agent), host)
        for engine, host in zip(pair, (OURS, ORIGINAL), strict=True)
    )  # type: ignore[return-value]


def same(pair: Pair, *requests: Request) -> None:
    for request in requests:
        ours, original = both(pair, request)
        assert ours == original, request


@pytest.fixture(autouse=True)
def cleared(pair: Pair) -> None:
    for engine in pair:
        engine.clear()


@given(st.lists(REQUESTS, min_size=1, max_size=15))
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_sequence_of_requests_gets_the_same_answers(pair: Pair, requests: list[Request]) -> None:
    for engine in pair:
        engine.clear()
    same(pair, *requests)


def test_a_life_of_a_proxy_gets_the_same_answers(pair: Pair) -> None:
    create = {"name": "p", "listen": f"{HOST}:0", "upstream": "127.0.0.1:9"}
    latency = {"type": "latency", "attributes": {"latency": 100, "jitter": 5}}
    same(
        pair,
        ("GET", "/proxies", b""),
        ("POST", "/proxies", json.dumps(create).encode()),
        ("POST", "/proxies", json.dumps(create).encode()),
        ("POST", "/proxies/p/toxics", json.dumps(latency).encode()),
        (
            "POST",
            "/proxies/p/toxics",
            json.dumps({**latency, "stream": "upstream", "toxicity": 0.5}).encode(),
        ),
        ("POST", "/proxies/p/toxics/latency_upstream", b'{"attributes":{"jitter":1}}'),
        ("PATCH", "/proxies/p/toxics/latency_downstream", b'{"toxicity":0.25}'),
        ("GET", "/proxies/p/toxics", b""),
        ("GET", "/proxies/p/toxics/latency_upstream", b""),
        ("DELETE", "/proxies/p/toxics/latency_upstream", b""),
        ("POST", "/proxies/p", b'{"enabled":false}'),
        ("POST", "/proxies/p", b'{"enabled":true,"upstream":"127.0.0.1:10"}'),
        ("POST", "/reset", b""),
        ("GET", "/proxies", b""),
        ("DELETE", "/proxies/p", b""),
        ("GET", "/proxies/p", b""),
    )


def test_an_address_that_is_taken_or_not_ours_is_refused_with_the_same_words(pair: Pair) -> None:
    with socket.create_server(("127.0.0.4", 0)) as other:
        taken = f"127.0.0.4:{other.getsockname()[1]}"
        body = {"name": "p", "listen": taken, "upstream": "127.0.0.1:9"}
        wrong = [
            {**body, "listen": text} for text in ("foo", "foo:bar", "127.0.0.1:x", "127.0.0.1:65536", "[::1")
        ]
        same(pair, *(("POST", "/proxies", json.dumps(each).encode()) for each in (body, *wrong)))
        first = {**body, "name": "q", "listen": f"{HOST}:0"}
        same(pair, ("POST", "/populate", json.dumps([first, body]).encode()), ("GET", "/proxies", b""))
        same(pair, ("POST", "/proxies/q", json.dumps({"listen": taken}).encode()), ("GET", "/proxies", b""))


def test_populating_again_leaves_what_is_the_same_and_replaces_what_differs(pair: Pair) -> None:
    one = {"name": "p", "listen": f"{HOST}:31005", "upstream": "127.0.0.1:9"}
    toxic = b'{"type":"latency"}'
    same(
        pair,
        ("POST", "/populate", json.dumps([one]).encode()),
        ("POST", "/proxies/p/toxics", toxic),
        ("POST", "/populate", json.dumps([{**one, "enabled": False}]).encode()),
        ("POST", "/populate", json.dumps([{**one, "upstream": "127.0.0.1:10"}]).encode()),
        ("GET", "/proxies", b""),
    )


def test_a_browser_is_turned_away_alike(pair: Pair) -> None:
    for target in ("/proxies", "/version", "/nope"):
        ours, original = both(pair, ("GET", target, b""), agent="Mozilla/5.0")
        assert ours == original


def test_what_would_end_the_original_is_refused(pair: Pair) -> None:
    """Said of ours alone: the original's process would be gone."""
    ours, _ = pair
    ours.proxy("p", ("127.0.0.1", 9))
    for kind, attributes in (("bandwidth", {"rate": -1}), ("slicer", {}), ("latency", {"jitter": 2**62})):
        answer = ours.ask("POST", "/proxies/p/toxics", {"type": kind, "attributes": attributes})
        assert answer.status == 400, answer
