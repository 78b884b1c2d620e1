"""The S3 of the server in the box: its core, asked as a client would ask it, signed."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from simulator.servers.reference.messages import Head, Reply
from simulator.servers.reference.receiving import Copying, Receiving
from simulator.servers.reference.s3_parts import PART
from tests.helpers.asking import field, finish
from tests.helpers.s3 import NOW, S3Asker, signed

KEY = "/s3/simsim/a%2Fb"
XML = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@pytest.fixture
def asker() -> S3Asker:
    return S3Asker()


def text(reply: Reply, name: str) -> str:
    root = ElementTree.fromstring(reply.content)
    found = root.find(f"{XML}{name}") if root.find(f"{XML}{name}") is not None else root.find(name)
    assert found is not None, reply.content
    return found.text or ""


def assert_refused(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, text(reply, "Code"), reply.content_type) == (status, code, "application/xml")


def begun(asker: S3Asker, key: str = KEY) -> str:
    return text(asker.ask("POST", f"{key}?uploads="), "UploadId")


def part(asker: S3Asker, upload: str, number: int, content: bytes, key: str = KEY) -> str:
    reply = asker.ask("PUT", f"{key}?partNumber={number}&uploadId={upload}", content)
    assert reply.status == 200, reply
    return field(reply, "ETag") or ""


def listing(*parts: tuple[int, str]) -> bytes:
    rows = "".join(f"<Part><ETag>{e}</ETag><PartNumber>{n}</PartNumber></Part>" for n, e in parts)
    return f'<CompleteMultipartUpload xmlns="{XML[1:-1]}">{rows}</CompleteMultipartUpload>'.encode()


def complete(asker: S3Asker, upload: str, *parts: tuple[int, str], key: str = KEY) -> Reply:
    return asker.ask("POST", f"{key}?uploadId={upload}", listing(*parts))


# Multipart uploads


def test_parts_in_any_order_become_one_object_with_the_etag_of_their_etags(asker: S3Asker) -> None:
    upload = begun(asker)
    etags = {number: part(asker, upload, number, b"%d" % number * 3) for number in (3, 1, 2)}
    reply = complete(asker, upload, *sorted(etags.items()))
    digests = b"".join(hashlib.md5(b"%d" % number * 3).digest() for number in (1, 2, 3))
    assert text(reply, "ETag") == f'"{hashlib.md5(digests).hexdigest()}-3"'
    got = asker.ask("GET", KEY)
    assert (asker.content(got), field(got, "ETag")) == (b"111222333", text(reply, "ETag"))
    assert list(asker.store.blobs) == list(asker.store.infos), "nothing else is left"
    assert len(asker.store.blobs) == 1


def test_parts_outlive_a_restart_and_are_listed(asker: S3Asker) -> None:
    upload = begun(asker)
    etag = part(asker, upload, 7, b"seven")
    asker.restart()
    root = ElementTree.fromstring(asker.ask("GET", f"{KEY}?uploadId={upload}").content)
    (row,) = root.iter(f"{XML}Part")
    assert [row.findtext(f"{XML}{name}") for name in ("PartNumber", "ETag", "Size")] == ["7", etag, "5"]
    assert complete(asker, upload, (7, etag)).status == 200
    asker.restart()
    assert asker.content(asker.ask("GET", KEY)) == b"seven"


def test_a_listing_has_pages(asker: S3Asker) -> None:
    upload = begun(asker)
    for number in range(1, 6):
        part(asker, upload, number, b"x")
    pages, marker = [], "0"
    while True:
        reply = asker.ask("GET", f"{KEY}?max-parts=2&part-number-marker={marker}&uploadId={upload}")
        pages.append([row.text for row in ElementTree.fromstring(reply.content).iter(f"{XML}PartNumber")])
        marker = text(reply, "NextPartNumberMarker")
        if text(reply, "IsTruncated") == "false":
            break
    assert pages == [["1", "2"], ["3", "4"], ["5"]]


def test_a_part_that_comes_again_takes_the_place_of_the_first(asker: S3Asker) -> None:
    upload = begun(asker)
    old, new = part(asker, upload, 1, b"old"), part(asker, upload, 1, b"newer")
    assert_refused(complete(asker, upload, (1, old)), 400, "InvalidPart")
    assert complete(asker, upload, (1, new)).status == 200
    assert asker.content(asker.ask("GET", KEY)) == b"newer"


def test_a_part_that_is_cut_leaves_nothing(asker: S3Asker) -> None:
    upload = begun(asker)
    step = asker.begin(asker.head("PUT", f"{KEY}?partNumber=1&uploadId={upload}", 10))
    assert isinstance(step, Receiving)
    step.data(b"123", NOW)
    step.cut(NOW)
    assert list(asker.store.blobs) == [upload]
    assert_refused(complete(asker, upload, (1, "x")), 400, "InvalidPart")


def test_an_aborted_upload_is_gone_with_its_parts(asker: S3Asker) -> None:
    upload = begun(asker)
    part(asker, upload, 1, b"x")
    assert asker.ask("DELETE", f"{KEY}?uploadId={upload}").status == 204
    assert not asker.store.blobs and not asker.store.infos
    for method in ("DELETE", "GET", "POST"):
        assert_refused(asker.ask(method, f"{KEY}?uploadId={upload}"), 404, "NoSuchUpload")


def test_a_part_whose_upload_is_aborted_meanwhile_is_refused_and_leaves_nothing(asker: S3Asker) -> None:
    upload = begun(asker)
    step = asker.begin(asker.head("PUT", f"{KEY}?partNumber=1&uploadId={upload}", 1))
    asker.ask("DELETE", f"{KEY}?uploadId={upload}")
    assert_refused(asker.carried(step, b"x"), 404, "NoSuchUpload")
    assert not asker.store.blobs


def test_of_two_completions_at_once_one_wins_and_the_other_finds_no_upload(asker: S3Asker) -> None:
    upload = begun(asker)
    etag = part(asker, upload, 1, b"xyz")
    content = listing((1, etag))
    steps = []
    for _ in range(2):
        step = asker.begin(asker.head("POST", f"{KEY}?uploadId={upload}", len(content)))
        assert isinstance(step, Receiving)
        step.data(content, NOW)
        steps.append(step.end(NOW))
    first, second = steps
    assert isinstance(first, Copying) and isinstance(second, Copying)
    assert second.step() is None and finish(first).status == 200
    assert_refused(finish(second), 404, "NoSuchUpload")
    assert asker.content(asker.ask("GET", KEY)) == b"xyz" and len(asker.store.blobs) == 1


def test_an_upload_expires_as_others_do() -> None:
    asker = S3Asker(expires=5.0)
    upload = begun(asker)
    part(asker, upload, 1, b"x")
    asker.now += 6
    reply = asker.ask("PUT", f"{KEY}?partNumber=2&uploadId={upload}", b"x")
    assert_refused(reply, 404, "NoSuchUpload")
    assert not any(info["protocol"] == PART for info in asker.store.infos.values())


def test_parts_without_their_upload_are_cleared_away_at_the_start(asker: S3Asker) -> None:
    upload = begun(asker)
    part(asker, upload, 1, b"x")
    asker.store.remove(upload)
    asker.restart()
    assert not asker.store.blobs and not asker.store.infos


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "MalformedXML"),
        (b"<x/>", "MalformedXML"),
        (listing(), "MalformedXML"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + listing((1, "x")), "MalformedXML"),
        (listing((1, "x"))[:-3], "MalformedXML"),
        (listing((1, "x")).replace(b">1<", b">one<"), "MalformedXML"),
        (listing((2, "x"), (1, "x")), "InvalidPartOrder"),
        (listing((1, "x"), (1, "x")), "InvalidPartOrder"),
        (listing((1, "x")), "InvalidPart"),
        (listing((9, "x")), "InvalidPart"),
    ],
)
def test_a_completion_that_makes_no_sense_is_refused_and_the_upload_stays(
    asker: S3Asker, content: bytes, code: str
) -> None:
    upload = begun(asker)
    etag = part(asker, upload, 1, b"x")
    assert_refused(asker.ask("POST", f"{KEY}?uploadId={upload}", content), 400, code)
    assert complete(asker, upload, (1, etag)).status == 200


def test_parts_below_5_mib_are_too_small_but_for_the_last() -> None:
    asker = S3Asker(smallest_part=3)
    upload = begun(asker)
    one, two, three = (part(asker, upload, number, b"xyz"[:number]) for number in (1, 2, 3))
    assert_refused(complete(asker, upload, (1, one), (3, three)), 400, "EntityTooSmall")
    assert complete(asker, upload, (3, three)).status == 200
    assert two


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", "", "1.0"])
def test_a_part_number_is_from_1_to_10000(asker: S3Asker, number: str) -> None:
    reply = asker.ask("PUT", f"{KEY}?partNumber={number}&uploadId={begun(asker)}", b"x")
    assert_refused(reply, 400, "InvalidArgument")


def test_an_upload_is_of_one_key(asker: S3Asker) -> None:
    upload = begun(asker)
    assert_refused(asker.ask("GET", f"/s3/simsim/other?uploadId={upload}"), 404, "NoSuchUpload")


# Objects and the bucket


def test_an_object_is_put_read_in_ranges_and_removed(asker: S3Asker) -> None:
    asker.ask("PUT", KEY, b"0123456789", content_type="text/x")
    head = asker.ask("HEAD", KEY)
    assert (head.status, head.size, field(head, "Content-Type")) == (200, 10, "text/x")
    assert field(head, "ETag") == f'"{hashlib.md5(b"0123456789").hexdigest()}"'
    ranges = {"bytes=2-4": b"234", "bytes=7-": b"789", "bytes=-2": b"89", "bytes=0-99": b"0123456789"}
    for asked, expected in ranges.items():
        reply = asker.ask("GET", KEY, range=asked)
        assert asker.content(reply) == expected
        assert reply.status == (200 if len(expected) == 10 else 206)
    assert field(asker.ask("GET", KEY, range="bytes=2-4"), "Content-Range") == "bytes 2-4/10"
    assert_refused(asker.ask("GET", KEY, range="bytes=10-"), 416, "InvalidRange")
    assert asker.ask("DELETE", KEY).status == 204 == asker.ask("DELETE", KEY).status
    assert_refused(asker.ask("GET", KEY), 404, "NoSuchKey")


def test_the_bucket_is_there_at_both_places_and_no_other(asker: S3Asker) -> None:
    for path in ("/s3/simsim", "/s3/simsim/", "/simsim", "/simsim/"):
        assert asker.ask("HEAD", path).status == 200
        assert asker.ask("PUT", path).status == 200
    asker.ask("PUT", "/simsim/k", b"x")
    assert asker.content(asker.ask("GET", "/s3/simsim/k")) == b"x"
    assert b"<Name>simsim</Name>" in asker.ask("GET", "/s3/").content
    assert_refused(asker.ask("PUT", "/s3/other"), 404, "NoSuchBucket")
    assert_refused(asker.ask("GET", "/s3/simsim"), 501, "NotImplemented")
    assert_refused(asker.ask("GET", f"{KEY}?acl"), 501, "NotImplemented")
    assert_refused(asker.ask("PUT", KEY, x_amz_copy_source="/simsim/x"), 501, "NotImplemented")
    assert_refused(asker.ask("PUT", f"/s3/simsim/{'k' * 1025}"), 400, "KeyTooLongError")


def test_more_than_the_servers_limit_is_refused() -> None:
    asker = S3Asker(max_size=5)
    assert_refused(asker.ask("PUT", KEY, b"123456"), 400, "EntityTooLarge")
    upload = begun(asker)
    etags = [part(asker, upload, number, b"123") for number in (1, 2)]
    assert_refused(complete(asker, upload, *enumerate(etags, 1)), 400, "EntityTooLarge")


# What the content hashes to, and its coding


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("content_md5", base64.b64encode(hashlib.md5(b"xyz").digest()).decode()),
        ("x_amz_content_sha256", hashlib.sha256(b"xyz").hexdigest()),
        ("x_amz_checksum_crc32", base64.b64encode(zlib.crc32(b"xyz").to_bytes(4, "big")).decode()),
        ("x_amz_checksum_sha256", base64.b64encode(hashlib.sha256(b"xyz").digest()).decode()),
    ],
)
def test_content_that_hashes_to_something_else_is_not_kept(asker: S3Asker, name: str, right: str) -> None:
    assert_refused(asker.ask("PUT", KEY, b"xyZ", **{name: right}), 400, "BadDigest")
    assert not asker.store.blobs
    assert asker.ask("PUT", KEY, b"xyz", **{name: right}).status == 200


TRAILED = {
    "x_amz_content_sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x_amz_trailer": "x-amz-checksum-crc32",
    "x_amz_decoded_content_length": "5",
    "content_encoding": "aws-chunked",
}
CRC = base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big"))
CODED = b"2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:" + CRC + b"\r\n\r\n"


def slices(content: bytes) -> Iterator[list[bytes]]:
    yield [content]
    yield [content[at : at + 1] for at in range(len(content))]
    for at in range(1, len(content)):
        yield [content[:at], content[at:]]


def test_aws_chunked_content_is_taken_off_its_coding_however_it_is_cut(asker: S3Asker) -> None:
    for pieces in slices(CODED):
        step = asker.begin(asker.head("PUT", KEY, None, **TRAILED))
        assert isinstance(step, Receiving)
        assert not any(step.data(piece, NOW) for piece in pieces)
        reply = step.end(NOW)
        assert isinstance(reply, Reply) and reply.status == 200
        assert asker.content(asker.ask("GET", KEY)) == b"hello"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (CODED.replace(b"llo", b"lla"), "BadDigest"),
        (CODED.replace(CRC, b"AAAAAA=="), "BadDigest"),
        (CODED[:-2], "IncompleteBody"),
        (CODED[:8], "IncompleteBody"),
        (b"0\r\n\r\n", "IncompleteBody"),
        (b"hello", "IncompleteBody"),
        (b"x\r\nhello\r\n", "InvalidChunkSizeError"),
        (b"-1\r\n", "InvalidChunkSizeError"),
        (b"2\r\nhello\r\n", "InvalidChunkSizeError"),
        (CODED + b"more\r\n", "InvalidChunkSizeError"),
        (b"1" * 9000, "InvalidChunkSizeError"),
    ],
)
def test_content_that_is_not_as_its_coding_wants_is_refused(
    asker: S3Asker, content: bytes, code: str
) -> None:
    assert_refused(asker.ask("PUT", KEY, content, **TRAILED), 400, code)
    assert not asker.store.blobs


def test_codings_and_hashes_that_are_not_known_are_refused_by_name(asker: S3Asker) -> None:
    reply = asker.ask("PUT", KEY, x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert_refused(reply, 501, "NotImplemented")
    assert_refused(asker.ask("PUT", KEY, x_amz_content_sha256="abc"), 400, "InvalidRequest")


# Signatures


def changed(head: Head, **fields: str) -> Head:
    return Head(head.method, head.target, {**head.fields, **fields}, head.length)


def test_a_request_that_was_changed_or_signed_otherwise_is_refused(asker: S3Asker) -> None:
    good = signed("GET", f"{KEY}?uploadId=1", 0, NOW, x_amz_meta_a="b")
    signature = good.fields["authorization"]
    refused = {
        "AccessDenied": (
            Head("GET", KEY, {"host": "h"}, 0),
            changed(good, authorization="Bearer x"),
            changed(good, **{"x-amz-date": "yesterday"}),
            changed(good, **{"x-amz-late": "unsigned"}),
            changed(good, authorization=signature.replace("host;", "")),
        ),
        "SignatureDoesNotMatch": (
            Head("PUT", good.target, good.fields, 0),
            Head("GET", f"{KEY}?uploadId=2", good.fields, 0),
            Head("GET", "/s3/simsim/other?uploadId=1", good.fields, 0),
            changed(good, host="other"),
            changed(good, **{"x-amz-content-sha256": "0" * 64}),
            changed(good, authorization=signature[:-1] + ("0" if signature[-1] != "0" else "1")),
            changed(good, authorization=signature.partition(", Signature")[0]),
        ),
        "InvalidAccessKeyId": (changed(good, authorization=signature.replace("=simsim/", "=other/")),),
        "RequestTimeTooSkewed": (signed("GET", KEY, 0, NOW - 901), signed("GET", KEY, 0, NOW + 901)),
        "AuthorizationHeaderMalformed": (
            changed(good, authorization=signature.replace("us-east-1", "eu-west-1")),
        ),
    }
    for code, heads in refused.items():
        for head in heads:
            step = asker.begin(head)
            assert isinstance(step, Reply) and step.status in (400, 403), head
            assert text(step, "Code") == code, head
    assert_refused(asker.carried(asker.begin(good), b""), 404, "NoSuchUpload")


def test_the_clock_may_be_off_by_some_minutes_and_a_query_be_in_any_order_and_coding(asker: S3Asker) -> None:
    for head in (
        signed("GET", f"{KEY}?uploadId=1&max-parts=2", 0, NOW - 890),
        signed("GET", f"{KEY}?max-parts=2&uploadId=%31", 0, NOW),
    ):
        assert_refused(asker.carried(asker.begin(head), b""), 404, "NoSuchUpload")


def test_the_example_of_amazons_documentation_has_its_signature() -> None:
    """ "Example: GET Object" of the header-based signature's page; its key and its digits."""
    from simulator.servers.reference.sigv4 import Scope, signature

    fields = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-amz-date": "20130524T000000Z",
    }
    head = Head("GET", "/test.txt", fields, 0)
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    digits = signature(head, list(fields), "20130524T000000Z", Scope("20130524", "us-east-1"), secret)
    assert digits == b"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
