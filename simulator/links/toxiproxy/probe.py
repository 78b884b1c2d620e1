"""What the engine asks of a server before it trusts it with links."""

from __future__ import annotations

import socket

import toxiproxy

from simulator.errors import PartDied
from simulator.links.addresses import address_text, is_loopback
from simulator.links.toxiproxy import names
from simulator.links.toxiproxy.beside import ApiFailed, by_library

REACH = 5.0  # seconds for the server to connect to us
SILENCE = 0.25  # seconds without a byte: toxiproxy hands on a part of a chunk every 100 ms
LEAST = 1  # KB/s: what a server that does not stall at rate 0 is left with


def stall_rate(library: toxiproxy.Toxiproxy, host: str, name: str) -> int:
    """Return the rate in KB/s that holds everything: 0, or ``LEAST`` where 0 means something else.

    A server on another machine cannot reach us to show it, and is believed. Raises ``ApiFailed``, and
    ``PartDied`` for a server on this machine whose loopback is not ours.
    """
    if not is_loopback(host):
        return 0
    with socket.create_server((host, 0)) as listener:
        upstream = address_text((host, listener.getsockname()[1]))
        proxy = by_library(library.create, upstream, name, listen=address_text((host, 0)), enabled=True)
        try:
            attributes = {"rate": 0}
            by_library(proxy.add_toxic, type="bandwidth", stream="upstream", attributes=attributes)
            return 0 if _holds(listener, proxy.listen) else LEAST
        finally:
            by_library(proxy.destroy)


def clear(library: toxiproxy.Toxiproxy) -> list[str]:
    """Remove the proxies that dead processes of this machine left behind; return their names."""
    left = [name for name in by_library(library.proxies) if names.left_behind(name)]
    remove(library, left)
    return left


def remove(library: toxiproxy.Toxiproxy, unwanted: list[str]) -> None:
    """Remove the proxies of these names; one that is gone already is as well."""
    for name in unwanted:
        proxy = toxiproxy.Proxy(name=name, upstream="", listen="", enabled=True)
        try:
            by_library(library.destroy, proxy)
        except ApiFailed as error:
            if not isinstance(error.__cause__, toxiproxy.exceptions.NotFound):
                raise


def _holds(listener: socket.socket, listen: str) -> bool:
    """Return whether bytes that are sent to *listen* stay there."""
    listener.settimeout(REACH)
    host, _, port = listen.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), REACH) as client:
            client.sendall(bytes(1000))
            there, _ = listener.accept()
    except OSError as error:
        what = f"the toxiproxy at {host} does not reach this machine's own {host}: {error}"
        raise PartDied(what, mend="run toxiproxy beside simsim, not in a container") from error
    with there:
        there.settimeout(SILENCE)
        try:
            there.recv(1)
        except TimeoutError:
            return True
        return False
