"""Each way of behaving badly does what its word says, and nothing to a server without it."""

from __future__ import annotations

import base64
import math

import pytest

from simulator.errors import UsageError
from simulator.servers.reference.ietf_telling import EVERY_BYTES
from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.messages import Later, Reply
from simulator.servers.reference.misbehave import WAYS, explained, habits
from simulator.servers.reference.receiving import Receiving
from tests.helpers.asking import Asker, field, finish
from tests.helpers.drafting import Drafter

CONTENT = bytes(range(100))
WRONG_SHA1 = f"sha1 {base64.b64encode(bytes(20)).decode()}"


def asker(*words: str) -> Asker:
    return Asker(MemoryStore(), misbehave=words)


def cut_patch(asker: Asker, path: str, offset: int, content: bytes) -> None:
    step = asker.begin_patch(path, offset, len(content) + 1)
    asker.give(step, content)
    step.cut(asker.now)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("", "'' is no way to misbehave"),
        ("lok=3s", "'lok' is no way to misbehave (hint: lock, buffer"),
        ("lock", "'lock' needs a value (hint: lock=VALUE, from 1 ms to 24 h"),
        ("lock=", "lock: '' is not a duration"),
        ("lock=30", "lock: '30' is not a duration"),
        ("lock=0s", "lock: '0s' is out of reach"),
        ("lock=-1s", "lock: '-1s' is out of reach"),
        ("lock=1e300 s", "lock: '1e300 s' is out of reach"),
        ("lock=nan s", "lock: 'nan s' is not a duration"),
        ("buffer=1", "'buffer' takes no value"),
        ("forget=0", "forget: '0' is out of reach (hint: from 1"),
        ("forget=-1", "forget: '-1' is not a whole number"),
        ("forget=1.5", "forget: '1.5' is not a whole number"),
        ("forget=٣", "forget: '٣' is not a whole number"),
        ("corrupt=x", "corrupt: 'x' is not a whole number"),
        ("wrong-offset=5", "wrong-offset: '5' is not a size"),
        ("slow-finish", "'slow-finish' needs a value"),
        ("endless-1xx=0 s", "endless-1xx: '0 s' is out of reach"),
        ("silent=", "'silent' takes no value"),
        ("lock=1s=2s", "lock: '1s=2s' is not a duration"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused_in_one_line(word: str, words: str) -> None:
    with pytest.raises(UsageError) as refusal:
        habits([word])
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_word_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="'forget' is given twice"):
        habits(["forget=2", "buffer", "forget=3"])


def test_every_word_is_explained() -> None:
    assert all(f"{word}" in explained() and way.summary in explained() for word, way in WAYS.items())


def test_lock_holds_an_upload_against_others_and_after_its_cut() -> None:
    bad = asker("lock=30s")
    path = bad.create(100)
    step = bad.begin_patch(path, 0, 100)
    bad.give(step, CONTENT[:40])
    assert bad.ask("HEAD", path).status == 423
    step.cut(bad.now)
    bad.now += 29
    assert bad.ask("HEAD", path).status == 423
    assert bad.patch(path, 40, CONTENT[40:]).status == 423
    assert bad.ask("DELETE", path).status == 423
    bad.now += 1
    assert bad.offset(path) == 40
    assert bad.patch(path, 40, CONTENT[40:]).status == 204
    assert not bad.core.events(), "nobody's hold was ended"


def test_lock_answers_the_ietf_draft_likewise() -> None:
    drafter = Drafter(asker("lock=30s"), 9)
    path = drafter.started(CONTENT[:10])
    step = drafter.begin_append(path, 10, 90, True)
    assert isinstance(step, Receiving)
    step.cut(drafter.asker.now)
    assert drafter.ask("HEAD", path).status == 423
    assert drafter.append(path, 10, CONTENT[10:], True).status == 423


def test_buffer_loses_all_of_a_cut_request_and_nothing_of_a_whole_one() -> None:
    bad = asker("buffer")
    path = bad.create(100)
    cut_patch(bad, path, 0, CONTENT[:40])
    assert bad.offset(path) == 0
    assert bad.patch(path, 0, CONTENT).status == 204
    assert bad.get(path) == CONTENT
    assert bad.ask("POST", "/plain/", CONTENT).status == 201


@pytest.mark.parametrize(("word", "gone"), [("forget", [1]), ("forget=2", [2]), ("forget=3", [3])])
def test_forget_removes_an_upload_at_every_so_manieth_cut(word: str, gone: list[int]) -> None:
    bad = asker(word)
    path = bad.create(100)
    statuses = []
    for at in range(gone[0]):
        cut_patch(bad, path, at, b"x")
        statuses.append(bad.ask("HEAD", path).status)
    assert statuses == [200] * (gone[0] - 1) + [404]
    assert isinstance(bad.store, MemoryStore)
    assert not bad.store.blobs


def test_forget_hears_of_a_cut_that_a_newer_request_made() -> None:
    bad = asker("forget")
    path = bad.create(100)
    bad.give(bad.begin_patch(path, 0, 100), CONTENT[:40])
    assert bad.ask("HEAD", path).status == 404


def test_regress_tells_less_than_it_promised() -> None:
    bad = asker("regress")
    path = bad.create(100)
    assert field(bad.patch(path, 0, CONTENT[:40]), "Upload-Offset") == "40"
    assert bad.offset(path) == 20
    assert bad.offset(path) == 20
    assert bad.patch(path, 40, CONTENT[40:]).status == 204
    assert bad.get(path) == CONTENT


def test_regress_breaks_the_promise_of_a_104() -> None:
    drafter = Drafter(asker("regress"), 9)
    path = drafter.started()
    step = drafter.begin_append(path, 0, 2 * EVERY_BYTES, True)
    assert isinstance(step, Receiving)
    step.data(bytes(EVERY_BYTES), drafter.asker.now)
    drafter.drain(step)
    assert dict(drafter.interims[-1].headers)["Upload-Offset"] == str(EVERY_BYTES)
    assert drafter.query(path) == (EVERY_BYTES // 2, False)


def test_wrong_offset_claims_more_until_the_end_and_a_client_that_believes_it_leaves_a_hole() -> None:
    bad = asker("wrong-offset=10 B")
    path = bad.create(100)
    cut_patch(bad, path, 0, CONTENT[:40])
    assert bad.offset(path) == 50
    answer = bad.patch(path, 50, CONTENT[50:])
    assert (answer.status, field(answer, "Upload-Offset")) == (204, "100")
    assert bad.offset(path) == 100
    assert isinstance(bad.store, MemoryStore)
    assert bytes(*bad.store.blobs.values()) == CONTENT[:40] + CONTENT[50:]


def test_wrong_offset_stays_within_the_length() -> None:
    bad = asker("wrong-offset")
    path = bad.create(100)
    cut_patch(bad, path, 0, CONTENT[:40])
    assert bad.offset(path) == 100


def test_no_104_tells_nothing_before_the_answer() -> None:
    for words in (("no-104",), ("no-104", "regress"), ("buffer", "no-104")):
        drafter = Drafter(asker(*words), 9)
        assert drafter.create(bytes(2 * EVERY_BYTES), True).status == 201
        assert drafter.interims == []


def test_accept_corrupt_takes_wrong_checksums_for_right() -> None:
    for words, status in (((), 460), (("accept-corrupt",), 204)):
        server = asker(*words)
        path = server.create(100)
        assert server.patch(path, 0, CONTENT, upload_checksum=WRONG_SHA1).status == status
    for words, status in (((), 400), (("accept-corrupt",), 201)):
        drafter = Drafter(asker(*words), 9)
        wrong = "sha-256=:AAAA:"
        assert drafter.create(CONTENT, True, content_digest=wrong).status == status
        assert drafter.create(CONTENT, True, repr_digest=wrong).status == status


@pytest.mark.parametrize(("word", "at"), [("corrupt", 0), ("corrupt=41", 41), ("corrupt=99", 99)])
def test_corrupt_stores_one_byte_wrong_in_every_protocol(word: str, at: int) -> None:
    bad = asker(word)
    spoilt = CONTENT[:at] + bytes([CONTENT[at] ^ 1]) + CONTENT[at + 1 :]
    tus = bad.create(100)
    bad.patch(tus, 0, CONTENT[:41])
    bad.patch(tus, 41, CONTENT[41:])
    plain = field(bad.ask("POST", "/plain/", CONTENT), "Location") or ""
    draft = field(Drafter(bad, 9).create(CONTENT, True), "Location") or ""
    assert [bad.get(path) for path in (tus, plain, draft)] == [spoilt] * 3


HELD = [
    ("slow-finish=65s", 65.0, None),
    ("silent", math.inf, None),
    ("endless-1xx", math.inf, 102),
]


@pytest.mark.parametrize(("word", "seconds", "meanwhile"), HELD)
def test_only_the_answer_that_completes_an_upload_is_held_back(
    word: str, seconds: float, meanwhile: int | None
) -> None:
    bad = asker(word)
    path = bad.create(100)
    first = bad.begin_patch(path, 0, 40)
    first.data(CONTENT[:40], bad.now)
    assert isinstance(first.end(bad.now), Reply)
    assert bad.offset(path) == 40
    last = bad.begin_patch(path, 40, 60)
    last.data(CONTENT[40:], bad.now)
    held = last.end(bad.now)
    assert isinstance(held, Later)
    assert (held.reply.status, held.seconds) == (204, seconds)
    assert (held.meanwhile and held.meanwhile.status) == meanwhile
    assert bad.get(path) == CONTENT, "it is stored by then"


@pytest.mark.parametrize("word", [row[0] for row in HELD])
def test_the_answer_to_a_checked_representation_is_held_back_too(word: str) -> None:
    drafter = Drafter(asker(word), 9)
    step = drafter.begin("POST", "/resumable/", 100, upload_complete="?1", want_repr_digest="sha-256=1")
    assert isinstance(step, Receiving)
    step.data(CONTENT, drafter.asker.now)
    work = step.end(drafter.asker.now)
    assert not isinstance(work, Reply | Later)
    while (outcome := work.step()) is None:
        pass
    assert isinstance(outcome, Later)
    assert finish(outcome).status == 201


def test_a_server_with_every_habit_still_answers() -> None:
    words = [f"{word}=1s" if way.default is None else word for word, way in WAYS.items()]
    bad = asker(*words)
    path = bad.create(100)
    assert bad.patch(path, 0, CONTENT).status == 204
    assert bad.ask("HEAD", path).status == 200
