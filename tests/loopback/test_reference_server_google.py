"""Google's resumable uploads at the server in the box, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.servers.reference.google import ENDPOINT, UNIT
from tests.helpers.served import Server, await_that, serving

pytestmark = pytest.mark.loopback

SIZE = 3 * UNIT
WHOLE = bytes(range(256)) * (SIZE // 256)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as running:
        yield running


def start(server: Server) -> str:
    answer = server.ask(
        "POST", f"{ENDPOINT}?uploadType=resumable&name=a.bin", Host=f"127.0.0.1:{server.port}"
    )
    assert answer.status == 200
    session = answer.fields["location"]
    assert session.startswith(f"{server.url}{ENDPOINT}?")
    return session.removeprefix(server.url)


def span(start: int, stop: int) -> str:
    return f"bytes {start}-{stop - 1}/{SIZE}"


def stored(server: Server, session: str) -> int:
    return (server.directory / session.rpartition("=")[2]).stat().st_size


def test_a_reset_leaves_whole_units_and_the_rest_completes_the_object(server: Server) -> None:
    session = start(server)
    client = server.client()
    client.send("PUT", session, WHOLE[: UNIT + 5], SIZE, Content_Range=span(0, SIZE))
    await_that(lambda: stored(server, session) >= UNIT + 5)
    client.reset()
    answer = server.ask("PUT", session, Content_Range=f"bytes */{SIZE}")
    assert (answer.status, answer.fields["range"]) == (308, f"bytes=0-{UNIT - 1}")
    assert answer.content == b""
    answer = server.ask("PUT", session, WHOLE[UNIT:], Content_Range=span(UNIT, SIZE))
    assert (answer.status, answer.fields["content-type"]) == (200, "application/json; charset=UTF-8")
    link = json.loads(answer.content)["mediaLink"].partition("/download/")[2]
    assert server.ask("GET", f"/download/{link}").content == WHOLE


def test_a_query_ends_the_hold_of_a_request_that_hangs(server: Server) -> None:
    session = start(server)
    with server.client() as client:
        client.send("PUT", session, WHOLE[:UNIT], SIZE, Content_Range=span(0, SIZE))
        await_that(lambda: stored(server, session) >= UNIT)
        assert server.ask("PUT", session, Content_Range=f"bytes */{SIZE}").status == 308
        assert client.ended()


def test_one_connection_carries_a_start_its_pieces_and_a_cancellation(server: Server) -> None:
    session = start(server)
    with server.client() as client:
        assert client.ask("PUT", session, WHOLE[:UNIT], Content_Range=span(0, UNIT)).status == 308
        gap = client.ask("PUT", session, WHOLE[:UNIT], Content_Range=span(2 * UNIT, SIZE))
        assert (gap.status, gap.fields["content-type"]) == (503, "text/plain; charset=utf-8")
        assert client.ask("DELETE", session).status == 499
        assert client.ask("PUT", session, Content_Range=f"bytes */{SIZE}").status == 404


def test_a_killed_server_has_the_session_and_whole_units_of_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        session = start(server)
        client = server.client()
        client.send("PUT", session, WHOLE[: 2 * UNIT - 1], SIZE, Content_Range=span(0, SIZE))
        await_that(lambda: stored(server, session) >= 2 * UNIT - 1)
        server.stop(9)
        client.close()
    with serving(tmp_path) as server:
        answer = server.ask("PUT", session, Content_Range=f"bytes */{SIZE}")
        assert (answer.status, answer.fields["range"]) == (308, f"bytes=0-{UNIT - 1}")
        assert server.ask("PUT", session, WHOLE[UNIT:], Content_Range=span(UNIT, SIZE)).status == 200
