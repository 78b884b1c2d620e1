"""``status``: the hop answers by itself (STATUS k)."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

from simulator.links.gateway.verbs import BODILESS, Fields, Reply, Verb
from simulator.weather.hops import Do

# The CORS protocol of the Fetch standard: without them a page's script sees no status at all.
_CORS: Fields = ((b"Access-Control-Allow-Origin", b"*"), (b"Access-Control-Expose-Headers", b"*"))


def strike(do: Do, subject: Any) -> tuple[Any, tuple[Verb, ...]]:
    """Answer with the code, the fields and the text that the step says."""
    assert do.code is not None
    reason = do.reason if do.reason is not None else _phrase(do.code)
    text = f"{do.code} {reason}, by simsim's gateway\n" if do.body is None else do.body
    body = b"" if do.code in BODILESS else text.encode()
    return subject, (Reply(do.code, reason.encode(), _fields(do), body, do.then),)


def _fields(do: Do) -> Fields:
    said = dict(do.fields or {})
    if do.retry_after is not None:  # RFC 9110, "Retry-After": whole seconds
        said["Retry-After"] = str(math.ceil(do.retry_after))
    return (*((name.encode(), value.encode()) for name, value in said.items()), *(_CORS if do.cors else ()))


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Scripted"
