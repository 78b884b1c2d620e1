"""What @uploadx/core does that harms a client: strict expected failures, so that a mend shows."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest

from simulator.servers import start
from tests.real.conftest import installed

pytestmark = pytest.mark.real

SIZE = 1000


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    installed("servers", "uploadx")
    with start("uploadx", tmp_path_factory.mktemp("uploadx") / "run") as target:
        yield target.endpoints["google"].url


@pytest.fixture
def session(endpoint: str) -> str:
    length = {"X-Upload-Content-Length": str(SIZE)}
    created = httpx.post(f"{endpoint}?uploadType=resumable&name=a", headers=length, trust_env=False)
    assert created.status_code == 201
    return urljoin(endpoint, created.headers["location"])


def put(session: str, span: str, content: bytes = b"") -> httpx.Response:
    return httpx.put(
        session, headers={"Content-Range": f"bytes {span}/{SIZE}"}, content=content, trust_env=False
    )


def test_an_upload_in_two_parts_is_told_of_by_308_and_range(session: str) -> None:
    first = put(session, "0-399", b"x" * 400)
    assert (first.status_code, first.headers["range"]) == (308, "bytes=0-399")
    assert put(session, "400-999", b"x" * 600).status_code == 200


@pytest.mark.xfail(reason="200, with zeros in the hole")
def test_bytes_beyond_what_is_stored_are_refused(session: str) -> None:
    assert put(session, "500-999", b"x" * 500).status_code not in (200, 201)


@pytest.mark.xfail(reason="Range: bytes=0--1")
def test_a_session_that_holds_nothing_says_no_range(session: str) -> None:
    answer = put(session, "*")
    assert answer.status_code == 308
    assert "range" not in answer.headers


@pytest.mark.xfail(reason="they replace what was acknowledged, and Range shrinks to bytes=0-49")
def test_bytes_that_are_stored_are_not_written_again(session: str) -> None:
    put(session, "0-99", b"x" * 100)
    assert put(session, "0-49", b"z" * 50).headers["range"] == "bytes=0-99"
