"""The IETF draft in the server's core: every interop version, each rule by its section."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from simulator.servers.reference.ietf_telling import EVERY_BYTES
from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.messages import Reply
from simulator.servers.reference.receiving import Receiving
from tests.helpers.asking import Asker, field, finish
from tests.helpers.drafting import ENDPOINT, INTEROPS, Drafter, said

VERSION = "Upload-Draft-Interop-Version"
CONTENT = bytes(range(100))


@pytest.fixture
def asker() -> Asker:
    return Asker(MemoryStore())


@pytest.fixture(params=INTEROPS)
def drafter(asker: Asker, request: pytest.FixtureRequest) -> Drafter:
    return Drafter(asker, request.param)


def sf_digest(content: bytes, name: str = "sha-256") -> str:
    algorithm = hashlib.sha256 if name == "sha-256" else hashlib.sha512
    return f"{name}=:{base64.b64encode(algorithm(content).digest()).decode()}:"


def problem(reply: Reply) -> dict[str, object]:
    assert reply.media_type == "application/problem+json"
    told = json.loads(reply.text)
    assert isinstance(told, dict)
    return told


# "Upload Creation"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_whole_upload_is_announced_and_gets_the_targets_answer(drafter: Drafter, method: str) -> None:
    fields = {"upload_incomplete": "?0"} if drafter.interop == 3 else {"upload_complete": "?1"}
    reply = drafter.ask(method, ENDPOINT, CONTENT, **fields)
    assert (reply.status, said(reply, drafter.interop)) == (201, True)
    (announced,) = drafter.interims
    assert announced.status == 104
    assert dict(announced.headers)[VERSION] == str(drafter.interop)
    assert dict(announced.headers)["Location"] == field(reply, "Location")
    path = field(reply, "Location") or ""
    assert drafter.asker.get(path) == CONTENT
    assert drafter.query(path) == (100, True)
    assert (field(reply, "Upload-Offset") is not None) == (drafter.interop < 7)


def test_a_cut_creation_can_be_resumed(drafter: Drafter) -> None:
    fields = {"upload_incomplete": "?0"} if drafter.interop == 3 else {"upload_complete": "?1"}
    step = drafter.begin("POST", ENDPOINT, 100, **fields)
    path = dict(drafter.interims[0].headers)["Location"]
    drafter.asker.give(step, CONTENT[:40])
    assert isinstance(step, Receiving)
    step.cut(drafter.asker.now)
    assert drafter.query(path) == (40, False)
    reply = drafter.append(path, 40, CONTENT[40:], True)
    assert (reply.status, said(reply, drafter.interop)) == (201, True)
    assert drafter.asker.get(path) == CONTENT


def test_an_upload_in_parts_is_complete_when_its_client_says_so(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10])
    reply = drafter.append(path, 10, CONTENT[10:50], False)
    assert reply.status == (201 if drafter.interop < 7 else 204)
    assert said(reply, drafter.interop) is False
    drafter.asker.restart()
    assert drafter.append(path, 50, CONTENT[50:], False).status < 300
    assert drafter.query(path) == (100, False)
    assert drafter.asker.ask("GET", path).status in (204, 404)
    reply = drafter.append(path, 100, b"", True)
    assert (reply.status, said(reply, drafter.interop)) == (201, True)
    drafter.asker.restart()
    assert drafter.query(path) == (100, True)
    assert drafter.asker.get(path) == CONTENT


def test_the_length_alone_does_not_complete_an_upload(drafter: Drafter) -> None:
    path = drafter.started(CONTENT, upload_length=100)
    drafter.asker.restart()
    assert drafter.query(path) == (100, False)
    assert drafter.asker.ask("GET", path).status in (204, 404)
    assert drafter.append(path, 100, b"", True).status == 201
    assert drafter.query(path) == (100, True)


def test_an_empty_upload_is_complete_at_once(drafter: Drafter) -> None:
    reply = drafter.create(b"", True)
    assert drafter.asker.get(field(reply, "Location") or "") == b""
    assert drafter.query(field(reply, "Location") or "") == (0, True)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"upload_complete": "?1"},
        {"upload_draft_interop_version": 9},
        {"upload_draft_interop_version": 2, "upload_complete": "?1"},
        {"upload_draft_interop_version": 10, "upload_complete": "?1"},
        {"upload_draft_interop_version": "?1", "upload_complete": "?1"},
        {"upload_draft_interop_version": 9, "upload_complete": "yes"},
        {"upload_draft_interop_version": "9, 9", "upload_complete": "?1"},
    ],
    ids=str,
)
def test_without_a_known_version_and_a_flag_it_is_an_ordinary_upload(
    asker: Asker, fields: dict[str, str | int]
) -> None:
    step = asker.begin("POST", ENDPOINT, 100, **fields)
    assert isinstance(step, Receiving)
    assert step.interim(asker.now) is None
    asker.give(step, CONTENT)
    assert step.interim(asker.now + 100) is None
    reply = finish(step.end(asker.now))
    assert (reply.status, field(reply, "Upload-Complete")) == (201, None)
    assert asker.get(field(reply, "Location") or "") == CONTENT
    cut = asker.begin("POST", ENDPOINT, 100, **fields)
    asker.give(cut, CONTENT[:40])
    assert isinstance(cut, Receiving)
    cut.cut(asker.now)
    assert isinstance(asker.store, MemoryStore)
    assert len(asker.store.blobs) == 1


@pytest.mark.parametrize("fields", [{"upload_complete": "?0"}, {"upload_incomplete": "?1"}])
def test_a_part_of_an_unknown_version_is_not_taken_for_a_whole(
    asker: Asker, fields: dict[str, str | int]
) -> None:
    assert asker.ask("POST", ENDPOINT, CONTENT, upload_draft_interop_version=2, **fields).status == 400


# 104 and progress


def test_progress_is_told_by_bytes_from_interop_5_on(drafter: Drafter) -> None:
    content = bytes(3 * EVERY_BYTES)
    drafter.create(content, True)
    offsets = [dict(interim.headers).get("Upload-Offset") for interim in drafter.interims]
    expected = [] if drafter.interop < 5 else [str(at * EVERY_BYTES) for at in range(1, 4)]
    assert offsets == [None, *expected]
    for interim in drafter.interims[1:]:
        assert dict(interim.headers)[VERSION] == str(drafter.interop)
        assert "Location" not in dict(interim.headers)


def test_progress_is_told_by_seconds(asker: Asker) -> None:
    drafter = Drafter(asker, 9)
    path = drafter.started()
    step = drafter.begin_append(path, 0, 100, True)
    assert isinstance(step, Receiving)
    step.data(b"abc", asker.now)
    assert step.interim(asker.now + 0.9) is None
    told = step.interim(asker.now + 1)
    assert told is not None
    assert dict(told.headers)["Upload-Offset"] == "3"
    assert step.interim(asker.now + 100) is None, "nothing new"


def test_an_offset_is_not_promised_while_its_digest_is_open(asker: Asker) -> None:
    drafter = Drafter(asker, 9)
    content = bytes(2 * EVERY_BYTES)
    drafter.create(content, True, content_digest=sf_digest(content))
    assert len(drafter.interims) == 1


def test_what_a_104_told_survives_a_restart(asker: Asker) -> None:
    drafter = Drafter(asker, 9)
    path = drafter.started()
    step = drafter.begin_append(path, 0, 2 * EVERY_BYTES, True)
    asker.give(step, b"")
    assert isinstance(step, Receiving)
    step.data(bytes(EVERY_BYTES), asker.now)
    drafter.drain(step)
    promised = int(dict(drafter.interims[-1].headers)["Upload-Offset"])
    asker.restart()
    assert drafter.query(path)[0] >= promised == EVERY_BYTES


# "Limits"


def test_limits_are_told_in_the_words_of_each_version() -> None:
    asker = Asker(MemoryStore(), max_size=1000, expires=60, max_append=50)
    for interop in INTEROPS:
        drafter = Drafter(asker, interop)
        told = f"max-size=1000, max-append-size=50, {'expires' if interop == 6 else 'max-age'}=60"
        expected = None if interop < 6 else told
        assert field(drafter.ask("OPTIONS", ENDPOINT), "Upload-Limit") == expected
        reply = drafter.create(CONTENT[:10], False)
        assert field(reply, "Upload-Limit") == expected
        assert dict(drafter.interims[0].headers).get("Upload-Limit") == expected
        asker.now += 10
        head = drafter.ask("HEAD", field(reply, "Location") or "")
        assert field(head, "Upload-Limit") == (expected and expected.replace("=60", "=50"))


@pytest.mark.parametrize(
    ("interop", "told"), [(5, None), (6, None), (7, None), (8, "min-size=0"), (9, "min-size=0")]
)
def test_no_limit_is_told_as_its_version_wants(asker: Asker, interop: int, told: str | None) -> None:
    drafter = Drafter(asker, interop)
    assert field(drafter.ask("OPTIONS", ENDPOINT), "Upload-Limit") == told
    assert field(drafter.ask("HEAD", drafter.started()), "Upload-Limit") == told


def test_only_interop_8_tells_accept_patch(drafter: Drafter) -> None:
    reply = drafter.ask("OPTIONS", ENDPOINT)
    assert field(reply, "Accept-Patch") == ("application/partial-upload" if drafter.interop == 8 else None)


def test_too_much_is_refused_before_it_is_read(drafter: Drafter) -> None:
    asker = drafter.asker = Asker(MemoryStore(), max_size=50, max_append=20)
    assert drafter.create(CONTENT, True).status == 413
    reply = drafter.create(CONTENT[:30], False)
    assert reply.status == 413
    assert (field(reply, "Upload-Limit") is None) == (drafter.interop < 6)
    path = drafter.started(CONTENT[:20])
    drafter.append(path, 20, CONTENT[20:40], False)
    assert drafter.append(path, 40, CONTENT[40:60], False).status == 413
    assert drafter.query(path) == (40, False)
    assert drafter.append(path, 40, CONTENT[40:50], True).status == 201
    assert asker.get(path) == CONTENT[:50]


def test_chunked_content_ends_at_the_limit_of_a_request(drafter: Drafter) -> None:
    drafter.asker = Asker(MemoryStore(), max_append=20)
    path = drafter.started()
    step = drafter.begin_append(path, 0, None, False)
    assert drafter.carry(step, CONTENT).status == 413
    assert drafter.query(path) == (20, False)


def test_an_upload_expires(drafter: Drafter) -> None:
    drafter.asker = Asker(MemoryStore(), expires=5)
    path = drafter.started(CONTENT[:10])
    drafter.asker.now += 5
    assert drafter.ask("HEAD", path).status == 410
    assert drafter.append(path, 10, CONTENT[10:], True).status == 410


def test_a_complete_upload_does_not_expire(drafter: Drafter) -> None:
    drafter.asker = Asker(MemoryStore(), expires=5)
    path = field(drafter.create(CONTENT, True), "Location") or ""
    drafter.asker.now += 1000
    drafter.asker.core.sweep(drafter.asker.now)
    assert drafter.query(path) == (100, True)
    told = field(drafter.ask("HEAD", path), "Upload-Limit") or ""
    assert "max-age" not in told
    assert "expires" not in told


# "Offset Retrieval"


def test_a_query_tells_the_length_where_the_version_knows_it(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10], upload_length=100)
    told = field(drafter.ask("HEAD", path), "Upload-Length")
    assert told == (None if drafter.interop < 6 else "100")


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_fields_of_an_append_are_refused_up_to_interop_6(drafter: Drafter, method: str) -> None:
    path = drafter.started(CONTENT[:10])
    name = "upload_incomplete" if drafter.interop == 3 else "upload_complete"
    for fields in ({"upload_offset": "10"}, {name: "?1"}):
        refused = drafter.ask(method, path, **fields).status == 400
        assert refused == (drafter.interop < 7)
        if not refused and method == "DELETE":
            path = drafter.started()


def test_only_interop_9_answers_get_as_a_query(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10])
    reply = drafter.ask("GET", path)
    assert (reply.status, field(reply, "Upload-Offset")) == (
        (204, "10") if drafter.interop == 9 else (404, None)
    )


def test_a_request_without_a_version_is_read_as_the_creation(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10])
    reply = drafter.asker.ask("HEAD", path)
    assert said(reply, drafter.interop) is False


def test_a_request_of_an_unknown_version_is_refused(asker: Asker) -> None:
    path = Drafter(asker, 9).started()
    assert asker.ask("HEAD", path, upload_draft_interop_version=99).status == 400


def test_an_upload_may_be_continued_in_another_version(asker: Asker) -> None:
    path = Drafter(asker, 3).started(CONTENT[:10])
    reply = Drafter(asker, 8).append(path, 10, CONTENT[10:], True)
    assert (reply.status, field(reply, "Upload-Complete")) == (201, "?1")
    assert Drafter(asker, 5).query(path) == (100, True)


# "Upload Append"


def test_another_offset_is_refused_with_the_right_one(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10])
    for wrong in (9, 11, 0):
        reply = drafter.append(path, wrong, CONTENT[:10], False)
        assert (reply.status, field(reply, "Upload-Offset")) == (409, "10")
        assert said(reply, drafter.interop) is False
        if drafter.interop >= 6:
            told = problem(reply)
            assert str(told["type"]).endswith("#mismatching-upload-offset")
            assert (told["expected-offset"], told["provided-offset"]) == (10, wrong)
    assert drafter.query(path) == (10, False)


def test_a_complete_upload_takes_no_more(drafter: Drafter) -> None:
    path = field(drafter.create(CONTENT, True), "Location") or ""
    more = drafter.append(path, 100, b"more", True)
    again = drafter.append(path, 100, b"", True)
    assert more.status == 400
    assert again.status == (201 if drafter.interop == 9 else 400)
    if drafter.interop in (6, 7, 8):
        assert str(problem(again)["type"]).endswith("#completed-upload")
    if drafter.interop >= 7:
        assert str(problem(more)["type"]).endswith("#inconsistent-upload-length")
    assert drafter.append(path, 50, b"x", True).status == 409
    assert drafter.asker.get(path) == CONTENT


@pytest.mark.parametrize("media", ["application/offset+octet-stream", "", "text/plain"])
def test_the_media_type_matters_from_interop_6_on(drafter: Drafter, media: str) -> None:
    path = drafter.started()
    reply = drafter.append(path, 0, CONTENT, True, content_type=media)
    assert reply.status == (201 if drafter.interop < 6 else 415)


@pytest.mark.parametrize("offset", ["-1", "1.0", "ten", "0, 0", "", '"0"', "?0"])
def test_a_malformed_offset_counts_as_absent(drafter: Drafter, offset: str) -> None:
    path = drafter.started()
    complete = {"upload_incomplete": "?0", "upload_complete": "?1"}
    media = "application/partial-upload"
    reply = drafter.ask("PATCH", path, CONTENT, upload_offset=offset, content_type=media, **complete)
    assert reply.status == 400
    assert drafter.query(path) == (0, False)


def test_an_append_without_its_flag(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10])
    step = drafter.begin("PATCH", path, 90, upload_offset=10, content_type="application/partial-upload")
    reply = drafter.carry(step, CONTENT[10:])
    if drafter.interop >= 7:
        assert reply.status == 400
    else:
        assert said(reply, drafter.interop) is (drafter.interop == 3)


# "Length"


def test_lengths_that_differ_are_refused_and_change_nothing(drafter: Drafter) -> None:
    if drafter.interop >= 6:
        assert drafter.create(CONTENT, True, upload_length=99).status == 400
    path = drafter.started(CONTENT[:10], upload_length=100)
    if drafter.interop < 6:
        return
    for length, fields, complete in [(90, {"upload_length": 101}, False), (80, {}, True), (91, {}, False)]:
        reply = drafter.append(path, 10, bytes(length), complete, **fields)
        assert reply.status == 400
        if drafter.interop >= 7:
            assert str(problem(reply)["type"]).endswith("#inconsistent-upload-length")
    assert drafter.query(path) == (10, False)


def test_chunked_content_beyond_the_length_is_refused(drafter: Drafter) -> None:
    if drafter.interop < 6:
        return
    path = drafter.started(CONTENT[:10], upload_length=50)
    reply = drafter.carry(drafter.begin_append(path, 10, None, True), CONTENT[10:])
    assert reply.status == 400
    after = drafter.ask("HEAD", path)
    assert after.status == (404 if drafter.interop >= 8 else 204)
    if after.status == 204:
        assert field(after, "Upload-Offset") == "50"


def test_chunked_content_short_of_the_length_is_kept_and_not_complete(drafter: Drafter) -> None:
    if drafter.interop < 6:
        return
    path = drafter.started(CONTENT[:10], upload_length=100)
    reply = drafter.carry(drafter.begin_append(path, 10, None, True), CONTENT[10:50])
    assert reply.status == 400
    assert drafter.query(path) == (50, False)


def test_chunked_content_of_unknown_length_completes(drafter: Drafter) -> None:
    path = drafter.started()
    reply = drafter.carry(drafter.begin_append(path, 0, None, True), CONTENT)
    assert reply.status == 201
    assert drafter.asker.get(path) == CONTENT


# "Integrity Digests"


@pytest.mark.parametrize("name", ["sha-256", "sha-512"])
def test_content_with_its_digest_is_kept(drafter: Drafter, name: str) -> None:
    path = drafter.started(CONTENT[:10], content_digest=sf_digest(CONTENT[:10], name))
    drafter.append(path, 10, CONTENT[10:], True, content_digest=sf_digest(CONTENT[10:], name))
    assert drafter.asker.get(path) == CONTENT


def test_content_without_its_digest_is_not_kept(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10])
    reply = drafter.append(path, 10, CONTENT[10:], True, content_digest=sf_digest(b"other"))
    assert reply.status == 400
    assert drafter.query(path) == (10, False)
    assert drafter.append(path, 10, CONTENT[10:], True).status == 201
    assert drafter.asker.get(path) == CONTENT


def test_cut_content_with_a_digest_is_not_kept(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10])
    step = drafter.begin_append(path, 10, 90, True, content_digest=sf_digest(CONTENT[10:]))
    drafter.asker.give(step, CONTENT[10:50])
    assert drafter.query(path) == (10, False)


@pytest.mark.parametrize("in_parts", [False, True])
def test_the_representation_is_checked_against_its_digest(drafter: Drafter, in_parts: bool) -> None:
    for promised, status in ((CONTENT, 201), (b"other", 400)):
        if in_parts:
            path = drafter.started(CONTENT[:10], repr_digest=sf_digest(promised))
            drafter.asker.restart()
            reply = drafter.append(path, 10, CONTENT[10:], True)
        else:
            reply = drafter.create(CONTENT, True, repr_digest=sf_digest(promised))
            path = dict(drafter.interims[0].headers)["Location"]
        assert reply.status == status
        if status == 201:
            assert drafter.asker.get(path) == CONTENT
        else:
            assert drafter.ask("HEAD", path).status == 404


def test_a_wanted_digest_is_told_at_completion(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10], want_repr_digest="sha-256=3, sha-512=10, md5=5")
    reply = drafter.append(path, 10, CONTENT[10:], True)
    assert field(reply, "Repr-Digest") == sf_digest(CONTENT, "sha-512")


def test_an_ordinary_upload_is_checked_too(asker: Asker) -> None:
    assert asker.ask("POST", ENDPOINT, CONTENT, content_digest=sf_digest(b"other")).status == 400
    assert asker.ask("POST", ENDPOINT, CONTENT, repr_digest=sf_digest(b"other")).status == 400
    assert asker.ask("POST", ENDPOINT, CONTENT, repr_digest=sf_digest(CONTENT)).status == 201


# "Upload Cancellation" and "Concurrency"


def test_a_cancelled_upload_is_gone_and_its_request_ended(drafter: Drafter) -> None:
    path = drafter.started(CONTENT[:10])
    running = drafter.begin_append(path, 10, 90, True)
    drafter.asker.give(running, CONTENT[10:20])
    assert drafter.ask("DELETE", path).status == 204
    assert len(drafter.asker.core.events()) == 1
    assert isinstance(running, Receiving)
    assert running.data(b"late", drafter.asker.now) is None
    for method in ("HEAD", "PATCH", "DELETE", "GET"):
        reply = drafter.append(path, 0, b"", False) if method == "PATCH" else drafter.ask(method, path)
        assert reply.status == 404
    assert isinstance(drafter.asker.store, MemoryStore)
    assert not drafter.asker.store.blobs


def test_a_newer_request_ends_an_older_one_and_its_offset_holds(drafter: Drafter) -> None:
    path = drafter.started()
    older = drafter.begin_append(path, 0, 100, True)
    drafter.asker.give(older, CONTENT[:30])
    assert drafter.query(path) == (30, False)
    assert isinstance(older, Receiving)
    older.data(CONTENT[30:], drafter.asker.now)
    newer = drafter.begin_append(path, 30, 70, True)
    assert drafter.carry(newer, CONTENT[30:]).status == 201
    assert drafter.asker.get(path) == CONTENT


def test_an_upload_of_tus_is_not_visible(asker: Asker) -> None:
    name = asker.create(10).rsplit("/", 1)[1]
    assert asker.ask("HEAD", ENDPOINT + name).status == 404
