"""Requests are signed as the server in the box, which was made from the description alone, reads them."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from simulator.errors import UsageError
from simulator.servers.reference.messages import Head
from simulator.servers.reference.s3_xml import S3Refusal
from simulator.servers.reference.sigv4 import check
from simulator.transport.signing import sign, signer
from simulator.trust import Credentials

BOX = Credentials("simsim", "simsim-secret", "us-east-1")
URL = "http://127.0.0.1:1080/s3/simsim/a%20b%2B%C3%BC~.bin?partNumber=1&uploadId=x%2Fy&uploads="


def received(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> Head:
    """Return the head that httpx makes of a request."""
    parts = urlsplit(url)
    fields = {"host": parts.netloc} | {name.lower(): value for name, value in headers}
    return Head(method, f"{parts.path}?{parts.query}", fields, 0)


@pytest.mark.parametrize("method", ["PUT", "POST", "GET", "HEAD", "DELETE"])
def test_the_server_in_the_box_believes_what_botocore_signed(method: str) -> None:
    headers = signer(BOX)(method, URL, (("Content-Type", "x"), ("X-Simsim-Upload", "1/s3/0")))
    assert headers[:2] == (("Content-Type", "x"), ("X-Simsim-Upload", "1/s3/0"))
    check(received(method, URL, headers), time.time())
    without = tuple(pair for pair in headers if pair[0] not in ("Content-Type", "X-Simsim-Upload"))
    check(received(method, URL, without), time.time())  # a hop may take a field out that is not S3's


def test_it_does_not_believe_another_key_or_region() -> None:
    for keys in (
        Credentials("simsim", "wrong", "us-east-1"),
        Credentials("other", "simsim-secret", "us-east-1"),
        Credentials("simsim", "simsim-secret", "eu-west-1"),
    ):
        with pytest.raises(S3Refusal):
            check(received("GET", URL, sign("GET", URL, (), keys)), time.time())


def test_the_fields_that_are_s3s_own_are_signed_and_said_once() -> None:
    headers = sign("PUT", URL, (("x-amz-meta-a", "b"),), BOX)
    assert [name.lower() for name, _ in headers].count("x-amz-meta-a") == 1
    assert "x-amz-meta-a" in dict(headers)["Authorization"]
    check(received("PUT", URL, headers), time.time())


def test_a_session_token_is_signed_with() -> None:
    headers = dict(sign("GET", URL, (), Credentials("a", "b", "r", "token")))
    assert headers["X-Amz-Security-Token"] == "token"
    assert "x-amz-security-token" in headers["Authorization"]


# Keys of the environment

WHOLE = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "r"}


def test_keys_come_from_the_environment() -> None:
    assert Credentials.of_environment(WHOLE) == Credentials("a", "b", "r")
    assert Credentials.of_environment({**WHOLE, "AWS_SESSION_TOKEN": "t"}).token == "t"
    default = {**WHOLE, "AWS_REGION": "", "AWS_DEFAULT_REGION": "d"}
    assert Credentials.of_environment(default).region == "d"


@pytest.mark.parametrize("missing", [*WHOLE, "all"])
def test_one_line_says_which_keys_are_missing(missing: str) -> None:
    given = {} if missing == "all" else {**WHOLE, missing: ""}
    with pytest.raises(UsageError) as caught:
        Credentials.of_environment(given)
    line = str(caught.value)
    assert "\n" not in line
    assert all(name in line for name in (WHOLE if missing == "all" else [missing]))


@pytest.mark.parametrize("value", ["a b", "a\n", "ü", "\x07"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_said_again(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        Credentials.of_environment({**WHOLE, "AWS_SECRET_ACCESS_KEY": value})
    assert "AWS_SECRET_ACCESS_KEY" in str(caught.value) and value not in str(caught.value)


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(BOX) and "simsim" not in repr(BOX)
