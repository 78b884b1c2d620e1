"""Google's resumable uploads at the core: sessions, 256 KiB, objects, and requests that cannot be."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from simulator.servers.reference.google import ENDPOINT, UNIT
from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.messages import Reply
from simulator.servers.reference.receiving import Receiving
from tests.helpers.asking import Asker, field

START = f"{ENDPOINT}?uploadType=resumable&name=a.bin"
RESOURCE = "/storage/v1/b/simsim/o/a.bin"
SIZE = 2 * UNIT + 100
WHOLE = bytes(place * 7 % 251 for place in range(SIZE))


@dataclass
class Bucket:
    """Asks the core as a client of Google's does."""

    asker: Asker

    def start(self, size: int | None = SIZE, target: str = START, content: bytes = b"", **more: Any) -> str:
        if size is not None:
            more["x_upload_content_length"] = size
        reply = self.asker.ask("POST", target, content, host="box:80", **more)
        assert reply.status == 200, reply
        session = field(reply, "Location") or ""
        assert session.startswith(f"http://box:80{ENDPOINT}?uploadType=resumable&upload_id=")
        return session.removeprefix("http://box:80")

    def put(self, session: str, start: int, stop: int, total: int | str = SIZE) -> Reply:
        step = self.begin(session, start, stop, total)
        if isinstance(step, Reply):
            return step
        return self.give(step, WHOLE[start:stop]) or step.end(self.asker.now)

    def begin(self, session: str, start: int, stop: int, total: int | str = SIZE) -> Any:
        said = f"bytes {start}-{stop - 1}/{total}"
        return self.asker.begin("PUT", session, stop - start, content_range=said, host="box:80")

    def give(self, step: Receiving, content: bytes) -> Reply | None:
        """Give *content* in pieces that divide no unit."""
        for at in range(0, len(content), 9999):
            reply = step.data(content[at : at + 9999], self.asker.now)
            if reply is not None:
                return reply
        return None

    def query(self, session: str, total: int | str = SIZE) -> Reply:
        return self.asker.ask("PUT", session, content_range=f"bytes */{total}", host="box:80")

    def kept(self, session: str, total: int | str = SIZE) -> int:
        reply = self.query(session, total)
        assert reply.status == 308, reply
        said = field(reply, "Range")
        return 0 if said is None else int(said.removeprefix("bytes=0-")) + 1


@pytest.fixture
def bucket() -> Bucket:
    return Bucket(Asker(MemoryStore()))


def told(reply: Reply) -> dict[str, str]:
    assert reply.status == 200, reply
    assert reply.media_type == "application/json; charset=UTF-8"
    said = json.loads(reply.body)
    assert isinstance(said, dict)
    return said


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


# The way it goes


def test_a_whole_upload_is_told_as_an_object_and_comes_back_by_its_media_link(bucket: Bucket) -> None:
    session = bucket.start()
    said = told(bucket.put(session, 0, SIZE))
    assert (said["name"], said["bucket"], said["size"], said["kind"]) == (
        "a.bin",
        "simsim",
        str(SIZE),
        "storage#object",
    )
    assert said["md5Hash"] == md5(WHOLE)
    assert said["mediaLink"].startswith("http://box:80/download/storage/v1/b/simsim/o/a.bin?generation=")
    for _ in range(2):
        assert bucket.asker.get(said["mediaLink"]) == WHOLE
        assert bucket.asker.get(f"{RESOURCE}?alt=media") == WHOLE
        assert told(bucket.asker.ask("GET", RESOURCE, host="box:80")) == said
        assert told(bucket.query(session)) == said
        bucket.asker.restart()


def test_pieces_are_answered_by_what_is_kept(bucket: Bucket) -> None:
    session = bucket.start()
    assert bucket.kept(session) == 0
    reply = bucket.put(session, 0, UNIT)
    assert (reply.status, field(reply, "Range")) == (308, f"bytes=0-{UNIT - 1}")
    assert bucket.put(session, UNIT, 2 * UNIT).status == 308
    assert told(bucket.put(session, 2 * UNIT, SIZE))["md5Hash"] == md5(WHOLE)


def test_an_empty_object_is_complete_with_its_query(bucket: Bucket) -> None:
    assert told(bucket.query(bucket.start(0), 0))["size"] == "0"
    session = bucket.start(None)
    assert bucket.query(session, "*").status == 308
    assert told(bucket.query(session, 0))["md5Hash"] == md5(b"")


def test_a_put_without_content_range_is_the_whole_object(bucket: Bucket) -> None:
    assert told(bucket.asker.ask("PUT", bucket.start(3), b"abc"))["size"] == "3"
    assert told(bucket.asker.ask("PUT", bucket.start(None), b"abc"))["size"] == "3"
    assert told(bucket.asker.ask("PUT", bucket.start(None)))["size"] == "0"


def test_a_length_may_be_told_with_the_last_piece_or_after_it(bucket: Bucket) -> None:
    session = bucket.start(None)
    assert bucket.put(session, 0, UNIT, "*").status == 308
    assert told(bucket.put(session, UNIT, SIZE))["md5Hash"] == md5(WHOLE)
    session = bucket.start(None)
    assert bucket.put(session, 0, UNIT, "*").status == 308
    assert told(bucket.query(session, UNIT))["md5Hash"] == md5(WHOLE[:UNIT])


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ("name,size", {"name", "size"}),
        (" size , owner(id,name/x),", {"size"}),
        ("metadata/a,md5Hash", {"md5Hash"}),
        ("nothing", set()),
    ],
)
def test_the_start_may_ask_for_a_part_of_the_resource(bucket: Bucket, fields: str, names: set[str]) -> None:
    session = bucket.start(target=f"{START}&fields={quote(fields)}")
    assert set(told(bucket.put(session, 0, SIZE))) == names
    bucket.asker.restart()
    assert set(told(bucket.query(session))) == names
    assert told(bucket.asker.ask("GET", RESOURCE))["md5Hash"] == md5(WHOLE)  # which was not taken on the way
    assert set(told(bucket.asker.ask("GET", f"{RESOURCE}?fields={quote(fields)}"))) == names


def test_every_field_may_be_asked_for_by_an_asterisk(bucket: Bucket) -> None:
    assert told(bucket.put(bucket.start(target=f"{START}&fields=*"), 0, SIZE))["md5Hash"] == md5(WHOLE)


def test_the_start_may_describe_its_object_by_json(bucket: Bucket) -> None:
    described = json.dumps({"name": "b/ü", "contentType": "text/plain"}).encode()
    session = bucket.start(3, f"{ENDPOINT}?uploadType=resumable", described)
    said = told(bucket.asker.ask("PUT", session, b"abc"))
    assert (said["name"], said["contentType"]) == ("b/ü", "text/plain")
    assert "/o/b%2F%C3%BC?" in said["mediaLink"]
    reply = bucket.asker.ask("GET", said["mediaLink"])
    assert reply.media_type == "text/plain" and bucket.asker.get(said["mediaLink"]) == b"abc"


def test_without_a_host_places_are_told_by_their_path(bucket: Bucket) -> None:
    reply = bucket.asker.ask("POST", START)
    assert (field(reply, "Location") or "").startswith(ENDPOINT)


# What a cut leaves


@pytest.mark.parametrize(
    ("given", "expected"), [(0, 0), (UNIT - 1, 0), (UNIT, UNIT), (UNIT + 1, UNIT), (SIZE - 1, 2 * UNIT)]
)
@pytest.mark.parametrize("end", ["cut", "kill", "newer"])
def test_of_an_unfinished_put_whole_units_are_kept(
    bucket: Bucket, given: int, expected: int, end: str
) -> None:
    session = bucket.start()
    step = bucket.begin(session, 0, SIZE)
    forgotten = b"?" * (given - expected)  # it may be sent otherwise: nobody was told of it
    assert bucket.give(step, WHOLE[:expected] + forgotten) is None
    if end == "cut":
        step.cut(bucket.asker.now)
    elif end == "kill":
        bucket.asker.restart()
    assert bucket.kept(session) == expected
    if end != "kill":
        bucket.give(step, b"L" * UNIT)  # late bytes of the older request
    assert told(bucket.put(session, expected, SIZE))["md5Hash"] == md5(WHOLE)
    assert bucket.asker.get(f"{RESOURCE}?alt=media") == WHOLE


def test_the_hash_goes_back_to_the_same_unit_more_than_once(bucket: Bucket) -> None:
    session = bucket.start()
    for junk in (b"?", b"!"):
        start = bucket.kept(session)
        step = bucket.begin(session, start, SIZE)
        bucket.give(step, WHOLE[start:UNIT] + junk * 9)
        step.cut(bucket.asker.now)
    assert told(bucket.put(session, UNIT, SIZE))["md5Hash"] == md5(WHOLE)


def test_a_length_told_after_an_odd_piece_leaves_nothing_behind_it(bucket: Bucket) -> None:
    session = bucket.start(None)
    assert bucket.put(session, 0, UNIT + 7, "*").status == 308
    assert told(bucket.query(session, UNIT))["size"] == str(UNIT)
    bucket.asker.restart()
    assert bucket.asker.get(f"{RESOURCE}?alt=media") == WHOLE[:UNIT]


def test_an_older_request_that_ends_late_takes_nothing_from_a_newer_one(bucket: Bucket) -> None:
    session = bucket.start()
    older = bucket.begin(session, 0, SIZE)
    bucket.give(older, WHOLE[:10])
    newer = bucket.begin(session, 0, SIZE)
    bucket.give(newer, WHOLE[: UNIT + 5])
    older.end(bucket.asker.now)
    bucket.give(newer, WHOLE[UNIT + 5 :])
    assert told(newer.end(bucket.asker.now))["md5Hash"] == md5(WHOLE)
    assert bucket.asker.get(f"{RESOURCE}?alt=media") == WHOLE


def test_a_piece_of_an_odd_length_is_kept_down_to_a_unit(bucket: Bucket) -> None:
    session = bucket.start()
    reply = bucket.put(session, 0, UNIT + 7)
    assert (reply.status, field(reply, "Range")) == (308, f"bytes=0-{UNIT - 1}")
    assert field(bucket.put(bucket.start(), 0, 5), "Range") is None


def test_bytes_that_are_there_already_are_passed_over(bucket: Bucket) -> None:
    session = bucket.start()
    assert bucket.put(session, 0, UNIT).status == 308
    assert bucket.put(session, 0, UNIT).status == 308
    assert told(bucket.put(session, 100, SIZE))["md5Hash"] == md5(WHOLE)
    assert bucket.asker.get(f"{RESOURCE}?alt=media") == WHOLE


def test_a_put_that_leaves_a_gap_gets_503_and_keeps_nothing(bucket: Bucket) -> None:
    session = bucket.start()
    reply = bucket.put(session, UNIT, SIZE)
    assert reply.status == 503 and "only 0 bytes are kept" in reply.text
    assert bucket.kept(session) == 0


def test_a_cut_put_that_was_whole_is_complete(bucket: Bucket) -> None:
    session = bucket.start()
    step = bucket.begin(session, 0, SIZE)
    bucket.give(step, WHOLE)
    step.cut(bucket.asker.now)
    assert told(bucket.query(session))["md5Hash"] == md5(WHOLE)


def test_a_complete_session_answers_every_put_with_its_object(bucket: Bucket) -> None:
    session = bucket.start()
    said = told(bucket.put(session, 0, SIZE))
    assert told(bucket.put(session, UNIT, SIZE)) == said


# Objects


def test_the_newest_object_has_the_name_and_each_is_had_by_its_generation(bucket: Bucket) -> None:
    links = []
    for content in (b"old", b"new"):
        links.append(told(bucket.asker.ask("PUT", bucket.start(3), content))["mediaLink"])
    for _ in range(2):
        assert [bucket.asker.get(link) for link in links] == [b"old", b"new"]
        assert bucket.asker.get(f"{RESOURCE}?alt=media") == b"new"
        bucket.asker.restart()
    generation = json.loads(bucket.asker.ask("GET", RESOURCE).body)["generation"]
    assert bucket.asker.ask("DELETE", f"{RESOURCE}?generation={generation}").status == 204
    assert bucket.asker.get(f"{RESOURCE}?alt=media") == b"old"
    assert bucket.asker.ask("DELETE", RESOURCE).status == 204
    assert bucket.asker.ask("GET", RESOURCE).status == 404


def test_an_unfinished_object_is_not_there(bucket: Bucket) -> None:
    bucket.put(bucket.start(), 0, UNIT)
    for target in (RESOURCE, f"/download{RESOURCE}?alt=media"):
        assert bucket.asker.ask("GET", target).status == 404


@pytest.mark.parametrize("generation", ["1", "x", "-1", "٣", "9" * 40])
def test_a_generation_that_is_none_is_refused(bucket: Bucket, generation: str) -> None:
    bucket.put(bucket.start(), 0, SIZE)
    assert bucket.asker.ask("GET", f"{RESOURCE}?generation={generation}").status in (400, 404)


# Sessions that end


def test_delete_cancels_a_session_by_499(bucket: Bucket) -> None:
    session = bucket.start()
    step = bucket.begin(session, 0, SIZE)
    assert bucket.asker.ask("DELETE", session).status == 499
    assert bucket.give(step, WHOLE) is None
    assert bucket.query(session).status == 404
    assert isinstance(bucket.asker.store, MemoryStore) and bucket.asker.store.blobs == {}
    assert bucket.asker.ask("DELETE", session).status == 404


def test_delete_of_a_complete_session_is_refused(bucket: Bucket) -> None:
    session = bucket.start()
    bucket.put(session, 0, SIZE)
    assert bucket.asker.ask("DELETE", session).status == 400


def test_an_expired_session_is_gone_and_an_object_never_is() -> None:
    bucket = Bucket(Asker(MemoryStore(), expires=10))
    session, done = bucket.start(), bucket.start(3)
    bucket.asker.ask("PUT", done, b"abc")
    bucket.asker.now += 11
    assert bucket.query(session).status == 410
    assert bucket.asker.get(f"{RESOURCE}?alt=media") == b"abc"


def test_uploads_of_other_protocols_are_no_sessions(bucket: Bucket) -> None:
    tus = bucket.asker.create(3).removeprefix("/files/")
    assert bucket.query(f"{ENDPOINT}?upload_id={tus}", 3).status == 404
    session = bucket.start(3).rpartition("=")[2]
    assert bucket.asker.ask("HEAD", f"/files/{session}").status == 404


# Requests that cannot be

SAID = [
    "bytes 5-2/10",
    "bytes 0-9/5",
    "bytes 0-4/10",  # the content has 3 bytes
    "bytes */3",  # a question with content
    "bytes=0-2/3",
    "0-2/3",
    "bytes 0-2",
    "bytes -2/3",
    "bytes 0-/3",
    "bytes 0-2/x",
    "bytes 0-2/" + "9" * 40,
    "bytes ٣-2/3",
    "",
]


@pytest.mark.parametrize("said", SAID)
def test_a_content_range_that_makes_no_sense_gets_400(bucket: Bucket, said: str) -> None:
    session = bucket.start(3)
    assert bucket.asker.ask("PUT", session, b"abc", content_range=said).status == 400
    assert bucket.kept(session, 3) == 0


def test_a_length_that_changes_gets_400(bucket: Bucket) -> None:
    session = bucket.start()
    assert bucket.query(session, SIZE + 1).status == 400
    session = bucket.start(None)
    bucket.put(session, 0, UNIT, "*")
    assert bucket.query(session, UNIT - 1).status == 400


def test_content_of_unknown_length_gets_411(bucket: Bucket) -> None:
    step = bucket.asker.begin("PUT", bucket.start(3), None, content_range="bytes 0-2/3")
    assert isinstance(step, Reply) and step.status == 411


@pytest.mark.parametrize(
    ("target", "content"),
    [
        (ENDPOINT, b""),
        (f"{ENDPOINT}?uploadType=media&name=a", b""),
        (f"{ENDPOINT}?uploadType=resumable", b""),
        (f"{ENDPOINT}?uploadType=resumable&name=" + "a" * 1025, b""),
        (f"{ENDPOINT}?uploadType=resumable&name=a%0D%0Ab", b""),
        (f"{ENDPOINT}?uploadType=resumable", b"{"),
        (f"{ENDPOINT}?uploadType=resumable", b"[]"),
        (f"{ENDPOINT}?uploadType=resumable", b"\xff"),
        (f"{ENDPOINT}?uploadType=resumable", b"[" * 9000),
        (f"{ENDPOINT}?uploadType=resumable", b'{"name": 7}'),
        (f"{ENDPOINT}?uploadType=resumable", b'{"name": "\\ud800"}'),
        (f"{ENDPOINT}?uploadType=resumable&name=a", b'{"contentType": "a\\r\\nb: c"}'),
    ],
)
def test_a_start_that_makes_no_sense_gets_400(bucket: Bucket, target: str, content: bytes) -> None:
    assert bucket.asker.ask("POST", target, content).status == 400
    assert isinstance(bucket.asker.store, MemoryStore) and bucket.asker.store.blobs == {}


def test_metadata_without_end_gets_413(bucket: Bucket) -> None:
    step = bucket.asker.begin("POST", START, 1 << 20)
    assert isinstance(step, Receiving)
    reply = step.data(b"x" * 70_000, bucket.asker.now)
    assert reply is not None and reply.status == 413


def test_more_than_the_limit_is_refused() -> None:
    bucket = Bucket(Asker(MemoryStore(), max_size=UNIT))
    assert bucket.asker.ask("POST", START, x_upload_content_length=SIZE).status == 413
    assert bucket.query(bucket.start(None), SIZE).status == 413
    assert bucket.put(bucket.start(None), 0, 2 * UNIT, "*").status == 413


@pytest.mark.parametrize("target", [ENDPOINT, f"{ENDPOINT}?upload_id=", f"{ENDPOINT}?upload_id=a%2Fb"])
def test_no_session_is_404(bucket: Bucket, target: str) -> None:
    assert bucket.query(target).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH"])
def test_other_methods_get_405(bucket: Bucket, method: str) -> None:
    reply = bucket.asker.ask(method, bucket.start())
    assert (reply.status, field(reply, "Allow")) == (405, "POST, PUT, DELETE, OPTIONS")
    assert bucket.asker.ask("OPTIONS", ENDPOINT).status == 204


def test_an_info_from_some_other_hand_is_told_and_makes_no_object() -> None:
    store = MemoryStore()
    bucket = Bucket(Asker(store))
    session = bucket.start(3)
    name = session.rpartition("=")[2]
    for text in ("", "{}", "[1, 2, 3]", "null"):
        store.infos[name] = {**store.infos[name], "metadata": text}
        bucket.asker.restart()
        assert "describes no object" in str(bucket.asker.core.events())
        assert bucket.query(session, 3).status == 500
