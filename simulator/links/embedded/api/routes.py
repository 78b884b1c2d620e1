"""Which request is which: method and path to a name and the words in the path.

toxiproxy's router (gorilla/mux) redirects a path that is not clean, answers 404 to an unknown path
and 405 to a known one with another method, both before it looks at the User-Agent.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

PROXY = "/proxies/{proxy}"
_ANY = ("",)

ROUTES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("reset", "/reset", ("POST",)),
    ("proxies", "/proxies", ("GET",)),
    ("create", "/proxies", ("POST",)),
    ("populate", "/populate", ("POST",)),
    ("proxy", PROXY, ("GET",)),
    ("update", PROXY, ("POST", "PATCH")),
    ("delete", PROXY, ("DELETE",)),
    ("toxics", f"{PROXY}/toxics", ("GET",)),
    ("add_toxic", f"{PROXY}/toxics", ("POST",)),
    ("toxic", f"{PROXY}/toxics/{{toxic}}", ("GET",)),
    ("update_toxic", f"{PROXY}/toxics/{{toxic}}", ("POST", "PATCH")),
    ("delete_toxic", f"{PROXY}/toxics/{{toxic}}", ("DELETE",)),
    ("version", "/version", ("GET",)),
    ("metrics", "/metrics", _ANY),
    ("strike_reset", f"{PROXY}/reset", ("POST",)),
    ("strike_handover", f"{PROXY}/handover", ("POST",)),
    ("strike_stall", f"{PROXY}/stall", ("POST",)),
    ("counters", f"{PROXY}/counters", ("GET",)),
    ("timeline", f"{PROXY}/timeline", ("GET",)),
    ("play", f"{PROXY}/timeline", ("POST",)),
    ("calm", f"{PROXY}/timeline", ("DELETE",)),
)


@dataclass(frozen=True)
class Match:
    """What a request is: a name of ``ROUTES``, or the status of what it is not."""

    name: str = ""
    words: tuple[str, ...] = ()
    status: int = 200
    location: str = ""


def match(method: str, target: str) -> Match:
    """Return what the request is. *target* is the request's, in whatever form (RFC 9112 section 3.2)."""
    path, question, query = _path(target).partition("?")
    if re.search(r"%(?![0-9a-fA-F]{2})", path):
        return Match(status=400)
    decoded = unquote_to_bytes(path).decode(errors="replace")
    clean = _clean(decoded)
    if clean != decoded:
        return Match(status=301, location=clean + question + query)
    found = [
        (name, methods, words)
        for name, pattern, methods in _PATTERNS
        if (words := pattern.fullmatch(decoded))
    ]
    for name, methods, words in found:
        if method in methods or methods is _ANY:
            return Match(name, words.groups())
    return Match(status=405 if found else 404)


def _path(target: str) -> str:
    absolute = re.match(r"https?://[^/?]*", target, re.IGNORECASE)
    return target[absolute.end() :] or "/" if absolute else target


def _clean(path: str) -> str:
    rooted = "/" + path.lstrip("/")
    clean = posixpath.normpath(rooted)
    return clean + "/" if rooted.endswith("/") and clean != "/" else clean


_PATTERNS = [
    (name, re.compile(re.sub(r"\{\w+\}", "([^/]+)", path)), methods) for name, path, methods in ROUTES
]
