"""Google's own client, google-resumable-media, against the server in the box: whole, and through a reset."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from google.resumable_media import common
from google.resumable_media.requests import ResumableUpload

from simulator.servers.reference.google import ENDPOINT, UNIT
from tests.helpers.engines import Engine, simsim_engine
from tests.helpers.served import Server, serving

pytestmark = pytest.mark.real

CONTENT = random.Random(6).randbytes(10 * UNIT + 777)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CUT = 600_000  # bytes that reach the server before the reset: two units and a part of the third


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as running:
        yield running


class Through(requests.Session):
    """A transport over a link that is reset once, and heals when the client has seen it."""

    def __init__(self, engine: Engine, box: Server) -> None:
        super().__init__()
        self.trust_env = False
        self.cuts = 0
        self.engine = engine
        host, port = engine.proxy("google", ("127.0.0.1", box.port))
        self.url = f"http://{host}:{port}"
        engine.add("google", "cut_after", "upstream", bytes=CUT)

    def request(self, *words: Any, **more: Any) -> requests.Response:
        try:
            return super().request(*words, **more)
        except requests.ConnectionError:
            self.cuts += 1
            if self.cuts == 1:
                self.engine.drop("google", "cut_after")
            raise


def started(url: str, transport: requests.Session, units: int, content: bytes = CONTENT) -> ResumableUpload:
    """Begin an upload in chunks of so many *units*; the client checks the MD5 that the server tells."""
    upload = ResumableUpload(f"{url}{ENDPOINT}?uploadType=resumable", units * UNIT, checksum="md5")
    upload.initiate(transport, io.BytesIO(content), {"name": "dir/ä.bin"}, "application/x-test")
    return upload


def assert_stored(box: Server, last: requests.Response) -> None:
    said = last.json()
    assert (said["name"], said["size"], said["contentType"]) == (
        "dir/ä.bin",
        str(len(CONTENT)),
        "application/x-test",
    )
    link = f"{box.url}/{said['mediaLink'].partition('//')[2].partition('/')[2]}"
    with requests.Session() as straight:
        straight.trust_env = False
        read = straight.get(link, timeout=60)
    assert hashlib.sha256(read.content).hexdigest() == SHA256
    assert read.headers["Content-Type"] == "application/x-test"


@pytest.mark.parametrize("units", [1, 3, 100])
def test_the_client_uploads_in_chunks_and_reads_the_same_back(box: Server, units: int) -> None:
    with requests.Session() as transport:
        transport.trust_env = False
        upload = started(box.url, transport, units)
        while not upload.finished:
            last = upload.transmit_next_chunk(transport)
    assert upload.bytes_uploaded == len(CONTENT)
    assert_stored(box, last)


def test_the_client_uploads_a_stream_whose_length_it_learns_at_the_end(box: Server) -> None:
    with requests.Session() as transport:
        transport.trust_env = False
        upload = ResumableUpload(f"{box.url}{ENDPOINT}?uploadType=resumable", UNIT, checksum="md5")
        described = {"name": "dir/ä.bin"}
        upload.initiate(transport, io.BytesIO(CONTENT), described, "application/x-test", stream_final=False)
        while not upload.finished:
            last = upload.transmit_next_chunk(transport)
    assert_stored(box, last)


def test_an_empty_upload_is_complete(box: Server) -> None:
    with requests.Session() as transport:
        transport.trust_env = False
        upload = started(box.url, transport, 1, b"")
        last = upload.transmit_next_chunk(transport)
    assert upload.finished and last.json()["size"] == "0"


@pytest.mark.parametrize("units", [1, 4, 100])
def test_through_a_reset_the_client_sends_its_chunk_again_and_the_hash_holds(box: Server, units: int) -> None:
    with simsim_engine() as engine, Through(engine, box) as transport:
        upload = started(transport.url, transport, units)
        while not upload.finished:
            last = upload.transmit_next_chunk(transport)
        assert transport.cuts >= 1
    assert_stored(box, last)


def test_through_a_reset_the_client_recovers_at_a_multiple_of_256_kib(box: Server) -> None:
    with simsim_engine() as engine, Through(engine, box) as transport:
        upload = started(transport.url, transport, 100)
        upload._retry_strategy = common.RetryStrategy(
            max_retries=0
        )  # or it would not ask, but send all again
        with pytest.raises(requests.ConnectionError):
            upload.transmit_next_chunk(transport)
        answer = upload.recover(transport)
        assert answer.status_code == 308
        assert upload.bytes_uploaded % UNIT == 0 and upload.bytes_uploaded <= CUT
        while not upload.finished:
            last = upload.transmit_next_chunk(transport)
    assert_stored(box, last)


def test_a_session_that_was_cancelled_is_gone_for_the_client(box: Server) -> None:
    with requests.Session() as transport:
        transport.trust_env = False
        upload = started(box.url, transport, 1)
        upload.transmit_next_chunk(transport)
        assert transport.delete(upload.resumable_url).status_code == 499
        with pytest.raises(common.InvalidResponse) as told:
            upload.transmit_next_chunk(transport)
    assert told.value.response.status_code == 404
