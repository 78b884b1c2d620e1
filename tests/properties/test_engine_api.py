"""No request to the engine's API, however odd, gets anything but an answer; the proxies stay sound."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.links.addresses import address_text
from simulator.links.embedded.api import addresses
from simulator.links.embedded.api.refusals import Refusal
from simulator.links.embedded.api.toxics import KINDS
from tests.helpers.apirequests import HOST, REQUESTS
from tests.helpers.fakeproxies import Desk

JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
)
OURS = st.sampled_from(["reset", "handover", "stall", "timeline", "counters", "toxics", "toxics/t"])
ODD = st.one_of(
    REQUESTS,
    st.tuples(
        st.sampled_from(["GET", "POST", "PATCH", "DELETE", "BREW"]),
        st.one_of(OURS.map(lambda word: f"/proxies/a/{word}"), st.text(max_size=20)),
        st.one_of(
            st.binary(max_size=40),
            JSONS.map(lambda value: json.dumps(value).encode()),
            st.fixed_dictionaries(
                {}, optional={"seconds": JSONS, "profile": JSONS, "seed": JSONS, "user": JSONS}
            ).map(lambda value: json.dumps(value).encode()),
        ),
    ),
)


@given(st.lists(ODD, max_size=20))
@settings(max_examples=400, deadline=None)
def test_any_request_gets_an_answer_and_the_proxies_stay_sound(
    requests: list[tuple[str, str, bytes]],
) -> None:
    desk = Desk()
    desk.ask("POST", "/proxies", {"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"})
    for method, target, body in requests:
        reply = desk.ask(method, target, body.replace(HOST.encode(), b"127.0.0.1"))
        assert 200 <= reply.status < 600
        if reply.status >= 400 and reply.body.startswith(b"{"):
            told = json.loads(reply.body)
            assert told["status"] == reply.status
            assert "\n" not in told["error"]
        sound(desk)


def sound(desk: Desk) -> None:
    """Fail unless what listens is what is enabled, and every attribute is in its range."""
    proxies = desk.api.collection.proxies
    assert {addresses.split(p.listen) for p in proxies.values() if p.enabled} == desk.world.listening
    for name, proxy in proxies.items():
        assert name == proxy.name != ""
        toxics = [toxic.name for toxic in proxy.toxics]
        assert len(set(toxics)) == len(toxics)
        for toxic in proxy.toxics:
            assert 0 <= toxic.toxicity <= 1
            assert all(a.least <= toxic.values[a.name] <= a.most for a in toxic.kind.attributes)
            assert KINDS[toxic.kind.name].why_not(toxic.values) is None


@given(
    st.text(st.characters(codec="utf-8"), max_size=12)
    | st.from_regex(r"[\[\]:a-z0-9.+-]{0,12}", fullmatch=True)
)
def test_any_address_is_read_or_refused_in_words(text: str) -> None:
    try:
        host, port = addresses.split(text)
    except Refusal as refusal:
        assert refusal.message
    else:
        assert 0 <= port <= 65535
        assert addresses.split(address_text((host, port))) == (host, port)
