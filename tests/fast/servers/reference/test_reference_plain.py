"""Plain uploads at the core, and how the two protocols keep apart."""

from __future__ import annotations

import pytest

from simulator.servers.reference.memory import MemoryStore
from simulator.servers.reference.receiving import Receiving
from tests.helpers.asking import Asker, field


@pytest.fixture
def asker() -> Asker:
    return Asker(MemoryStore())


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_whole_upload_comes_back_by_get(asker: Asker, method: str) -> None:
    reply = asker.ask(method, "/plain/", b"abc")
    assert reply.status == 201
    path = field(reply, "Location") or ""
    assert asker.get(path) == b"abc"
    asker.restart()
    assert asker.get(path) == b"abc"


def test_the_same_upload_twice_is_stored_twice(asker: Asker) -> None:
    first, second = (field(asker.ask("POST", "/plain/", b"abc"), "Location") for _ in range(2))
    assert first != second


@pytest.mark.parametrize("target", ["/plain/", "/plain/name.bin"])
def test_a_cut_upload_leaves_nothing(target: str) -> None:
    store = MemoryStore()
    asker = Asker(store)
    step = asker.begin("PUT", target, 10)
    asker.give(step, b"abc")
    assert isinstance(step, Receiving)
    step.cut(asker.now)
    assert (store.blobs, store.infos) == ({}, {})


def test_a_killed_server_leaves_nothing_of_an_unfinished_upload() -> None:
    store = MemoryStore()
    asker = Asker(store)
    asker.give(asker.begin("POST", "/plain/", 10), b"abc")
    asker.restart()
    assert store.blobs == {}


def test_put_to_a_name_replaces_it_only_when_whole(asker: Asker) -> None:
    assert asker.ask("PUT", "/plain/name.bin", b"old").status == 201
    step = asker.begin("PUT", "/plain/name.bin", 5)
    asker.give(step, b"newer")
    assert asker.get("/plain/name.bin") == b"old"
    assert isinstance(step, Receiving)
    assert step.end(asker.now).status == 201
    asker.restart()
    assert asker.get("/plain/name.bin") == b"newer"


@pytest.mark.parametrize("name", ["a.json", "a.part", "a.json.new", ".lock", "..", "a/b", "ä", "a" * 101])
def test_a_name_that_the_store_could_mistake_is_refused(asker: Asker, name: str) -> None:
    assert asker.ask("PUT", f"/plain/{name}", b"x").status == 400


def test_an_upload_of_one_protocol_is_not_there_for_the_other(asker: Asker) -> None:
    tus = asker.create(3, b"abc")
    name = tus.removeprefix("/files/")
    plain = field(asker.ask("POST", "/plain/", b"abc"), "Location") or ""
    for method in ("GET", "HEAD", "DELETE"):
        assert asker.ask(method, f"/plain/{name}").status == 404
        assert asker.ask(method, plain.replace("plain", "files")).status == 404
    assert asker.ask("PUT", f"/plain/{name}", b"x").status == 409
    assert asker.get(tus) == b"abc"


def test_more_than_the_limit_is_refused_before_or_as_it_comes() -> None:
    store = MemoryStore()
    asker = Asker(store, max_size=3)
    assert asker.ask("POST", "/plain/", b"abcd").status == 413
    reply = asker.give(asker.begin("POST", "/plain/", None), b"abcd")
    assert reply is not None
    assert reply.status == 413
    assert store.blobs == {}


def test_delete_removes_it(asker: Asker) -> None:
    path = field(asker.ask("POST", "/plain/", b"abc"), "Location") or ""
    assert asker.ask("DELETE", path).status == 204
    assert asker.ask("GET", path).status == 404


@pytest.mark.parametrize("target", ["/", "/other", "", "*", "http://host", "http://host/", "/filesystem"])
def test_elsewhere_there_is_nothing(asker: Asker, target: str) -> None:
    assert asker.ask("GET", target, tus_resumable="1.0.0").status == 404


def test_a_target_may_be_absolute_and_have_a_query(asker: Asker) -> None:
    reply = asker.ask("POST", "http://host:80/files/?a=b", upload_length=1, tus_resumable="1.0.0")
    assert reply.status == 201


def test_two_uploads_at_once_do_not_mix(asker: Asker) -> None:
    first, second = asker.create(3), asker.create(3)
    one, two = asker.begin_patch(first, 0, 3), asker.begin_patch(second, 0, 3)
    for at in range(3):
        one.data(b"abc"[at : at + 1], asker.now)
        two.data(b"xyz"[at : at + 1], asker.now)
    assert [one.end(asker.now).status, two.end(asker.now).status] == [204, 204]
    assert (asker.get(first), asker.get(second)) == (b"abc", b"xyz")
    assert asker.patch(first, 3, b"").status == 204
