"""``/metrics``: Prometheus' text, version 0.0.4. toxiproxy's two counters, live here, and simsim's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from simulator.links.embedded.api.records import Proxy

KIND = "text/plain; version=0.0.4; charset=utf-8"

Counted = Mapping[str, Any]
_WAYS = ("upstream", "downstream")


def text(proxies: Iterable[Proxy]) -> str:
    """Return the counters of all *proxies*."""
    counted = [(proxy, proxy.live.counters()) for proxy in proxies]
    return "".join(f"{line}\n" for family in _FAMILIES for line in family(counted))


def _by_way(name: str, key: str, words: str) -> Callable[[list[tuple[Proxy, Counted]]], Iterator[str]]:
    def family(counted: list[tuple[Proxy, Counted]]) -> Iterator[str]:
        yield from (f"# HELP {name} {words}", f"# TYPE {name} counter")
        for proxy, counters in counted:
            for way in _WAYS:
                yield f"{name}{_labels(proxy, direction=way)} {counters[way][key]}"

    return family


def _by_proxy(
    name: str, kind: str, key: str, words: str
) -> Callable[[list[tuple[Proxy, Counted]]], Iterator[str]]:
    def family(counted: list[tuple[Proxy, Counted]]) -> Iterator[str]:
        yield from (f"# HELP {name} {words}", f"# TYPE {name} {kind}")
        for proxy, counters in counted:
            yield f"{name}{_labels(proxy)} {counters['connections'][key]}"

    return family


def _labels(proxy: Proxy, **more: str) -> str:
    labels = {**more, "listener": proxy.listen, "proxy": proxy.name, "upstream": proxy.upstream}
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items())) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_FAMILIES = (
    _by_way("toxiproxy_proxy_received_bytes_total", "received", "Bytes read from the sender."),
    _by_way("toxiproxy_proxy_sent_bytes_total", "delivered", "Bytes handed to the receiver."),
    _by_way("simsim_proxy_carried_bytes_total", "carried", "Bytes that left the bottleneck."),
    _by_proxy("simsim_proxy_connections_total", "counter", "total", "Connections taken."),
    _by_proxy("simsim_proxy_connections_open", "gauge", "open", "Connections open now."),
)
