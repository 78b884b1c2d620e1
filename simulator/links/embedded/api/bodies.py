"""Bodies of toxics: what toxiproxy takes, and what simsim refuses where it would crash or mean nothing."""

from __future__ import annotations

from typing import Any

from simulator.links.embedded.api.decode import decode, fields, real_of, single, text_of, whole_of
from simulator.links.embedded.api.records import STREAMS, Proxy, Toxic
from simulator.links.embedded.api.refusals import Refusal, bad_body
from simulator.links.embedded.api.toxics import KINDS
from simulator.links.embedded.api.toxics.kind import Kind, Values


def new_toxic(body: bytes, proxy: Proxy) -> Toxic:
    """Return the toxic that *body* asks for. Raises ``Refusal``, in the order of toxic_collection.go."""
    given = fields(decode(body), "a toxic")
    stream, kind = text_of(given, "stream", "downstream"), text_of(given, "type", "")
    name = text_of(given, "name", "") or f"{kind}_{stream}"
    toxicity = _toxicity(given, 1.0)
    fields(given.get("attributes"), "attributes")
    if stream.lower() not in STREAMS:
        raise Refusal("stream was invalid, can be either upstream or downstream", 400)
    if kind not in KINDS:
        raise Refusal("invalid toxic type", 400)
    if proxy.toxic(name) is not None:
        raise Refusal("toxic already exists", 409)
    values = _values(KINDS[kind], given, {item.name: 0 for item in KINDS[kind].attributes})
    return Toxic(name, KINDS[kind], stream, STREAMS[stream.lower()], toxicity, values)


def change_toxic(toxic: Toxic, body: bytes) -> None:
    """Change the attributes and the toxicity that *body* names, all or none. Raises ``Refusal``."""
    given = fields(decode(body), "a toxic")
    toxicity, values = _toxicity(given, toxic.toxicity), _values(toxic.kind, given, toxic.values)
    toxic.toxicity, toxic.values = toxicity, values


def _toxicity(given: dict[str, Any], default: float) -> float:
    toxicity = real_of(given, "toxicity", default)
    if not 0 <= toxicity <= 1:
        raise bad_body(f"toxicity must be from 0 to 1, not {toxicity:g}")
    return single(toxicity)


def _values(kind: Kind, given: dict[str, Any], before: Values) -> dict[str, int]:
    attributes = fields(given.get("attributes"), "attributes")
    values = {item.name: whole_of(attributes, item.name, before[item.name]) for item in kind.attributes}
    for item in kind.attributes:
        if not item.least <= values[item.name] <= item.most:
            raise bad_body(f"{item.name} must be from {item.least} to {item.most}, not {values[item.name]}")
    why_not = kind.why_not(values)
    if why_not is not None:
        raise bad_body(why_not)
    return values
