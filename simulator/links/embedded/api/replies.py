"""Answers, and answers that have to wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.links.embedded.api.refusals import Refusal

JSON, TEXT = "application/json", "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    kind: str = ""  # the Content-Type
    location: str = ""


@dataclass(frozen=True)
class Later:
    """An answer that has to wait for *work*; *then* is given what that returned or raised."""

    work: Callable[[], Any]
    then: Callable[[Any], Reply | Later]


Answer = Reply | Later


def shown(value: Any, status: int = 200, kind: str = JSON) -> Reply:
    """Return *value* as JSON."""
    return Reply(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), kind)


def refused(refusal: Refusal) -> Reply:
    """Return what toxiproxy's clients expect of a refusal: JSON that Go's http.Error calls plain text."""
    reply = shown(refusal.shown(), refusal.status, TEXT)
    return Reply(reply.status, reply.body + b"\n", TEXT)


def plain(status: int, words: str = "") -> Reply:
    """Return a few words."""
    return Reply(status, words.encode(), TEXT) if words else Reply(status)
