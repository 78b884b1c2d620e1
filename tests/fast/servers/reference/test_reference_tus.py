"""tus 1.0 at the core: what each request is answered, and what it leaves behind."""

from __future__ import annotations

import base64
import hashlib

import pytest

from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.messages import Reply
from tests.helpers.asking import OFFSET_TYPE, Asker, field


@pytest.fixture
def asker() -> Asker:
    return Asker(MemoryStore())


def sums(content: bytes, name: str = "sha1") -> str:
    digest = hashlib.new(name, content).digest()
    return f"{name} {base64.b64encode(digest).decode()}"


def test_options_tells_version_extensions_and_algorithms() -> None:
    reply = Asker(MemoryStore(), max_size=99).ask("OPTIONS", "/files/", tus_resumable="0.2.2")
    assert reply.status == 204
    assert field(reply, "Tus-Version") == "1.0.0"
    assert field(reply, "Tus-Max-Size") == "99"
    assert set((field(reply, "Tus-Checksum-Algorithm") or "").split(",")) == {"sha1", "sha256"}
    assert "creation-with-upload" in (field(reply, "Tus-Extension") or "").split(",")


def test_options_without_a_limit_names_no_max_size(asker: Asker) -> None:
    assert field(asker.ask("OPTIONS", "/files/"), "Tus-Max-Size") is None


@pytest.mark.parametrize(
    ("whole_urls", "host", "location"),
    [(False, "h:1", "/files/"), (True, "h:1", "http://h:1/files/"), (True, None, "/files/")],
)
def test_a_location_is_a_path_or_a_whole_url_of_the_host_that_was_asked(
    whole_urls: bool, host: str | None, location: str
) -> None:
    asker = Asker(MemoryStore(), whole_urls=whole_urls)
    fields = {} if host is None else {"host": host}
    told = field(asker.ask("POST", "/files/", upload_length=5, **fields), "Location") or ""
    assert told.rpartition("/")[0] + "/" == location


def test_a_whole_upload_comes_back_by_get(asker: Asker) -> None:
    path = asker.create(10)
    assert asker.offset(path) == 0
    assert asker.patch(path, 0, b"01234").status == 204
    reply = asker.patch(path, 5, b"56789")
    assert (reply.status, field(reply, "Upload-Offset")) == (204, "10")
    assert asker.get(path) == b"0123456789"


def test_every_tus_answer_carries_the_version(asker: Asker) -> None:
    path = asker.create(10)
    replies = [
        asker.ask("HEAD", path),
        asker.ask("HEAD", "/files/nothing"),
        asker.patch(path, 3, b"x"),
        asker.patch(path, 0, b"x"),
        asker.ask("PUT", path),
        asker.ask("DELETE", path),
    ]
    assert [field(reply, "Tus-Resumable") for reply in replies] == ["1.0.0"] * 6


def test_head_tells_all_it_must_and_must_not_be_cached(asker: Asker) -> None:
    path = asker.create(10, b"abc", upload_metadata="filename eC5iaW4=,empty", upload_concat="partial")
    reply = asker.ask("HEAD", path)
    assert dict(reply.headers) == {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "3",
        "Upload-Length": "10",
        "Cache-Control": "no-store",
        "Upload-Metadata": "filename eC5iaW4=,empty",
        "Upload-Concat": "partial",
    }


def test_creation_with_upload_answers_the_offset(asker: Asker) -> None:
    reply = asker.ask("POST", "/files", b"abc", upload_length=3, content_type=OFFSET_TYPE)
    assert (reply.status, field(reply, "Upload-Offset")) == (201, "3")
    assert asker.get(field(reply, "Location") or "") == b"abc"


def test_an_empty_upload_is_complete_at_once(asker: Asker) -> None:
    assert asker.get(asker.create(0)) == b""


def test_get_of_an_unfinished_upload_finds_nothing(asker: Asker) -> None:
    assert asker.ask("GET", asker.create(10, b"abc")).status == 404


# name, method, content, fields; against an upload of length 10 at offset 3
REFUSED: list[tuple[str, int, str, bytes, dict[str, str]]] = [
    ("no version", 412, "HEAD", b"", {"tus_resumable": ""}),
    ("another version", 412, "PATCH", b"x", {"tus_resumable": "0.2.2", "upload_offset": "3"}),
    ("an offset too low", 409, "PATCH", b"x", {"upload_offset": "0"}),
    ("an offset too high", 409, "PATCH", b"x", {"upload_offset": "4"}),
    ("no offset", 400, "PATCH", b"x", {}),
    ("a negative offset", 400, "PATCH", b"x", {"upload_offset": "-3"}),
    ("an offset with a sign", 400, "PATCH", b"x", {"upload_offset": "+3"}),
    ("an offset with an underscore", 400, "PATCH", b"x", {"upload_offset": "1_0"}),
    ("an offset in other digits", 400, "PATCH", b"x", {"upload_offset": "\u0663"}),
    ("an offset past 2**63", 400, "PATCH", b"x", {"upload_offset": "9" * 19}),
    ("two offsets", 400, "PATCH", b"x", {"upload_offset": "3, 3"}),
    ("another content type", 415, "PATCH", b"x", {"upload_offset": "3", "content_type": "text/plain"}),
    ("no content type", 415, "PATCH", b"x", {"upload_offset": "3", "content_type": ""}),
    ("more than the length", 413, "PATCH", b"12345678", {"upload_offset": "3"}),
    ("another length", 400, "PATCH", b"x", {"upload_offset": "3", "upload_length": "11"}),
    ("an unknown algorithm", 400, "PATCH", b"x", {"upload_offset": "3", "upload_checksum": "crc32 AAAA"}),
    ("no checksum", 400, "PATCH", b"x", {"upload_offset": "3", "upload_checksum": "sha1"}),
    ("a checksum of no length", 400, "PATCH", b"x", {"upload_offset": "3", "upload_checksum": "sha1 AAAA"}),
    ("not Base64", 400, "PATCH", b"x", {"upload_offset": "3", "upload_checksum": "sha1 ~~~~"}),
    ("a method of no use", 405, "PUT", b"x", {}),
]


@pytest.mark.parametrize(
    ("status", "method", "content", "fields"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_refused_request_changes_nothing(
    asker: Asker, status: int, method: str, content: bytes, fields: dict[str, str]
) -> None:
    path = asker.create(10, b"abc")
    reply = asker.ask(method, path, content, **{"content_type": OFFSET_TYPE, **fields})
    assert reply.status == status
    assert field(reply, "Upload-Offset") == ("3" if status == 409 else None)
    assert asker.offset(path) == 3
    assert asker.patch(path, 3, b"defghij").status == 204
    assert asker.get(path) == b"abcdefghij"


def test_an_unsupported_version_is_told_the_right_one(asker: Asker) -> None:
    assert field(asker.ask("POST", "/files/", tus_resumable="2.0.0"), "Tus-Version") == "1.0.0"


NOT_CREATED: list[tuple[str, int, bytes, dict[str, str]]] = [
    ("no length", 400, b"", {}),
    ("a negative length", 400, b"", {"upload_length": "-1"}),
    ("a length in words", 400, b"", {"upload_length": "ten"}),
    ("an empty length", 400, b"", {"upload_length": ""}),
    ("a length and none", 400, b"", {"upload_length": "1", "upload_defer_length": "1"}),
    ("a deferral that is not 1", 400, b"", {"upload_defer_length": "2"}),
    ("a length over the limit", 413, b"", {"upload_length": "101"}),
    ("content over the length", 413, b"abc", {"upload_length": "2", "content_type": OFFSET_TYPE}),
    (
        "deferred content over the limit",
        413,
        b"x" * 101,
        {"upload_defer_length": "1", "content_type": OFFSET_TYPE},
    ),
    ("content of another type", 415, b"abc", {"upload_length": "10"}),
    (
        "a bad checksum name",
        400,
        b"a",
        {"upload_length": "9", "content_type": OFFSET_TYPE, "upload_checksum": "x y"},
    ),
    (
        "a wrong checksum",
        460,
        b"a",
        {"upload_length": "9", "content_type": OFFSET_TYPE, "upload_checksum": sums(b"b")},
    ),
    ("metadata with a space too many", 400, b"", {"upload_length": "1", "upload_metadata": "a  YQ=="}),
    ("metadata with a key twice", 400, b"", {"upload_length": "1", "upload_metadata": "a YQ==,a"}),
    ("metadata that is not Base64", 400, b"", {"upload_length": "1", "upload_metadata": "a b c"}),
    ("metadata with an empty pair", 400, b"", {"upload_length": "1", "upload_metadata": "a,,b"}),
    ("an unknown concatenation", 400, b"", {"upload_length": "1", "upload_concat": "middle"}),
    ("a final one of nothing", 400, b"", {"upload_concat": "final;"}),
    ("a final one with a length", 400, b"", {"upload_length": "1", "upload_concat": "final;/files/a"}),
    ("a final one with content", 400, b"a", {"upload_concat": "final;/files/a"}),
    ("a final one of a stranger", 404, b"", {"upload_concat": "final;/files/a"}),
]


@pytest.mark.parametrize(
    ("status", "content", "fields"), [row[1:] for row in NOT_CREATED], ids=[row[0] for row in NOT_CREATED]
)
def test_a_refused_creation_leaves_nothing(status: int, content: bytes, fields: dict[str, str]) -> None:
    store = MemoryStore()
    assert Asker(store, max_size=100).ask("POST", "/files/", content, **fields).status == status
    assert (store.blobs, store.infos) == ({}, {})


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE", "GET"])
def test_an_unknown_upload_is_not_found(asker: Asker, method: str) -> None:
    reply = asker.ask(method, "/files/nothing", upload_offset=0, content_type=OFFSET_TYPE)
    assert (reply.status, field(reply, "Upload-Offset")) == (404, None)


def test_a_cut_patch_keeps_every_byte_that_arrived(asker: Asker) -> None:
    path = asker.create(10)
    step = asker.begin_patch(path, 0, 10)
    asker.give(step, b"abcd")
    step.cut(asker.now)
    assert asker.offset(path) == 4
    asker.patch(path, 4, b"efghij")
    assert asker.get(path) == b"abcdefghij"


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_a_newer_request_ends_the_older_ones_hold(asker: Asker, method: str) -> None:
    path = asker.create(10)
    older = asker.begin_patch(path, 0, 10)
    asker.give(older, b"abcd")
    reply = asker.ask(method, path, upload_offset=4, content_type=OFFSET_TYPE)
    assert reply.status in (200, 204)
    (event,) = asker.core.events()
    assert getattr(event, "append", None) is older.append


def test_late_bytes_of_an_older_request_are_discarded(asker: Asker) -> None:
    path = asker.create(10)
    older = asker.begin_patch(path, 0, 10)
    asker.give(older, b"abcd")
    newer = asker.begin_patch(path, 4, 6)
    asker.give(older, b"XXXX")
    asker.give(newer, b"efg")
    older.cut(asker.now)
    asker.give(newer, b"hij")
    assert newer.end(asker.now).status == 204
    assert asker.get(path) == b"abcdefghij"


def test_a_newer_request_at_a_stale_offset_ends_the_hold_too_and_learns_the_offset(asker: Asker) -> None:
    path = asker.create(10)
    older = asker.begin_patch(path, 0, 10)
    asker.give(older, b"abcd")
    assert field(asker.patch(path, 2, b"x"), "Upload-Offset") == "4"
    assert older.append.over


@pytest.mark.parametrize("fields", [{"upload_offset": "x"}, {"content_type": "a/b"}, {"tus_resumable": "2"}])
def test_a_malformed_request_does_not_end_a_hold(asker: Asker, fields: dict[str, str]) -> None:
    path = asker.create(10)
    older = asker.begin_patch(path, 0, 10)
    given = {"upload_offset": "0", "content_type": OFFSET_TYPE, **fields}
    assert asker.ask("PATCH", path, b"x", **given).status in (400, 412, 415)
    assert not older.append.over


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_a_right_checksum_counts(asker: Asker, name: str) -> None:
    path = asker.create(6)
    assert asker.patch(path, 0, b"abc", upload_checksum=sums(b"abc", name)).status == 204
    asker.patch(path, 3, b"def")
    assert asker.get(path) == b"abcdef"


def test_a_wrong_checksum_keeps_nothing_of_its_patch(asker: Asker) -> None:
    path = asker.create(6, b"abc")
    assert asker.patch(path, 3, b"XXX", upload_checksum=sums(b"def")).status == 460
    assert asker.offset(path) == 3
    asker.patch(path, 3, b"def")
    assert asker.get(path) == b"abcdef"


def test_a_cut_patch_with_a_checksum_keeps_nothing_of_it(asker: Asker) -> None:
    path = asker.create(6, b"abc")
    step = asker.begin_patch(path, 3, 3, upload_checksum=sums(b"def"))
    asker.give(step, b"XX")
    step.cut(asker.now)
    assert asker.offset(path) == 3
    assert len(asker.store.reader(path.removeprefix("/files/")).read(0, 9)) == 3


def test_a_killed_server_forgets_what_no_checksum_vouched_for(asker: Asker) -> None:
    path = asker.create(6, b"abc")
    asker.give(asker.begin_patch(path, 3, 3, upload_checksum=sums(b"def")), b"XX")
    asker.restart()
    assert asker.offset(path) == 3
    asker.give(asker.begin_patch(path, 3, 3), b"d")
    asker.restart()
    assert asker.offset(path) == 4
    asker.patch(path, 4, b"ef")
    assert asker.get(path) == b"abcdef"


def test_a_server_killed_before_the_first_unvouched_byte_still_keeps_later_ones(asker: Asker) -> None:
    path = asker.create(6, b"abc")
    asker.begin_patch(path, 3, 3, upload_checksum=sums(b"def"))
    asker.restart()
    asker.give(asker.begin_patch(path, 3, 3), b"de")
    asker.restart()
    assert asker.offset(path) == 5


def test_a_killed_server_remembers_offset_length_and_metadata(asker: Asker) -> None:
    path = asker.create(10, b"abc", upload_metadata="filename eA==")
    asker.give(asker.begin_patch(path, 3, 7), b"de")
    asker.restart()
    reply = asker.ask("HEAD", path)
    assert [field(reply, f"Upload-{name}") for name in ("Offset", "Length", "Metadata")] == [
        "5",
        "10",
        "filename eA==",
    ]


def test_a_deferred_length_is_set_once(asker: Asker) -> None:
    reply = asker.ask("POST", "/files/", b"ab", upload_defer_length=1, content_type=OFFSET_TYPE)
    path = field(reply, "Location") or ""
    head = asker.ask("HEAD", path)
    assert (field(head, "Upload-Defer-Length"), field(head, "Upload-Length")) == ("1", None)
    assert asker.ask("GET", path).status == 404
    assert asker.patch(path, 2, b"c", upload_length=1).status == 413
    assert asker.patch(path, 2, b"c", upload_length=4).status == 204
    assert asker.patch(path, 3, b"", upload_length=5).status == 400
    assert asker.patch(path, 3, b"d", upload_length=4).status == 204
    asker.restart()
    assert asker.get(path) == b"abcd"


def test_a_deferred_length_may_end_an_upload_without_content(asker: Asker) -> None:
    reply = asker.ask("POST", "/files/", b"ab", upload_defer_length=1, content_type=OFFSET_TYPE)
    path = field(reply, "Location") or ""
    assert asker.patch(path, 2, b"", upload_length=2).status == 204
    assert asker.get(path) == b"ab"


def test_content_of_unknown_length_stops_at_the_uploads_length(asker: Asker) -> None:
    path = asker.create(3)
    step = asker.begin_patch(path, 0, None)
    reply = asker.give(step, b"abcd")
    assert isinstance(reply, Reply)
    assert reply.status == 413
    assert asker.offset(path) == 3


def test_a_terminated_upload_is_gone(asker: Asker) -> None:
    path = asker.create(10, b"abc")
    assert asker.ask("DELETE", path).status == 204
    assert asker.ask("HEAD", path).status == 404
    asker.restart()
    assert asker.ask("HEAD", path).status == 404


def test_termination_during_an_append_discards_what_follows(asker: Asker) -> None:
    path = asker.create(10)
    older = asker.begin_patch(path, 0, 10)
    asker.ask("DELETE", path)
    asker.give(older, b"abc")
    older.cut(asker.now)
    assert asker.ask("HEAD", path).status == 404


def test_partial_uploads_become_one_in_the_order_asked_for(asker: Asker) -> None:
    first = asker.create(2, b"ab", upload_concat="partial")
    second = asker.create(3, b"cde", upload_concat="partial")
    concat = f"final;http://some.where{second} {first} {second}"
    reply = asker.ask("POST", "/files/", upload_concat=concat, upload_metadata="a YQ==")
    assert (reply.status, field(reply, "Upload-Offset")) == (201, "8")
    final = field(reply, "Location") or ""
    assert asker.get(final) == b"cdeabcde"
    head = asker.ask("HEAD", final)
    assert [field(head, f"Upload-{name}") for name in ("Offset", "Length", "Concat", "Metadata")] == [
        "8",
        "8",
        concat,
        "a YQ==",
    ]
    assert asker.patch(final, 8, b"").status == 403
    asker.restart()
    assert asker.get(final) == b"cdeabcde"
    assert asker.get(first) == b"ab"


@pytest.mark.parametrize("fields", [{"upload_concat": "partial"}, {}])
def test_only_finished_partial_uploads_are_concatenated(asker: Asker, fields: dict[str, str]) -> None:
    part = asker.create(3, b"abc" if not fields else b"ab", **fields)
    assert asker.ask("POST", "/files/", upload_concat=f"final;{part}").status == 400


def test_a_concatenation_over_the_limit_is_refused() -> None:
    asker = Asker(MemoryStore(), max_size=5)
    part = asker.create(3, b"abc", upload_concat="partial")
    assert asker.ask("POST", "/files/", upload_concat=f"final;{part} {part}").status == 413


def test_a_server_killed_in_a_concatenation_leaves_no_half_of_it() -> None:
    store = MemoryStore()
    asker = Asker(store)
    part = asker.create(3, b"abc", upload_concat="partial")
    step = asker.begin("POST", "/files/", upload_concat=f"final;{part} {part}")
    assert step.step() is None  # type: ignore[union-attr]
    asker.restart()
    assert list(store.blobs) == [part.removeprefix("/files/")]


def test_a_part_that_vanishes_during_a_concatenation_fails_it() -> None:
    store = MemoryStore()
    asker = Asker(store)
    part = asker.create(3, b"abc", upload_concat="partial")
    step = asker.begin("POST", "/files/", upload_concat=f"final;{part} {part}")
    step.step()  # type: ignore[union-attr]
    asker.ask("DELETE", part)
    assert step.step().status == 500  # type: ignore[union-attr]
    assert store.blobs == {}


def test_an_upload_expires_unless_it_moves_and_is_then_gone() -> None:
    store = MemoryStore()
    asker = Asker(store, expires=60)
    asker.now = 0.0
    path = asker.create(10, b"abc")
    asker.now = 50.0
    reply = asker.patch(path, 3, b"d")
    assert field(reply, "Upload-Expires") == "Thu, 01 Jan 1970 00:01:50 GMT"
    asker.now = 109.0
    assert asker.offset(path) == 4
    asker.now = 110.0
    assert asker.ask("HEAD", path).status == 410
    assert asker.patch(path, 4, b"e").status == 410
    assert store.blobs == {}
    asker.restart()
    assert asker.ask("HEAD", path).status == 410


def test_a_sweep_expires_what_nobody_asks_for_and_forgets_it_in_the_end() -> None:
    store = MemoryStore()
    asker = Asker(store, expires=60)
    path = asker.create(10, b"abc")
    asker.core.sweep(asker.now + 61)
    assert store.blobs == {}
    assert asker.ask("HEAD", path).status == 410
    asker.core.sweep(asker.now + 61 + 86400)
    assert asker.ask("HEAD", path).status == 404
    assert store.infos == {}


def test_a_finished_upload_and_one_being_written_do_not_expire() -> None:
    asker = Asker(MemoryStore(), expires=60)
    done, held = asker.create(3, b"abc"), asker.create(3)
    assert field(asker.ask("HEAD", done), "Upload-Expires") is None
    step = asker.begin_patch(held, 0, 3)
    asker.now += 1000
    asker.core.sweep(asker.now)
    asker.give(step, b"abc")
    assert step.end(asker.now).status == 204
    assert (asker.get(done), asker.get(held)) == (b"abc", b"abc")


def test_the_method_may_stand_in_a_field(asker: Asker) -> None:
    path = asker.create(3)
    fields = {"upload_offset": "0", "content_type": OFFSET_TYPE, "x_http_method_override": "PATCH"}
    assert asker.ask("POST", path, b"abc", **fields).status == 204
    assert asker.get(path) == b"abc"
