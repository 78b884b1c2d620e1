"""What versitygw v1.8.0 does wrong, pinned (docs/findings.md): a version that is mended fails here."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simulator.servers import start
from simulator.servers.server import Endpoint
from simulator.transport.signing import sign
from tests.helpers.sinks import wait_until
from tests.real.conftest import installed

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore")]

SIZE, CAME = 6_000_000, 1_000_000
CONTENT = random.Random(7).randbytes(SIZE)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Endpoint]:
    installed("servers", "versitygw")
    with start("versitygw", tmp_path) as target:
        yield target.endpoints["s3"]


def ask(bucket: Endpoint, method: str, query: str, content: bytes = b"") -> httpx.Response:
    assert bucket.credentials is not None
    url = f"{bucket.url}/k{query}"
    headers = list(sign(method, url, (), bucket.credentials))
    return httpx.request(method, url, headers=headers, content=content, trust_env=False)


def put_and_end_early(bucket: Endpoint, query: str) -> None:
    """PUT ``SIZE`` bytes by their head, and end the connection in order after ``CAME`` of them."""
    assert bucket.credentials is not None
    url = httpx.URL(f"{bucket.url}/k{query}")
    lines = [
        f"PUT {url.raw_path.decode()} HTTP/1.1",
        f"Host: {url.netloc.decode()}",
        f"Content-Length: {SIZE}",
    ]
    lines += [f"{name}: {value}" for name, value in sign("PUT", str(url), (), bucket.credentials)]
    with socket.create_connection((url.host, url.port or 80)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + CONTENT[:CAME])


def created(bucket: Endpoint) -> str:
    found = re.search("<UploadId>(.*)</UploadId>", ask(bucket, "POST", "?uploads=").text)
    assert found is not None
    return found[1]


def completed(bucket: Endpoint, upload: str, etag: str, number: int = 1) -> httpx.Response:
    part = f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
    content = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()
    return ask(bucket, "POST", f"?uploadId={upload}", content)


def test_a_part_that_was_cut_is_kept_as_if_it_were_whole_and_its_rest_reads_as_zeros(
    bucket: Endpoint,
) -> None:
    upload = created(bucket)
    put_and_end_early(bucket, f"?partNumber=1&uploadId={upload}")
    listing = f"?max-parts=1&part-number-marker=0&uploadId={upload}"
    wait_until(lambda: "<PartNumber>1</PartNumber>" in ask(bucket, "GET", listing).text)
    told = ask(bucket, "GET", listing).text
    assert f"<Size>{SIZE}</Size>" in told
    etag = told.partition("<ETag>")[2].partition("</ETag>")[0]
    assert completed(bucket, upload, etag).status_code == 200
    stored = ask(bucket, "GET", "").content
    assert stored == CONTENT[:CAME] + bytes(SIZE - CAME)


def test_an_object_that_was_cut_is_published_short(bucket: Endpoint) -> None:
    put_and_end_early(bucket, "")
    wait_until(lambda: ask(bucket, "HEAD", "").status_code == 200)
    assert ask(bucket, "HEAD", "").headers["content-length"] == str(CAME)


def test_a_completion_that_was_not_made_is_answered_200_with_an_etag_that_no_object_has(
    bucket: Endpoint,
) -> None:
    upload = created(bucket)
    etags = [
        ask(bucket, "PUT", f"?partNumber={number}&uploadId={upload}", CONTENT[:size]).headers["etag"]
        for number, size in ((1, SIZE), (2, 1000))
    ]
    both = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in enumerate(etags, 1)
    )
    whole = f"<CompleteMultipartUpload>{both}</CompleteMultipartUpload>".encode()
    assert ask(bucket, "POST", f"?uploadId={upload}", whole).status_code == 200
    there = ask(bucket, "HEAD", "").headers["etag"]
    again = completed(bucket, upload, etags[1])
    assert again.status_code == 200 and there.strip('"') not in again.text
    assert ask(bucket, "HEAD", "").headers["etag"] == there
