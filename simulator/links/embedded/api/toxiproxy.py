"""toxiproxy's own requests (api.go): a function each, of the proxies, the words in the path and the body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator import __version__
from simulator.links.embedded.api import metrics, replies
from simulator.links.embedded.api.bodies import change_toxic, new_toxic
from simulator.links.embedded.api.collection import Collection
from simulator.links.embedded.api.decode import decode, fields, flag_of, text_of
from simulator.links.embedded.api.records import Proxy, Toxic
from simulator.links.embedded.api.refusals import Refusal, bad_body, missing, no_toxic
from simulator.links.embedded.api.replies import Answer, Reply

SPOKEN = "2.12.0"  # the version of toxiproxy whose API this is

Words = tuple[str, ...]
Endpoint = Callable[[Collection, Words, bytes], Answer]


def _version(_proxies: Collection, _words: Words, _body: bytes) -> Reply:
    what = {"version": SPOKEN, "server": f"simsim {__version__}"}
    return replies.shown(what, kind="application/json;charset=utf-8")


def _metrics(proxies: Collection, _words: Words, _body: bytes) -> Reply:
    return Reply(200, metrics.text(proxies.proxies.values()).encode(), metrics.KIND)


def _reset(proxies: Collection, _words: Words, _body: bytes) -> Reply:
    for proxy in list(proxies.proxies.values()):
        if not proxy.enabled:
            proxies.start(proxy)
        proxy.live.calm()
        proxy.toxics.clear()
        proxy.live.follow()
    return Reply(204)


def _proxies(proxies: Collection, _words: Words, _body: bytes) -> Reply:
    return replies.shown({name: proxy.shown() for name, proxy in proxies.proxies.items()})


def _create(proxies: Collection, _words: Words, body: bytes) -> Reply:
    given = fields(decode(body), "a proxy")
    proxy, enabled = _proxy_in(given), flag_of(given, "enabled", True)
    for field in ("name", "upstream"):
        if not getattr(proxy, field):
            raise missing(field)
    proxies.add(proxy, enabled)
    return replies.shown(proxy.shown(), 201)


def _populate(proxies: Collection, _words: Words, body: bytes) -> Reply:
    done: list[Proxy] = []
    try:
        wanted = _populace(body)
        proxies.know([proxy.listen for proxy, _ in wanted])
        for proxy, enabled in wanted:
            done.append(proxies.add_or_replace(proxy, enabled))
    except Refusal as refusal:
        return replies.shown({**refusal.shown(), "proxies": _all_shown(done)}, refusal.status)
    return replies.shown({"proxies": _all_shown(done)}, 201)


def _all_shown(proxies: list[Proxy]) -> list[dict[str, Any]] | None:
    """Return what the API shows of them; of none it shows null."""
    return [proxy.shown() for proxy in proxies] or None


def _show(proxies: Collection, words: Words, _body: bytes) -> Reply:
    return replies.shown(proxies.find(words[0]).shown())


def _update(proxies: Collection, words: Words, body: bytes) -> Reply:
    proxy = proxies.find(words[0])
    given = fields(decode(body), "a proxy")
    text_of(given, "name", "")
    listen, upstream = text_of(given, "listen", proxy.listen), text_of(given, "upstream", proxy.upstream)
    proxies.update(proxy, listen, upstream, flag_of(given, "enabled", proxy.enabled))
    return replies.shown(proxy.shown())


def _delete(proxies: Collection, words: Words, _body: bytes) -> Reply:
    proxies.remove(words[0])
    return Reply(204)


def _toxics(proxies: Collection, words: Words, _body: bytes) -> Reply:
    return replies.shown(proxies.find(words[0]).shown_toxics())


def _add_toxic(proxies: Collection, words: Words, body: bytes) -> Reply:
    proxy = proxies.find(words[0])
    toxic = new_toxic(body, proxy)
    if proxy.live.playing() is not None:
        raise Refusal(f"a timeline plays: DELETE /proxies/{proxy.name}/timeline first", 409)
    proxy.toxics.append(toxic)
    proxy.live.follow()
    return replies.shown(toxic.shown())


def _toxic(proxies: Collection, words: Words, _body: bytes) -> Reply:
    return replies.shown(_find_toxic(proxies.find(words[0]), words[1]).shown())


def _update_toxic(proxies: Collection, words: Words, body: bytes) -> Reply:
    proxy = proxies.find(words[0])
    toxic = _find_toxic(proxy, words[1])
    change_toxic(toxic, body)
    proxy.live.follow()
    return replies.shown(toxic.shown())


def _delete_toxic(proxies: Collection, words: Words, _body: bytes) -> Reply:
    proxy = proxies.find(words[0])
    proxy.toxics.remove(_find_toxic(proxy, words[1]))
    proxy.live.follow()
    return Reply(204)


def _find_toxic(proxy: Proxy, name: str) -> Toxic:
    toxic = proxy.toxic(name)
    if toxic is None:
        raise no_toxic()
    return toxic


def _proxy_in(given: Mapping[str, Any]) -> Proxy:
    fields_ = dict(given)
    return Proxy(
        text_of(fields_, "name", ""), text_of(fields_, "listen", ""), text_of(fields_, "upstream", "")
    )


def _populace(body: bytes) -> list[tuple[Proxy, bool]]:
    """Return the proxies asked for, each with whether it shall be enabled."""
    value = decode(body)
    if value is not None and not isinstance(value, list):
        raise bad_body("it must be an array of proxies")
    entries = [fields(item, "a proxy") for item in value or []]
    wanted = [(_proxy_in(entry), flag_of(entry, "enabled", True)) for entry in entries]
    for n, (proxy, _) in enumerate(wanted, 1):
        for field in ("name", "upstream"):
            if not getattr(proxy, field):
                raise missing(f"{field} at proxy {n}")
    return wanted


TOXIPROXY: Mapping[str, Endpoint] = {
    "version": _version,
    "metrics": _metrics,
    "reset": _reset,
    "proxies": _proxies,
    "create": _create,
    "populate": _populate,
    "proxy": _show,
    "update": _update,
    "delete": _delete,
    "toxics": _toxics,
    "add_toxic": _add_toxic,
    "toxic": _toxic,
    "update_toxic": _update_toxic,
    "delete_toxic": _delete_toxic,
}
