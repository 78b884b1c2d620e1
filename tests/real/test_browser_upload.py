"""Chromium uploads through simsim proxy by tus-js-client, a page of its own, and survives what is struck."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path

import httpx
import pytest

from simulator.servers.server import Target
from tests.helpers.browser import Page, install_tus_js_client, uploading
from tests.helpers.proxies import Proxy, proxying
from tests.helpers.tls import TlsTusd

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

CONTENT = random.Random(5).randbytes(3_000_000)


@pytest.fixture(scope="module")
def page_script() -> Path:
    return install_tus_js_client()


@pytest.fixture
def page(page_script: Path) -> Page:
    return Page(CONTENT, page_script)


def stored(url: str) -> str:
    """Return the SHA-256 of what *url* holds, asked for on no link."""
    with httpx.Client(trust_env=False, verify=False) as client:
        return hashlib.sha256(client.get(url).content).hexdigest()


def strike_thrice(page: Page, proxy: Proxy) -> None:
    """Cut, stall and take down the link while the page uploads; wait for its end."""
    for share, key, event in ((0.2, "c", "reset"), (0.45, "s", "stall for 5 s"), (0.7, "d", "down for 5 s")):
        page.wait_for_share(share)
        assert not page.over(), page.told[-1]
        before = len(proxy.said(event))
        proxy.press(key)
        proxy.wait_for(event, before + 1)


def is_intact(page: Page, url: str) -> None:
    done = page.done()
    assert stored(url) == hashlib.sha256(CONTENT).hexdigest()
    assert done["requests"][0] == "POST"
    # A cut costs a HEAD, which asks for the offset, and a PATCH from there.
    assert done["requests"].count("PATCH") > 1, done
    assert done["requests"].count("HEAD") >= 1, done


def test_an_upload_to_the_address_of_a_link_survives(plain_tusd: Target, page: Page, tmp_path: Path) -> None:
    server = httpx.URL(plain_tusd.endpoints["tus"].url)
    with proxying("resets", "--upstream", f"{server.host}:{server.port}") as proxy:
        endpoint = f"{proxy.url}/files/"
        with uploading(page, endpoint, tmp_path / "profile"):
            strike_thrice(page, proxy)
            done = page.done()
            assert done["url"].startswith(endpoint)
            is_intact(page, done["url"].replace(proxy.url, f"http://{server.host}:{server.port}"))
        assert proxy.said("ended by the reset: ")


def test_an_upload_by_proxy_settings_survives(plain_tusd: Target, page: Page, tmp_path: Path) -> None:
    with proxying("resets") as proxy:
        with uploading(page, plain_tusd.endpoints["tus"].url, tmp_path / "profile", proxy.url):
            strike_thrice(page, proxy)
            is_intact(page, page.done()["url"])
        assert proxy.said("ended by the reset: ")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_an_https_upload_by_proxy_settings_survives(
    tls_tusd: TlsTusd, page: Page, tmp_path: Path, scheme: str
) -> None:
    trusting = "--ignore-certificate-errors"  # of the test's own authority; nothing on the way changes a byte
    with proxying("resets") as proxy:
        way = proxy.url.replace("http://", f"{scheme}://")
        with uploading(page, tls_tusd.url, tmp_path / "profile", way, trusting):
            strike_thrice(page, proxy)
            is_intact(page, page.done()["url"])
        assert proxy.said("ended by the reset: ")


def test_a_silent_death_is_not_noticed_by_the_page_alone(
    plain_tusd: Target, page: Page, tmp_path: Path
) -> None:
    """Neither Chromium nor tus-js-client has a stall time-out; docs/proxy.md says so."""
    server = httpx.URL(plain_tusd.endpoints["tus"].url)
    with (
        proxying("wifi", "--upstream", f"{server.host}:{server.port}") as proxy,
        uploading(page, f"{proxy.url}/files/", tmp_path / "profile"),
    ):
        page.wait_for_share(0.3)
        proxy.press("h")
        proxy.wait_for("handover for 1 s: 1 connection")
        before = len(proxy.said("connection"))
        time.sleep(30)
        assert not page.over()
        assert len(proxy.said("connection")) == before
