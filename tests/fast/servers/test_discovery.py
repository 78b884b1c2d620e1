"""What a server's own answers say that it can do, and what an arm that wants more is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simulator.protocols import PROTOCOLS
from simulator.servers.discovery import EXTENSIONS, Capabilities, _offers, _speaks, lacking
from simulator.servers.server import Endpoint

HERE = Endpoint("http://127.0.0.1:1080/files/")
ALL = ",".join(EXTENSIONS.values())
Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer))


def tus(**headers: str) -> Capabilities:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return _offers(client(lambda _: httpx.Response(204, headers=fields)), HERE)


def why(variant: str, found: Capabilities) -> str | None:
    return lacking("tus", PROTOCOLS["tus"].parse(variant), found)


@pytest.mark.parametrize(
    ("variant", "extension"),
    [
        ("creation-with-upload", "creation-with-upload"),
        ("checksum=sha1", "checksum"),
        ("parallel=4", "concatenation"),
        ("deferred=last", "creation-defer-length"),
        ("expiration", "expiration"),
        ("terminate", "termination"),
    ],
)
def test_a_variant_without_its_extension_is_refused_with_the_servers_own_words(
    variant: str, extension: str
) -> None:
    others = ", ".join(name for name in ALL.split(",") if name != extension)
    refused = why(variant, tus(Tus_Extension=others))
    assert refused is not None and refused.startswith(f"no '{extension}': OPTIONS is answered 204")
    assert f"Tus-Extension: {others}" in refused
    assert why(variant, tus(Tus_Extension=ALL)) is None


@pytest.mark.parametrize("variant", ["", "override", "max-size=5"])
def test_what_needs_no_extension_lacks_none(variant: str) -> None:
    assert why(variant, tus()) is None


def test_every_variant_of_tus_is_in_the_table_or_needs_nothing() -> None:
    assert {variant.name for variant in PROTOCOLS["tus"].variants} - set(EXTENSIONS) == {
        "override",
        "max-size",
    }


@pytest.mark.parametrize(
    ("wanted", "offered", "words"),
    [
        ("sha1", "md5,sha1", None),
        ("sha256", "md5, sha1", "no 'sha256': OPTIONS is answered 204"),
        ("sha1", None, None),
        ("md5", None, "Tus-Checksum-Algorithm: (absent)"),
    ],
)
def test_a_checksum_needs_its_algorithm(wanted: str, offered: str | None, words: str | None) -> None:
    fields = {} if offered is None else {"Tus_Checksum_Algorithm": offered}
    refused = why(f"checksum={wanted}", tus(Tus_Extension=ALL, **fields))
    assert refused is None if words is None else refused is not None and words in refused


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b"x"

    fields = {"Tus-Extension": "checksum"}
    found = _offers(client(lambda _: httpx.Response(204, headers=fields, stream=Endless())), HERE)
    assert found.extensions == {"checksum"}


class Draft:
    """A server of some interop versions, which keeps what is made and forgets what is deleted."""

    def __init__(self, *versions: int, place: str = "/files/1", offset: str = "0") -> None:
        self.versions, self.place, self.offset = versions, place, offset
        self.kept: set[str] = set()
        self.tried: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        version = request.headers["upload-draft-interop-version"]
        if request.method == "DELETE":
            self.kept.remove(version)
            return httpx.Response(204)
        if request.method == "HEAD":
            return httpx.Response(204, headers={"Upload-Offset": self.offset})
        assert request.method == "POST" and request.headers["content-length"] == "0"
        self.tried.append(version)
        if int(version) not in self.versions:
            return httpx.Response(412)
        self.kept.add(version)
        return httpx.Response(201, headers={"Location": self.place})


def speaks(server: Draft, **options: Any) -> Capabilities:
    return _speaks(client(server), HERE, options)


def test_the_newest_interop_version_is_found_and_nothing_left_behind() -> None:
    server = Draft(3, 5, 6)
    assert speaks(server).versions == {6}
    assert server.tried == ["9", "8", "7", "6"]
    assert server.kept == set()


def test_a_version_that_is_not_spoken_is_refused_with_what_was_seen() -> None:
    refused = lacking("ietf", {"interop": 8}, speaks(Draft(6), interop=8))
    assert refused == "no upload is made in interop version 8: POST is answered 412"
    assert lacking("ietf", {"interop": 6}, speaks(Draft(6), interop=6)) is None


def test_a_server_that_takes_any_post_and_has_no_offset_speaks_no_version() -> None:
    server = Draft(*range(3, 10), offset="none")
    found = speaks(server)
    assert found.versions == frozenset() and "but HEAD 204 with Upload-Offset none" in found.evidence
    assert server.kept == set()


@pytest.mark.parametrize("place", ["http://192.0.2.1/1", "http://[", "ftp://127.0.0.1/x"])
def test_a_location_that_does_not_lead_to_the_server_is_not_asked_for(place: str) -> None:
    server = Draft(9, place=place)
    assert speaks(server, interop=9).versions == frozenset()
    assert server.kept == {"9"}
