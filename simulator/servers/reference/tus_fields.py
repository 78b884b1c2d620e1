"""The header fields of tus 1.0 that have a grammar of their own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial

from simulator.servers.reference.append import Checksum, Running
from simulator.servers.reference.messages import Head, Refusal, octets, path_of

ALGORITHMS: dict[str, Callable[[], Running]] = {
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": partial(hashlib.sha256, usedforsecurity=False),
}
_KEY = re.compile(r"[!-+\--~]+")  # visible ASCII without the comma ("Upload-Metadata")


def checksum(head: Head) -> Checksum | None:
    """Return what the content must hash to, None when the request does not say ("Upload-Checksum")."""
    field = head.fields.get("upload-checksum")
    if field is None:
        return None
    name, _, encoded = field.partition(" ")
    if name not in ALGORITHMS:
        raise Refusal(400, f"unknown checksum algorithm; known: {', '.join(ALGORITHMS)}")
    running = ALGORITHMS[name]()
    expected = octets(encoded)
    if expected is None or len(expected) != len(running.digest()):
        raise Refusal(400, f"Upload-Checksum has no proper {name} in Base64")
    return Checksum(running, expected)


def metadata(head: Head) -> str:
    """Return Upload-Metadata as given, empty when absent; refuses what its section forbids."""
    field = head.fields.get("upload-metadata", "")
    keys: set[str] = set()
    for pair in field.split(",") if field else ():
        key, _, value = pair.strip().partition(" ")
        if _KEY.fullmatch(key) is None or key in keys or octets(value) is None:
            raise Refusal(400, "Upload-Metadata must be pairs of a unique key and a Base64 value")
        keys.add(key)
    return field


def length(head: Head, room: int) -> int | None:
    """Return the Upload-Length, None when deferred; refuses neither, both, and too much ("POST")."""
    size = head.number("upload-length")
    defer = head.fields.get("upload-defer-length")
    if defer not in (None, "1"):
        raise Refusal(400, "Upload-Defer-Length must be 1")
    if (size is None) == (defer is None):
        raise Refusal(400, "either Upload-Length or Upload-Defer-Length: 1 is needed")
    if size is not None and size > room:
        raise Refusal(413, f"Upload-Length is above the limit of {room} bytes")
    return size


def concat_names(field: str, prefix: str) -> list[str]:
    """Return the names of the partial uploads in ``final;URL URL ...`` ("Upload-Concat")."""
    kind, _, urls = field.partition(";")
    names = [path_of(url).removeprefix(prefix) for url in urls.split()]
    if kind != "final" or not names:
        raise Refusal(400, "Upload-Concat must be 'partial' or 'final;' and the URLs of partial uploads")
    return names
