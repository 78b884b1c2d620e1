"""The proxies, and toxiproxy's rules for them (proxy.go, proxy_collection.go)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from simulator.links.addresses import address_text
from simulator.links.embedded.api import addresses
from simulator.links.embedded.api.records import Live, Proxy
from simulator.links.embedded.api.refusals import Refusal, no_proxy
from simulator.links.engine import Address

REMOTE = "it is not a loopback address (hint: start simsim engine with --allow-remote)"


class World(Protocol):
    """What makes proxies real."""

    allow_remote: bool  # proxies may listen at addresses other than loopback

    def make(self, proxy: Proxy) -> Live:
        """Return what will make *proxy* real."""

    def draw(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a drawn ``timeline`` and what to tell of it. It takes a while. Raises ``Refusal``."""


class UnknownHost(Exception):
    """A name whose address has to be looked up before the request can be handled."""


class Collection:
    """All proxies by name. ``hosts`` are the names whose addresses were looked up for the present request."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.proxies: dict[str, Proxy] = {}
        self.hosts: Mapping[str, str | Refusal] = {}

    def find(self, name: str) -> Proxy:
        """Return the proxy *name*. Raises ``Refusal``."""
        if name not in self.proxies:
            raise no_proxy()
        return self.proxies[name]

    def add(self, proxy: Proxy, enabled: bool) -> None:
        """Add *proxy*, listening when *enabled*. Raises ``Refusal``."""
        if proxy.name in self.proxies:
            raise Refusal("proxy already exists", 409)
        self._put(proxy, enabled)

    def add_or_replace(self, proxy: Proxy, enabled: bool) -> Proxy:
        """Return the proxy that is there, as it is, or put *proxy* in the place of one that differs."""
        there = self.proxies.get(proxy.name)
        if there is not None:
            if not self._differs(there, proxy.listen, proxy.upstream):
                return there
            self.stop(there)
        self._put(proxy, enabled)
        return proxy

    def update(self, proxy: Proxy, listen: str, upstream: str, enabled: bool) -> None:
        """Change *proxy*; one that listens elsewhere or goes elsewhere than before begins anew."""
        if self._differs(proxy, listen, upstream):
            self.stop(proxy)
            proxy.listen, proxy.upstream = listen, upstream
        if enabled and not proxy.enabled:
            self.start(proxy)
        elif not enabled:
            self.stop(proxy)

    def remove(self, name: str) -> None:
        """Stop the proxy *name* and forget it. Raises ``Refusal``."""
        self.stop(self.find(name))
        del self.proxies[name]

    def start(self, proxy: Proxy) -> None:
        """Let *proxy* listen. Raises ``Refusal``."""
        try:
            address = self.where(proxy.listen)
        except Refusal as refusal:
            raise Refusal(f"listen tcp: {refusal.message}", refusal.status) from None
        try:
            proxy.listen = address_text(proxy.live.open(address))
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            raise Refusal(f"listen tcp {address_text(address)}: bind: {why}") from None
        proxy.enabled = True

    def stop(self, proxy: Proxy) -> None:
        """Close the listener and the connections of *proxy*."""
        if proxy.enabled:
            proxy.enabled = False
            proxy.live.close()

    def where(self, listen: str) -> Address:
        """Return the address to listen at; no host means loopback, unless the world is open.

        Raises ``Refusal``, and ``UnknownHost`` for a name that was not looked up yet.
        """
        host, port = addresses.split(listen)
        if not host:
            return "0.0.0.0" if self.world.allow_remote else addresses.LOOPBACK, port
        ip = addresses.numeric(host) or self._looked_up(host)
        if not self.world.allow_remote and not addresses.is_loopback(ip):
            raise Refusal(f"address {listen}: {REMOTE}", 403)
        return ip, port

    def know(self, listens: Iterable[str]) -> None:
        """Raise ``UnknownHost`` now, before anything is changed, if ``where`` would for any of *listens*."""
        for listen in listens:
            try:
                self.where(listen)
            except Refusal:  # it is told in its turn: those before it are made
                pass

    def _looked_up(self, host: str) -> str:
        if host not in self.hosts:
            raise UnknownHost(host)
        found = self.hosts[host]
        if isinstance(found, Refusal):
            raise found
        return found

    def _differs(self, proxy: Proxy, listen: str, upstream: str) -> bool:
        return address_text(self.where(listen)) != proxy.listen or upstream != proxy.upstream

    def _put(self, proxy: Proxy, enabled: bool) -> None:
        proxy.live = self.world.make(proxy)
        if enabled:
            self.start(proxy)
        self.proxies[proxy.name] = proxy
