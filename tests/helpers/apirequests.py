"""Requests to toxiproxy's API, as Hypothesis draws them: mostly sensible, now and then not.

Addresses have a host that each server replaces by its own, since two cannot listen at one address.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

HOST = "HOST"
NAMES = st.sampled_from(["a", "a", "b", "c d", "", "é<&>", "x" * 300])
LISTENS = st.sampled_from(
    [
        f"{HOST}:0",
        f"{HOST}:0",
        f"{HOST}:31001",
        f"{HOST}:31002",
        f"{HOST}:70000",
        f"{HOST}:-1",
        "nonsense",
        f"{HOST}:ab",
        "::1:2",
        "[::1",
    ]
)
UPSTREAMS = st.sampled_from(["127.0.0.1:9", "127.0.0.1:10", "nowhere", ""])
KINDS = st.sampled_from(
    [
        "latency",
        "bandwidth",
        "slow_close",
        "timeout",
        "reset_peer",
        "slicer",
        "limit_data",
        "noop",
        "",
        "nope",
        "Latency",
    ]
)
STREAMS = st.sampled_from(["upstream", "downstream", "Upstream", "sideways", ""])
ATTRIBUTES = (
    "latency",
    "jitter",
    "rate",
    "delay",
    "timeout",
    "bytes",
    "size_variation",
    "LATENCY",
    "unknown",
)
NUMBERS = st.sampled_from([0, 1, 7, 1000, 10**6])
WRONG = st.sampled_from([None, True, "1", 1.5, [], {}, 10**40])


def maybe_wrong(sensible: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(sensible, sensible, sensible, sensible, sensible, sensible, WRONG)


def some(fields: dict[str, st.SearchStrategy[Any]], always: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """Draw an object that nearly always has the fields *always*, and perhaps the others."""
    wrong = {name: maybe_wrong(value) for name, value in fields.items()}
    kept = {name: wrong[name] for name in always}
    rest = {name: wrong[name] for name in fields if name not in always}
    whole = st.fixed_dictionaries(kept, optional=rest)
    return st.one_of(whole, whole, whole, st.fixed_dictionaries({}, optional=wrong))


PROXIES = some(
    {"name": NAMES, "listen": LISTENS, "upstream": UPSTREAMS, "enabled": st.booleans()},
    ("name", "listen", "upstream"),
)
VALUES = some({name: NUMBERS for name in ATTRIBUTES}).map(
    # a slicer without an average_size ends the original: it always gets one here
    lambda values: (
        {**values, "average_size": 100, "size_variation": 5} if isinstance(values, dict) else values
    )
)
TOXICS = some(
    {
        "name": NAMES,
        "type": KINDS,
        "stream": STREAMS,
        "toxicity": st.sampled_from([0, 0.1, 0.3333333333, 1, 1.0, 1e-7]),
        "attributes": VALUES,
    },
    ("type", "attributes"),
)
BROKEN = st.sampled_from(
    [b"", b"{", b"[", b"null", b"nul", b'"x', b"[1,]", b"{}}", b"\xff", b"NaN", b'{"name":"\\ud800"}']
)


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def bodies(sensible: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    good = sensible.map(encoded)
    return st.one_of(good, good, good, good, good, BROKEN)


PROXY = st.sampled_from(
    ["/proxies/a", "/proxies/a", "/proxies/b", "/proxies/c%20d", "/proxies/none", "/proxies/%C3%A9%3C&%3E"]
)
TOXIC = st.sampled_from(["a", "b", "latency_downstream", "bandwidth_upstream", "none"])
LOST = st.sampled_from(
    ["/", "/nope", "/proxies/", "//proxies", "/proxies/./a", "/reset/x", "/version", "/%zz", "/proxies/a%2Fb"]
)
METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"])
CHANGES = st.sampled_from(["POST", "PATCH"])

REQUESTS: st.SearchStrategy[tuple[str, str, bytes]] = st.one_of(
    st.tuples(st.just("POST"), st.just("/proxies"), bodies(PROXIES)),
    st.tuples(st.just("POST"), st.just("/proxies"), bodies(PROXIES)),
    st.tuples(st.just("POST"), st.just("/populate"), bodies(st.lists(PROXIES, max_size=3))),
    st.tuples(CHANGES, PROXY, bodies(PROXIES)),
    st.tuples(st.just("POST"), PROXY.map(lambda path: f"{path}/toxics"), bodies(TOXICS)),
    st.tuples(st.just("POST"), PROXY.map(lambda path: f"{path}/toxics"), bodies(TOXICS)),
    st.tuples(CHANGES, st.builds("{}/toxics/{}".format, PROXY, TOXIC), bodies(TOXICS)),
    st.tuples(
        st.sampled_from(["GET", "DELETE"]), st.builds("{}/toxics/{}".format, PROXY, TOXIC), st.just(b"")
    ),
    st.tuples(st.sampled_from(["GET", "DELETE"]), PROXY, st.just(b"")),
    st.tuples(st.just("GET"), st.sampled_from(["/proxies", "/proxies/a/toxics"]), st.just(b"")),
    st.tuples(st.just("POST"), st.just("/reset"), st.just(b"")),
    st.tuples(METHODS, st.one_of(PROXY, LOST), st.just(b"")),
)
