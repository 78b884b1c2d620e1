"""What any tus 1.0 server must do, asked by URL: the same checks for the server in the box and for others.

Each check takes the URL of a creation endpoint. One that needs an extension which OPTIONS does not
name raises ``Unsupported``. Section titles are those of protocol.md of tus 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import httpx

CONTENT = bytes(range(256)) * 40
TYPE = {"Content-Type": "application/offset+octet-stream"}


class Unsupported(Exception):
    """The server does not claim what the check is about."""


class Tus:
    """A client that does one request at a time and keeps no state."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(headers={"Tus-Resumable": "1.0.0"}, timeout=30, trust_env=False)

    def needs(self, extension: str) -> None:
        options = self.http.request("OPTIONS", self.url)
        if extension not in options.headers.get("tus-extension", "").split(","):
            raise Unsupported(extension)

    def create(self, length: int = len(CONTENT), content: bytes | None = None, **more: str) -> str:
        headers = {"Upload-Length": str(length), "Upload-Metadata": _METADATA, **_fields(more)}
        if content is not None:
            headers |= TYPE
        answer = self.http.post(self.url, headers=headers, content=content or b"")
        assert answer.status_code == 201, answer
        return urljoin(self.url, answer.headers["location"])

    def head(self, upload: str) -> httpx.Response:
        return self.http.head(upload)

    def offset(self, upload: str) -> int:
        return int(self.head(upload).headers["upload-offset"])

    def patch(self, upload: str, offset: object, content: bytes, **more: str) -> httpx.Response:
        headers = {"Upload-Offset": str(offset), **TYPE, **_fields(more)}
        return self.http.patch(upload, headers=headers, content=content)


_METADATA = "filename Zi5iaW4=,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"


def _fields(more: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in more.items()}


@contextmanager
def _talking(url: str) -> Iterator[Tus]:
    tus = Tus(url)
    with tus.http:
        yield tus


def options_names_the_version(url: str) -> None:
    with _talking(url) as tus:
        answer = httpx.request("OPTIONS", url, trust_env=False)
        assert answer.status_code in (200, 204)
        assert "1.0.0" in answer.headers["tus-version"].split(",")
        assert tus.http.request("OPTIONS", url, headers={"Tus-Resumable": "9"}).status_code in (200, 204)


def an_upload_in_pieces_comes_back(url: str) -> None:
    with _talking(url) as tus:
        upload = tus.create()
        for at in range(0, len(CONTENT), 3000):
            answer = tus.patch(upload, at, CONTENT[at : at + 3000])
            assert answer.status_code == 204
            assert int(answer.headers["upload-offset"]) == min(at + 3000, len(CONTENT))
        got = tus.http.get(upload)
        assert got.status_code != 200 or got.content == CONTENT


def head_tells_offset_and_length_and_is_not_cached(url: str) -> None:
    """ "HEAD"."""
    with _talking(url) as tus:
        answer = tus.head(tus.create())
        assert answer.status_code in (200, 204)
        assert (answer.headers["upload-offset"], answer.headers["upload-length"]) == ("0", str(len(CONTENT)))
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["tus-resumable"] == "1.0.0"


def metadata_is_given_back(url: str) -> None:
    """ "Upload-Metadata"; a server may put the pairs in another order."""
    with _talking(url) as tus:
        told = tus.head(tus.create()).headers["upload-metadata"]
        assert sorted(told.split(",")) == sorted(_METADATA.split(","))


def a_wrong_offset_is_a_conflict_and_changes_nothing(url: str) -> None:
    """ "PATCH"."""
    with _talking(url) as tus:
        upload = tus.create()
        tus.patch(upload, 0, CONTENT[:100])
        for wrong in (0, 99, 101):
            assert tus.patch(upload, wrong, b"x").status_code == 409
        assert tus.offset(upload) == 100


def a_malformed_offset_is_refused(url: str) -> None:
    """ "Upload-Offset"."""
    with _talking(url) as tus:
        upload = tus.create()
        assert all(400 <= tus.patch(upload, wrong, b"x").status_code < 500 for wrong in ("-1", "x", ""))
        assert tus.offset(upload) == 0


def another_content_type_is_refused(url: str) -> None:
    """ "PATCH": 415 is what a server should answer; tusd 2.9 answers 400."""
    with _talking(url) as tus:
        upload = tus.create()
        assert tus.patch(upload, 0, b"x", Content_Type="text/plain").status_code in (415, 400)
        assert tus.offset(upload) == 0


def another_version_is_refused(url: str) -> None:
    """ "Tus-Resumable": the answer must include Tus-Version, which tusd 2.9 leaves out."""
    with _talking(url) as tus:
        answer = tus.http.post(url, headers={"Tus-Resumable": "0.2.2", "Upload-Length": "1"})
        assert answer.status_code == 412
        assert "1.0.0" in answer.headers["tus-version"]


def an_unknown_upload_is_not_found(url: str) -> None:
    """ "HEAD", "PATCH"."""
    with _talking(url) as tus:
        upload = url.rstrip("/") + "/0123456789abcdef0123456789abcdef"
        head = tus.head(upload)
        assert head.status_code in (404, 410, 403)
        assert "upload-offset" not in head.headers
        assert tus.patch(upload, 0, b"x").status_code in (404, 410, 403)


def a_cut_patch_keeps_what_arrived(url: str) -> None:
    """ "PATCH": the server should store as much as possible; never more than was sent."""
    with _talking(url) as tus:
        upload = tus.create()
        with _cut(upload, CONTENT[:5000], announced=len(CONTENT)):
            pass
        at = tus.offset(upload)
        assert 0 <= at <= 5000
        assert _resume(tus, upload) == 204
        got = tus.http.get(upload)
        assert got.status_code != 200 or got.content == CONTENT


def a_half_open_request_does_not_lock_the_upload_for_long(url: str) -> None:
    """Not in tus: a lock held by a dead connection is what people meet as 423, as in tus/tusd#234."""
    with _talking(url) as tus:
        upload = tus.create()
        with _cut(upload, CONTENT[:5000], announced=len(CONTENT)):
            assert _resume(tus, upload) == 204
        got = tus.http.get(upload)
        assert got.status_code != 200 or got.content == CONTENT


def _resume(tus: Tus, upload: str) -> int:
    """Ask and append; again after a conflict, for the old request may come to life after the question."""
    for _ in range(3):
        at = tus.offset(upload)
        status = tus.patch(upload, at, CONTENT[at:]).status_code
        if status != 409:
            break
    return status


@contextmanager
def _cut(upload: str, content: bytes, announced: int) -> Iterator[None]:
    """Send a part of a PATCH on a connection of its own, and cut it at the end of the block."""
    parts = urlsplit(upload)
    head = (
        f"PATCH {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: {TYPE['Content-Type']}\r\nContent-Length: {announced}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(head.encode() + content)
        yield


def creation_with_upload(url: str) -> None:
    with _talking(url) as tus:
        tus.needs("creation-with-upload")
        upload = tus.create(content=CONTENT[:100])
        assert tus.offset(upload) == 100


def a_deferred_length_is_told_until_it_is_set(url: str) -> None:
    with _talking(url) as tus:
        tus.needs("creation-defer-length")
        answer = tus.http.post(url, headers={"Upload-Defer-Length": "1", "Upload-Metadata": _METADATA})
        upload = urljoin(url, answer.headers["location"])
        assert tus.head(upload).headers["upload-defer-length"] == "1"
        assert tus.patch(upload, 0, b"abc", Upload_Length="5").status_code == 204
        assert tus.head(upload).headers["upload-length"] == "5"


def a_terminated_upload_is_gone(url: str) -> None:
    with _talking(url) as tus:
        tus.needs("termination")
        upload = tus.create()
        assert tus.http.delete(upload).status_code == 204
        assert tus.head(upload).status_code in (404, 410)


def a_wrong_checksum_keeps_nothing(url: str) -> None:
    with _talking(url) as tus:
        tus.needs("checksum")
        upload = tus.create()
        sums = [base64.b64encode(hashlib.sha1(text).digest()).decode() for text in (b"abc", b"abd")]
        assert tus.patch(upload, 0, b"abc", Upload_Checksum=f"sha1 {sums[1]}").status_code == 460
        assert tus.patch(upload, 0, b"abc", Upload_Checksum=f"none {sums[0]}").status_code == 400
        assert tus.offset(upload) == 0
        assert tus.patch(upload, 0, b"abc", Upload_Checksum=f"sha1 {sums[0]}").status_code == 204


def partial_uploads_become_one(url: str) -> None:
    with _talking(url) as tus:
        tus.needs("concatenation")
        parts = [tus.create(3, Upload_Concat="partial") for _ in range(2)]
        for part, text in zip(parts, (b"abc", b"def"), strict=True):
            assert tus.patch(part, 0, text).status_code == 204
        paths = " ".join(urlsplit(part).path for part in reversed(parts))
        answer = tus.http.post(url, headers={"Upload-Concat": f"final;{paths}", "Upload-Metadata": _METADATA})
        assert answer.status_code == 201
        final = urljoin(url, answer.headers["location"])
        assert tus.offset(final) == 6
        assert tus.patch(final, 6, b"").status_code == 403
        got = tus.http.get(final)
        assert got.status_code != 200 or got.content == b"defabc"


def an_expiry_is_told_with_every_patch(url: str) -> None:
    with _talking(url) as tus:
        tus.needs("expiration")
        answer = tus.patch(tus.create(), 0, b"abc")
        expires = answer.headers.get("upload-expires")
        assert expires is None or expires.endswith(" GMT")  # "if the upload is going to expire"


CHECKS: tuple[Callable[[str], None], ...] = (
    options_names_the_version,
    an_upload_in_pieces_comes_back,
    head_tells_offset_and_length_and_is_not_cached,
    metadata_is_given_back,
    a_wrong_offset_is_a_conflict_and_changes_nothing,
    a_malformed_offset_is_refused,
    another_content_type_is_refused,
    another_version_is_refused,
    an_unknown_upload_is_not_found,
    a_cut_patch_keeps_what_arrived,
    a_half_open_request_does_not_lock_the_upload_for_long,
    creation_with_upload,
    a_deferred_length_is_told_until_it_is_set,
    a_terminated_upload_is_gone,
    a_wrong_checksum_keeps_nothing,
    partial_uploads_become_one,
    an_expiry_is_told_with_every_patch,
)
