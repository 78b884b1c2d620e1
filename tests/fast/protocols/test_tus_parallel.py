"""tus in parallel parts, in conversation: the parts one by one, then the request that joins them."""

from __future__ import annotations

from simulator.protocols import make_machine
from simulator.protocols.core import Kind, State
from simulator.protocols.machine import (
    Acknowledged,
    Breach,
    Done,
    Failed,
    Fork,
    Interrupted,
    Joined,
    Machine,
    Note,
    Response,
    Restarted,
    Send,
    Wait,
)
from simulator.protocols.policy import Policy
from simulator.protocols.resuming import RESTARTS
from simulator.protocols.tus_parallel import TRANSITIONS
from simulator.records import Cause
from tests.helpers.talk import ENDPOINT

VERSION = ("tus-resumable", "1.0.0")
NO_STORE = ("cache-control", "no-store")
FINAL = "http://127.0.0.1:1080/files/final"


def machine(variant: str = "parallel=2", size: int = 101) -> Machine:
    return make_machine(
        "tus", endpoint=ENDPOINT, size=size, filename="f.bin", policy=Policy(jitter=0.0), variant=variant
    )


def fork_of(upload: Machine) -> tuple[Machine, ...]:
    step = upload.next()
    assert isinstance(step, Fork) and step.at_once == len(step.parts)
    return step.parts


def hears(upload: Machine) -> Send:
    step = upload.next()
    assert isinstance(step, Send), step
    return step


def answers(upload: Machine, status: int, *headers: tuple[str, str]) -> tuple[Note, ...]:
    return upload.receive(Response(status, (VERSION, *headers), 0))


def sends(part: Machine, name: str) -> tuple[Note, ...]:
    """Let *part* be created as *name* and sent whole."""
    hears(part)
    answers(part, 201, ("location", f"/files/{name}"))
    append = hears(part)
    length = append.stop - append.start
    return part.receive(Response(204, (VERSION, ("upload-offset", str(length))), length))


def whole(upload: Machine) -> None:
    """Let all parts be sent and *upload* be told."""
    parts = fork_of(upload)
    for number, part in enumerate(parts):
        sends(part, str(number))
    upload.receive(Joined(tuple(_end(part) for part in parts)))


def _end(part: Machine) -> Done | Failed:
    step = part.next()
    assert isinstance(step, Done | Failed), step
    return step


def test_parts_share_the_bytes_and_each_is_a_partial_upload() -> None:
    first, second = fork_of(machine())
    for part, start, stop in ((first, 0, 50), (second, 50, 101)):
        create = hears(part)
        fields = dict(create.headers)
        assert (fields["Upload-Concat"], fields["Upload-Length"]) == ("partial", str(stop - start))
        answers(part, 201, ("location", f"/files/{start}"))
        append = hears(part)
        assert (append.method, append.start, append.stop) == ("PATCH", start, stop)
        assert dict(append.headers)["Upload-Offset"] == "0", "offsets are of the part"
        notes = part.receive(Response(204, (VERSION, ("upload-offset", "7")), 7))
        assert notes == (Acknowledged(start + 7, "final", start),)
        again = hears(part)
        assert (again.start, dict(again.headers)["Upload-Offset"]) == (start + 7, "7")


def test_a_part_cannot_have_more_than_was_sent_to_it() -> None:
    _, second = fork_of(machine())
    hears(second)
    answers(second, 201, ("location", "/files/b"))
    hears(second)
    notes = second.receive(Response(204, (VERSION, ("upload-offset", "8")), 7))
    assert isinstance(notes[-1], Breach) and "8 lies beyond 7" in notes[-1].evidence


def test_the_offset_is_of_all_parts_together() -> None:
    upload = machine()
    first, second = fork_of(upload)
    sends(second, "b")
    assert upload.offset == 51
    sends(first, "a")
    assert upload.offset == 101


def test_the_last_request_joins_the_parts_in_order() -> None:
    upload = machine()
    whole(upload)
    final = hears(upload)
    fields = dict(final.headers)
    assert (final.method, final.target, final.start, final.stop, final.has_body) == (
        "POST",
        ENDPOINT,
        0,
        0,
        True,
    )
    assert fields["Upload-Concat"] == f"final;{ENDPOINT}0 {ENDPOINT}1"
    assert "Upload-Length" not in fields and fields["Upload-Metadata"].startswith("filename ")
    answers(upload, 201, ("location", "/files/final"))
    assert upload.next() == Done(FINAL)


def test_no_part_is_empty_but_of_an_empty_upload() -> None:
    assert len(fork_of(machine("parallel=16", 3))) == 3
    (only,) = fork_of(machine("parallel=16", 0))
    assert dict(hears(only).headers)["Upload-Length"] == "0"


def test_a_joining_whose_answer_got_lost_is_made_again() -> None:
    upload = machine()
    whole(upload)
    first = hears(upload)
    upload.receive(Interrupted(Cause.CLOSED, 0))
    assert isinstance(upload.next(), Wait)
    assert hears(upload) == first
    answers(upload, 201, ("location", "/files/final"))
    assert upload.next() == Done(FINAL)


def test_only_the_part_that_the_server_lost_is_sent_again() -> None:
    upload = machine()
    whole(upload)
    hears(upload)
    answers(upload, 404)
    assert isinstance(upload.next(), Wait)
    first, second = fork_of(upload)
    assert (hears(first).method, hears(second).method) == ("HEAD", "HEAD")
    answers(first, 200, ("upload-offset", "50"), ("upload-length", "50"), NO_STORE)
    assert _end(first) == Done(f"{ENDPOINT}0")
    assert answers(second, 404) == (Restarted("HEAD: 404"),)
    assert isinstance(second.next(), Wait)
    sends(second, "new")
    upload.receive(Joined((_end(first), _end(second))))
    assert dict(hears(upload).headers)["Upload-Concat"] == f"final;{ENDPOINT}0 {ENDPOINT}new"


def test_a_server_that_never_joins_what_it_has_is_given_up() -> None:
    upload = machine()
    whole(upload)
    for _ in range(RESTARTS):
        hears(upload)
        answers(upload, 404)
        assert isinstance(upload.next(), Wait)
        parts = fork_of(upload)
        for part, length in zip(parts, ("50", "51"), strict=True):
            hears(part)
            answers(part, 200, ("upload-offset", length), ("upload-length", length), NO_STORE)
        upload.receive(Joined(tuple(_end(part) for part in parts)))
    hears(upload)
    answers(upload, 404)
    end = upload.next()
    assert isinstance(end, Failed) and "does not join its parts" in end.why


def test_a_part_that_fails_stops_the_others_and_the_upload() -> None:
    upload = machine("parallel=3")
    first, second, third = fork_of(upload)
    hears(first)
    hears(second)
    answers(second, 401)
    assert isinstance(_end(second), Failed)
    answers(first, 201, ("location", "/files/a"))
    ends = (_end(first), _end(second), _end(third))
    upload.receive(Joined(ends))
    end = upload.next()
    assert isinstance(end, Failed) and end.why == "POST was answered 401"
    assert "another part failed: POST was answered 401" in str(ends[0])


def test_with_terminate_every_part_of_a_failed_upload_is_deleted_once() -> None:
    upload = machine("parallel=3+terminate")
    first, second, third = fork_of(upload)
    sends(first, "a")
    hears(second)
    answers(second, 201, ("location", "/files/b"))
    hears(third)
    answers(third, 401)
    gone = []
    delete = hears(second)
    gone.append((delete.method, delete.target))
    answers(second, 204)
    upload.receive(Joined((_end(first), _end(second), _end(third))))
    delete = hears(upload)
    gone.append((delete.method, delete.target))
    answers(upload, 204)
    assert gone == [("DELETE", f"{ENDPOINT}b"), ("DELETE", f"{ENDPOINT}a")]
    assert isinstance(upload.next(), Failed)


def test_with_terminate_parts_that_cannot_be_joined_are_all_deleted() -> None:
    upload = machine("parallel=2+terminate")
    whole(upload)
    hears(upload)
    answers(upload, 400)
    targets = set()
    for status in (405, 204):
        delete = hears(upload)
        targets.add(delete.target)
        answers(upload, status)
    assert targets == {f"{ENDPOINT}0", f"{ENDPOINT}1"}
    end = upload.next()
    assert isinstance(end, Failed) and end.why == "POST was answered 400"


def test_a_final_upload_that_is_shorter_than_its_parts_is_a_breach() -> None:
    upload = machine()
    whole(upload)
    hears(upload)
    notes = answers(upload, 201, ("location", "/files/final"), ("upload-offset", "50"))
    assert isinstance(notes[-1], Breach) and "its parts have 101" in notes[-1].evidence
    assert isinstance(upload.next(), Failed)


def test_a_joining_without_location_is_a_breach() -> None:
    upload = machine()
    whole(upload)
    hears(upload)
    assert isinstance(answers(upload, 201)[-1], Breach)
    assert isinstance(upload.next(), Failed)


def test_other_variants_hold_for_each_part() -> None:
    (first, _) = fork_of(machine("parallel=2+checksum=sha1+deferred=last+override"))
    create = dict(hears(first).headers)
    assert (create["Upload-Defer-Length"], create["Upload-Concat"]) == ("1", "partial")
    answers(first, 201, ("location", "/files/a"))
    append = hears(first)
    assert append.checksum is not None and append.method == "POST"
    assert dict(append.headers)["Upload-Length"] == "50"


def test_the_greatest_size_is_of_the_whole() -> None:
    end = machine("parallel=2+max-size=100").next()
    assert isinstance(end, Failed) and "at most 100 bytes" in end.why


def test_the_table_has_an_answer_for_every_kind() -> None:
    assert set(TRANSITIONS) == {State.COMPLETE, State.CANCEL}
    assert all(set(row) == set(Kind) for row in TRANSITIONS.values())
