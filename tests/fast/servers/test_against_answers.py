"""What an OPTIONS answer says of an endpoint, and which URLs are refused before any is asked."""

from __future__ import annotations

import httpx
import pytest

from simulator.errors import UsageError
from simulator.servers.against import _endpoints, external
from simulator.servers.server import Endpoint

URL = "http://127.0.0.1:1080/files/"
TUS = {"Tus-Resumable": "1.0.0", "Tus-Version": "1.0.0", "Tus-Extension": "creation,creation-with-upload"}


def answer(status: int = 204, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_tus_endpoint_speaks_tus_and_plain_worded_in_it() -> None:
    found = _endpoints(URL, httpx.Response(204, headers=TUS), ("plain", "tus"))
    assert found == {"plain": Endpoint(URL, "tus"), "tus": Endpoint(URL)}


def test_an_endpoint_without_tus_will_do_for_plain_alone() -> None:
    assert _endpoints(URL, answer(405), ("plain",)) == {"plain": Endpoint(URL)}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (
            answer(200, Content_Type="text/html; charset=utf-8", Server="nginx/1.2"),
            "200 (text/html) from 'nginx/1.2'",
        ),
        (answer(404), "404 (no content type)"),
        (answer(301, Location="https://there/"), "301 to https://there/"),
    ],
    ids=["a page", "nothing there", "moved"],
)
def test_what_is_no_tus_endpoint_is_refused_with_what_was_seen(seen: httpx.Response, words: str) -> None:
    with pytest.raises(UsageError, match="is not a tus endpoint") as refused:
        _endpoints(URL, seen, ("plain", "tus"))
    assert words in str(refused.value)


def test_a_server_of_another_tus_version_is_refused() -> None:
    with pytest.raises(UsageError, match=r"speaks tus 0\.2\.2, not 1\.0\.0"):
        _endpoints(URL, httpx.Response(412, headers={"Tus-Version": "0.2.2"}), ("tus",))


@pytest.mark.parametrize(("protocol", "lacks"), [("tus", "creation"), ("plain", "creation-with-upload")])
def test_a_server_without_the_extension_a_protocol_needs_is_refused(protocol: str, lacks: str) -> None:
    seen = httpx.Response(204, headers={**TUS, "Tus-Extension": "termination"})
    with pytest.raises(UsageError, match=f"lacks '{lacks}'.*it offers termination"):
        _endpoints(URL, seen, (protocol,))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("127.0.0.1:1080/files/", "is not a URL of http or https"),
        ("ftp://127.0.0.1/", "is not a URL of http or https"),
        ("http:///files/", "is not a URL of http or https"),
        ("http://127.0.0.1:port/", "is not a URL"),
        ("http://me:secret@127.0.0.1/", "holds a user name or a password"),
        ("http://192.0.2.1/files/", "is not a loopback address.*--allow-remote"),
        ("http://0.0.0.0:80/files/", "is not a loopback address"),
        ("http://[2001:db8::1]/files/", "is not a loopback address"),
        ("http://[::ffff:192.0.2.1]/files/", "is not a loopback address"),
        ("http://.../", "is no name of a host: a label is empty or too long"),
        ("http://a..b/", "is no name of a host"),
        (f"http://{'a' * 64}/", "is no name of a host"),
        ("http://xn--a/", "is not a URL"),
        ("http://127.0.0.1:0/", "has the port 0 .*from 1 to 65535"),
        ("http://127.0.0.1:70000/", "has the port 70000 "),
        ("http://127.0.0.1:-1/", "has the port -1 "),
        ("http://me@127.0.0.1/", "holds a user name or a password"),
        ("http://[::1/", "is not a URL"),
        ("http://::1/", "is not a URL"),
        ("http://[fe80::1%25lo]/", "names the zone of an address"),
        ("http://127.0.0.1 /", "has a host that is no name .*without blanks"),
        (" http://127.0.0.1/", "is not a URL of http or https"),
        ("http://127.0.0.1/files/#x", "has a fragment"),
        ("http:", "is not a URL of http or https"),
        ("", "is not a URL of http or https"),
        ("http://", "is not a URL of http or https"),
        (f"http://127.0.0.1/{'x' * 70000}", r"x\.\.\.' is not a URL: URL too long"),
    ],
    ids=lambda text: text[:40],
)
def test_a_url_that_may_not_be_used_is_refused_before_anything_is_sent(url: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        external(url)


@pytest.mark.parametrize(
    "url", ["http://me:secret@127.0.0.1/", "http://me:secret@[gg]/", "ftp://me:secret@127.0.0.1/"]
)
def test_a_password_in_a_url_is_not_said_again(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        external(url)
    assert "secret" not in str(refused.value)
