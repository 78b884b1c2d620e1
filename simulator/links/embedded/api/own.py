"""simsim's own requests, beyond toxiproxy's: faults on live connections, timelines, counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.links.embedded.api import replies
from simulator.links.embedded.api.collection import Collection
from simulator.links.embedded.api.decode import decode, fields, real_of, text_of, whole_of
from simulator.links.embedded.api.records import Proxy
from simulator.links.embedded.api.refusals import Refusal, bad_body, missing
from simulator.links.embedded.api.replies import Answer, Later, Reply
from simulator.links.embedded.api.toxiproxy import Endpoint, Words

LONGEST = 1e6  # seconds


def _strikes(fault: str, needs_seconds: bool) -> Endpoint:
    """Return the endpoint that lets *fault* begin now."""

    def strike(proxies: Collection, words: Words, body: bytes) -> Reply:
        proxy = proxies.find(words[0])
        given = fields(decode(body), "the body") if body.strip() else {}
        seconds = real_of(given, "seconds", 0.0)
        if needs_seconds and "seconds" not in given:
            raise missing("seconds")
        if not 0 <= seconds <= LONGEST or (needs_seconds and not seconds):
            raise bad_body(f"seconds must be above 0 and at most {LONGEST:.0f}, not {seconds:g}")
        _must_be_enabled(proxy)
        ended, dropped = proxy.live.strike(fault, seconds)
        return replies.shown({"fault": fault, "seconds": seconds, "ended": ended, "dropped": dropped})

    return strike


def _counters(proxies: Collection, words: Words, _body: bytes) -> Reply:
    return replies.shown(proxies.find(words[0]).live.counters())


def _timeline(proxies: Collection, words: Words, _body: bytes) -> Reply:
    playing = proxies.find(words[0]).live.playing()
    if playing is None:
        raise Refusal("no timeline plays", 404)
    return replies.shown(playing)


def _play(proxies: Collection, words: Words, body: bytes) -> Answer:
    _must_play(proxies.find(words[0]))
    given = fields(decode(body), "the body")
    asked = {
        "profile": text_of(given, "profile", ""),
        "seed": _not_negative(given, "seed", 1),
        "user": _not_negative(given, "user", 0),
    }
    if not asked["profile"]:
        raise missing("profile")

    def begin(drawn: Any) -> Reply:
        if isinstance(drawn, Refusal):
            return replies.refused(drawn)
        if isinstance(drawn, BaseException):
            raise drawn
        return _begin(proxies, words[0], asked, drawn)

    return Later(lambda: proxies.world.draw(asked), begin)


def _not_negative(given: dict[str, Any], name: str, default: int) -> int:
    value = whole_of(given, name, default)
    if value < 0:
        raise bad_body(f"{name} must not be negative, not {value}")
    return value


def _begin(proxies: Collection, name: str, asked: Mapping[str, Any], drawn: Mapping[str, Any]) -> Reply:
    try:
        proxy = proxies.find(name)
        _must_play(proxy)  # the world has gone on since it was asked
    except Refusal as refusal:
        return replies.refused(refusal)
    told = {**asked, **{key: value for key, value in drawn.items() if key != "timeline"}}
    proxy.live.play(drawn["timeline"], told)
    return replies.shown(told)


def _calm(proxies: Collection, words: Words, _body: bytes) -> Reply:
    proxies.find(words[0]).live.calm()
    return Reply(204)


def _must_play(proxy: Proxy) -> None:
    """Raise ``Refusal`` when no timeline can play: toxics are of connections, a timeline is of the link."""
    _must_be_enabled(proxy)
    if proxy.toxics:
        raise Refusal("a proxy has either toxics or a timeline: delete its toxics first", 409)


def _must_be_enabled(proxy: Proxy) -> None:
    if not proxy.enabled:
        raise Refusal("the proxy is disabled", 409)


OWN: Mapping[str, Callable[[Collection, Words, bytes], Answer]] = {
    "strike_reset": _strikes("reset", needs_seconds=False),
    "strike_handover": _strikes("handover", needs_seconds=False),
    "strike_stall": _strikes("stall", needs_seconds=True),
    "counters": _counters,
    "timeline": _timeline,
    "play": _play,
    "calm": _calm,
}
