"""Where a URL that a server handed out is asked for: four kinds, and none of them by guessing."""

from __future__ import annotations

import pytest

from simulator.servers import ways
from simulator.servers.ways import Leads, Ways

NAMES = {
    "upload.example": {"198.18.0.1", "8.8.8.8"},
    "also.example": {"8.8.8.8"},
    "cdn.example": {"9.9.9.9"},
    "tusd-3": set(),
    "localhost": {"127.0.0.1", "::1"},
    "intranet": {"10.0.0.7"},
    "store.intranet": {"10.0.0.9"},
}
OUTSIDE = "https://also.example/files/"


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "addresses", lambda host: frozenset(NAMES.get(host, {host})))


@pytest.mark.parametrize(
    ("endpoint", "url", "leads", "asked"),
    [
        (OUTSIDE, "https://also.example/files/1?k=v", Leads.TARGET, None),
        (OUTSIDE, "https://ALSO.example:443/files/1", Leads.TARGET, None),
        (OUTSIDE, "https://upload.example/files/1", Leads.ALIAS, None),
        (OUTSIDE, "http://also.example/files/1?k=v", Leads.INSIDE, "https://also.example/files/1?k=v"),
        (OUTSIDE, "https://also.example:8443/1", Leads.INSIDE, "https://also.example/1"),
        (OUTSIDE, "http://tusd-3:1080/files/1", Leads.INSIDE, "https://also.example/files/1"),
        (OUTSIDE, "http://127.0.0.1:1080/files/1", Leads.INSIDE, "https://also.example/files/1"),
        (OUTSIDE, "http://[::1]:1080/files/1", Leads.INSIDE, "https://also.example/files/1"),
        (OUTSIDE, "http://10.0.0.7/files/1", Leads.INSIDE, "https://also.example/files/1"),
        (OUTSIDE, "http://[::ffff:10.0.0.7]/files/1", Leads.INSIDE, "https://also.example/files/1"),
        (OUTSIDE, "https://cdn.example/files/1", Leads.ELSEWHERE, None),
        ("http://intranet:80/", "http://store.intranet/1", Leads.ELSEWHERE, None),
        ("http://intranet:80/", "http://localhost/1", Leads.INSIDE, "http://intranet:80/1"),
        ("http://intranet:80/", "http://cdn.example/1", Leads.ELSEWHERE, None),
        ("http://127.0.0.1:1080/f/", "http://localhost:1080/f/1", Leads.ALIAS, None),
        ("http://[::1]:1080/f/", "http://127.0.0.1:1081/f/1", Leads.INSIDE, "http://[::1]:1080/f/1"),
        ("http://127.0.0.1:1080/f/", "http://192.0.2.1:1080/f/1", Leads.ELSEWHERE, None),
    ],
)
def test_a_url_leads_where_its_address_says(endpoint: str, url: str, leads: Leads, asked: str | None) -> None:
    way = Ways(endpoint).to(url)
    assert (way.leads, way.url) == (leads, asked or url)


def test_only_a_url_at_another_origin_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(host: str) -> frozenset[str]:
        raise AssertionError(host)

    monkeypatch.setattr(ways, "addresses", refuse)
    assert Ways(OUTSIDE).to(OUTSIDE + "1").leads is Leads.TARGET
