"""The engine's API over proxies that are not real: statuses, bodies, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.fakeproxies import TAKEN, Desk

PROXY = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    assert desk.ask("POST", "/proxies", PROXY).status == 201
    return desk


def error(desk: Desk, method: str, target: str, body: object = b"") -> tuple[int, str]:
    status, told = desk.told(method, target, body)
    assert told["status"] == status
    return status, told["error"]


def test_a_proxy_shows_where_it_listens_and_its_toxics_upstream_first(desk: Desk) -> None:
    for stream in ("downstream", "upstream"):
        assert desk.ask("POST", "/proxies/p/toxics", {"type": "latency", "stream": stream}).status == 200
    status, told = desk.told("GET", "/proxies/p")
    assert status == 200
    assert told["listen"] == "127.0.0.1:20001"
    assert [toxic["name"] for toxic in told["toxics"]] == ["latency_upstream", "latency_downstream"]
    assert told["toxics"][0] == {
        "attributes": {"latency": 0, "jitter": 0},
        "name": "latency_upstream",
        "type": "latency",
        "stream": "upstream",
        "toxicity": 1.0,
    }


def test_the_version_can_be_read_by_clients_and_names_simsim(desk: Desk) -> None:
    _, told = desk.told("GET", "/version")
    assert told["version"] == "2.12.0"
    assert told["server"].startswith("simsim ")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "bad request body: EOF"),
        (b'{"name": "q"', 400, "bad request body: unexpected EOF"),
        (b"name=q", 400, "bad request body: it is not JSON"),
        (b"[]", 400, "bad request body: a proxy must be an object, not an array"),
        ({"name": 1}, 400, "bad request body: name must be a string, not the number 1"),
        ({**PROXY, "name": "q", "enabled": "yes"}, 400, "bad request body: enabled must be true or false"),
        ({"upstream": "a:1"}, 400, "missing required field: name"),
        ({"name": "q"}, 400, "missing required field: upstream"),
        (PROXY, 409, "proxy already exists"),
        ({**PROXY, "name": "q", "listen": f"127.0.0.1:{TAKEN}"}, 500, "bind: address already in use"),
        (
            {**PROXY, "name": "q", "listen": "nowhere"},
            500,
            "listen tcp: address nowhere: missing port in address",
        ),
        (
            {**PROXY, "name": "q", "listen": "no-such-host:1"},
            500,
            "listen tcp: lookup no-such-host: no such host",
        ),
        ({**PROXY, "name": "q", "listen": "8.8.8.8:1"}, 403, "--allow-remote"),
    ],
)
def test_a_proxy_that_cannot_be_is_refused_and_not_kept(
    desk: Desk, body: object, status: int, words: str
) -> None:
    got, told = error(desk, "POST", "/proxies", body)
    assert (got, words in told) == (status, True), told
    assert list(desk.api.collection.proxies) == ["p"]


@pytest.mark.parametrize(
    ("toxic", "words"),
    [
        ({"type": "nope"}, "invalid toxic type"),
        (
            {"type": "latency", "stream": "sideways"},
            "stream was invalid, can be either upstream or downstream",
        ),
        ({"type": "bandwidth", "attributes": {"rate": -1}}, "rate must be from 0 to"),
        ({"type": "slicer"}, "average_size must be from 1 to"),
        (
            {"type": "slicer", "attributes": {"average_size": 5, "size_variation": 6}},
            "size_variation must not exceed",
        ),
        ({"type": "latency", "attributes": {"latency": -5}}, "latency must be from 0 to"),
        ({"type": "latency", "attributes": {"jitter": 2**62}}, "jitter must be from 0 to"),
        ({"type": "latency", "attributes": {"latency": 10**30}}, "latency must be a whole number"),
        ({"type": "latency", "attributes": {"latency": 1.5}}, "latency must be a whole number"),
        ({"type": "latency", "attributes": {"latency": "5"}}, "latency must be a whole number, not a string"),
        ({"type": "latency", "attributes": [1]}, "attributes must be an object, not an array"),
        ({"type": "latency", "toxicity": 1.5}, "toxicity must be from 0 to 1"),
        ({"type": "latency", "toxicity": float("nan")}, "it is not JSON"),
        ({"type": "timeout", "attributes": {"timeout": 10**12}}, "timeout must be from 0 to"),
        ({"type": "cut_after"}, "bytes must be from 1 to"),
    ],
)
def test_a_toxic_that_means_nothing_is_refused_and_not_kept(desk: Desk, toxic: Any, words: str) -> None:
    status, told = error(desk, "POST", "/proxies/p/toxics", toxic)
    assert (status, words in told) == (400, True), told
    assert desk.told("GET", "/proxies/p/toxics") == (200, [])
    assert desk.live("p").followed == []


def test_a_change_that_is_refused_changes_nothing(desk: Desk) -> None:
    desk.ask("POST", "/proxies/p/toxics", {"type": "latency", "attributes": {"latency": 5, "jitter": 1}})
    before = desk.told("GET", "/proxies/p/toxics")
    wrong = {"attributes": {"latency": 9, "jitter": -1}, "toxicity": 0.5}
    assert desk.ask("PATCH", "/proxies/p/toxics/latency_downstream", wrong).status == 400
    assert desk.told("GET", "/proxies/p/toxics") == before


def test_names_of_fields_match_in_any_case_and_null_leaves_the_default(desk: Desk) -> None:
    toxic = {"TYPE": "latency", "Attributes": {"LATENCY": 7, "jitter": None}, "toxicity": None, "more": 1}
    _, told = desk.told("POST", "/proxies/p/toxics", toxic)
    assert (told["attributes"], told["toxicity"]) == ({"latency": 7, "jitter": 0}, 1.0)


def test_live_connections_follow_every_change_of_a_toxic(desk: Desk) -> None:
    desk.ask("POST", "/proxies/p/toxics", {"name": "t", "type": "latency"})
    desk.ask("POST", "/proxies/p/toxics/t", {"attributes": {"latency": 3}})
    desk.ask("DELETE", "/proxies/p/toxics/t")
    latencies = [[toxic["attributes"]["latency"] for toxic in seen] for seen in desk.live("p").followed]
    assert latencies == [[0], [3], []]


def test_a_name_to_listen_at_is_looked_up_before_anything_is_changed() -> None:
    desk = Desk(hosts={"box": "127.0.0.1", "far": "192.0.2.1"})
    many = [
        {**PROXY, "name": name, "listen": f"{host}:0"} for name, host in (("a", "127.0.0.1"), ("b", "box"))
    ]
    assert desk.told("POST", "/populate", many)[0] == 201
    assert [proxy.listen for proxy in desk.api.collection.proxies.values()] == [
        "127.0.0.1:20001",
        "127.0.0.1:20002",
    ]
    assert error(desk, "POST", "/proxies", {**PROXY, "listen": "far:1"})[0] == 403


def test_populating_stops_at_what_cannot_be_and_keeps_what_was_made(desk: Desk) -> None:
    first, second = {**PROXY, "name": "a"}, {**PROXY, "name": "b", "listen": f"127.0.0.1:{TAKEN}"}
    status, told = desk.told("POST", "/populate", [first, second])
    assert (status, [proxy["name"] for proxy in told["proxies"]]) == (500, ["a"])
    assert (
        desk.told("POST", "/populate", [first, {}])[1]["error"] == "missing required field: name at proxy 2"
    )


def test_a_reset_enables_all_proxies_and_takes_all_toxics(desk: Desk) -> None:
    desk.ask("POST", "/proxies/p/toxics", {"type": "latency"})
    desk.ask("POST", "/proxies/p", {"enabled": False})
    assert desk.ask("POST", "/reset").status == 204
    _, told = desk.told("GET", "/proxies")
    assert (told["p"]["enabled"], told["p"]["toxics"]) == (True, [])


def test_a_browser_is_turned_away_but_for_what_is_not_there(desk: Desk) -> None:
    assert desk.ask("GET", "/proxies", agent="Mozilla/5.0 (X11)").status == 403
    assert desk.ask("GET", "/nope", agent="Mozilla/5.0 (X11)").status == 404


# simsim's own requests


@pytest.mark.parametrize("fault", ["reset", "handover", "stall"])
def test_a_fault_begins_when_it_is_asked_for(desk: Desk, fault: str) -> None:
    told = desk.told("POST", f"/proxies/p/{fault}", {"seconds": 1.5})
    assert told == (200, {"fault": fault, "seconds": 1.5, "ended": 2, "dropped": 300})
    assert desk.live("p").struck == [(fault, 1.5)]


@pytest.mark.parametrize(
    ("target", "body", "status", "words"),
    [
        ("/proxies/p/stall", b"", 400, "missing required field: seconds"),
        ("/proxies/p/stall", {"seconds": 0}, 400, "seconds must be above 0"),
        ("/proxies/p/stall", {"seconds": -1}, 400, "seconds must be above 0"),
        ("/proxies/p/stall", b'{"seconds": 1e999}', 400, "seconds must be a finite number"),
        ("/proxies/p/stall", {"seconds": "1"}, 400, "seconds must be a finite number, not a string"),
        ("/proxies/p/reset", b"[", 400, "unexpected EOF"),
        ("/proxies/none/reset", b"", 404, "proxy not found"),
        ("/proxies/p/timeline", {}, 400, "missing required field: profile"),
        ("/proxies/p/timeline", {"profile": 3}, 400, "profile must be a string"),
        ("/proxies/p/timeline", {"profile": "wifi", "seed": -1}, 400, "seed must not be negative"),
        ("/proxies/p/timeline", {"profile": "wifi", "user": 1.5}, 400, "user must be a whole number"),
        ("/proxies/p/timeline", {"profile": "unknown"}, 400, "unknown profile"),
    ],
)
def test_a_fault_or_a_timeline_that_cannot_be_is_refused(
    desk: Desk, target: str, body: object, status: int, words: str
) -> None:
    got, told = error(desk, "POST", target, body)
    assert (got, words in told) == (status, True), told


def test_what_is_disabled_has_no_faults_and_no_timeline(desk: Desk) -> None:
    desk.ask("POST", "/proxies/p", {"enabled": False})
    assert error(desk, "POST", "/proxies/p/reset") == (409, "the proxy is disabled")
    assert error(desk, "POST", "/proxies/p/timeline", {"profile": "wifi"}) == (409, "the proxy is disabled")


def test_a_timeline_plays_until_it_is_deleted_and_excludes_toxics(desk: Desk) -> None:
    told = desk.told("POST", "/proxies/p/timeline", {"profile": "wifi", "seed": 2, "user": 3})
    assert told == (200, {"profile": "wifi", "seed": 2, "user": 3, "digest": "d"})
    assert desk.told("GET", "/proxies/p/timeline") == told
    assert error(desk, "POST", "/proxies/p/toxics", {"type": "latency"})[0] == 409
    assert desk.ask("DELETE", "/proxies/p/timeline").status == 204
    assert desk.ask("GET", "/proxies/p/timeline").status == 404
    assert desk.ask("POST", "/proxies/p/toxics", {"type": "latency"}).status == 200
    assert error(desk, "POST", "/proxies/p/timeline", {"profile": "wifi"})[0] == 409


def test_a_proxy_that_went_while_its_timeline_was_drawn_is_not_found(desk: Desk) -> None:
    answer = desk.api.handle("POST", "/proxies/p/timeline", b'{"profile": "wifi"}')
    desk.ask("DELETE", "/proxies/p")
    then = getattr(answer, "then")  # noqa: B009 - an answer that waits
    assert then({"timeline": "drawn"}).status == 404


def test_metrics_are_prometheus_text_with_escaped_labels(desk: Desk) -> None:
    desk.ask("POST", "/proxies", {**PROXY, "name": 'a"b\\c\nd'})
    lines = desk.ask("GET", "/metrics").body.decode().splitlines()
    sent = 'toxiproxy_proxy_sent_bytes_total{direction="upstream",listener="127.0.0.1:20001",proxy="p",'
    assert f'{sent}upstream="127.0.0.1:9"}} 1' in lines
    assert any('proxy="a\\"b\\\\c\\nd"' in line for line in lines)
    assert lines.count("# TYPE toxiproxy_proxy_received_bytes_total counter") == 1
