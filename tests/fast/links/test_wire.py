"""What parent and child say to each other."""

from __future__ import annotations

from simulator.links.embedded.strike import gates
from simulator.links.engine import LinkSpec
from simulator.links.wire import Lines, encode, spec_in, spec_out
from simulator.weather.faults import New
from simulator.weather.timeline import Break
from tests.contracts.check_engine import flat


def test_messages_survive_any_slicing() -> None:
    messages = [{"do": "start", "link": "ä", "t0": 1.5}, {"do": "close"}]
    whole = b"".join(map(encode, messages))
    for size in range(1, len(whole) + 1):
        lines, heard = Lines(), []
        for at in range(0, len(whole), size):
            heard += lines.feed(whole[at : at + size])
        assert heard == messages


def test_a_spec_survives_the_way() -> None:
    spec = LinkSpec("u1/tus", "tus", flat(delay=0.04, breaks=[Break(1.5, "reset", 1.5)]), ("127.0.0.1", 80))
    (there,) = Lines().feed(encode(spec_out(spec)))
    assert spec_in(there) == spec


def test_of_faults_at_once_the_strictest_rules_new_connections() -> None:
    assert gates([]) is New.PASS
    assert gates([New.HANG, New.REFUSE, New.HANG]) is New.REFUSE
    assert gates([New.PASS, New.HANG]) is New.HANG


def test_a_spec_of_a_proxy_link_comes_over_the_wire_as_it_was() -> None:
    proxy = LinkSpec("u1", "g", flat(), None, ("::1", 8080), allow_remote=True)
    far = LinkSpec("u2", "g", flat(), ("127.0.0.1", 80), spares=(("::1", 80), ("127.0.0.2", 80)))
    for spec in (proxy, far):
        assert spec_in(Lines().feed(encode(spec_out(spec)))[0]) == spec
