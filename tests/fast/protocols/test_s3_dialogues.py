"""The S3 machine in conversation: each test is one exchange with a server, in its order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from simulator.errors import UsageError
from simulator.protocols import PROTOCOLS, make_machine
from simulator.protocols.core import Kind
from simulator.protocols.machine import (
    Acknowledged,
    Breach,
    Done,
    Failed,
    Fork,
    Interrupted,
    Joined,
    Machine,
    Response,
    Restarted,
    Send,
)
from simulator.protocols.policy import Policy
from simulator.protocols.resuming import RESTARTS
from simulator.protocols.s3 import MOST_PARTS, SMALLEST, TRANSITIONS, cut
from simulator.protocols.s3_parts import TRANSITIONS as PARTS
from simulator.records import Cause, Purpose, Why
from tests.contracts import check_protocol
from tests.helpers.s3 import machine_of
from tests.helpers.talk import Talk

BUCKET = "http://127.0.0.1:1080/s3/simsim"
OBJECT = f"{BUCKET}/f.bin"
MIB = 2**20
SIZE = 12 * MIB
ENDS = ((0, 5 * MIB), (5 * MIB, 10 * MIB), (10 * MIB, SIZE))
CREATED = b"<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>"
COMPLETED = b"<?xml version='1.0'?>\n\n<CompleteMultipartUploadResult xmlns='x'/>"


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code></Error>".encode()


def listing(number: int, size: int) -> bytes:
    part = f"<Part><PartNumber>{number}</PartNumber><Size>{size}</Size><ETag>&quot;l&quot;</ETag></Part>"
    return f"<ListPartsResult><IsTruncated>false</IsTruncated>{part}</ListPartsResult>".encode()


def created(policy: Policy | None = None, *, size: int = SIZE, variant: str = "") -> Talk:
    talk = Talk("s3", size, policy, endpoint=BUCKET, variant=variant)
    talk.hears("POST")
    return talk.answers(200, body=CREATED)


def sent(parts: int = 3, policy: Policy | None = None) -> Talk:
    """Return a talk whose first *parts* parts are stored."""
    talk = created(policy)
    for number, (start, stop) in enumerate(ENDS[:parts], 1):
        talk.hears("PUT", start, stop)
        talk.answers(200, etag=f'"{number}"')
    return talk


def completing(policy: Policy | None = None) -> Talk:
    talk = sent(policy=policy)
    talk.hears("POST")
    return talk


# The way without trouble


def test_parts_follow_one_another_and_are_put_together() -> None:
    talk = Talk("s3", SIZE, endpoint=BUCKET + "/", headers=(("X-Mark", "7"),))
    create = talk.hears("POST")
    assert create.purpose is Purpose.CREATE and create.target == f"{OBJECT}?uploads=" and create.has_body
    assert ("X-Mark", "7") in create.headers
    talk.answers(200, body=CREATED)
    for number, (start, stop) in enumerate(ENDS, 1):
        put = talk.hears("PUT", start, stop)
        assert put.target == f"{OBJECT}?partNumber={number}&uploadId=u%2F1"
        assert put.purpose is Purpose.APPEND
        talk.answers(200, etag=f'"<{number}>"')
        assert talk.machine.offset == stop
    complete = talk.hears("POST")
    assert complete.purpose is Purpose.COMPLETE and complete.target == f"{OBJECT}?uploadId=u%2F1"
    root = ElementTree.fromstring(complete.content)
    assert [[child.text for child in part] for part in root] == [[str(n), f'"<{n}>"'] for n in (1, 2, 3)]
    talk.answers(200, body=COMPLETED).sees_done(OBJECT)
    assert talk.notes == [Acknowledged(stop, "final", start) for start, stop in ENDS]


def test_an_empty_upload_is_one_empty_part() -> None:
    talk = created(size=0)
    assert talk.hears("PUT").has_body
    talk.answers(200, etag="e")
    talk.hears("POST")
    talk.answers(200, body=COMPLETED).sees_done(OBJECT)


def test_a_key_is_encoded_as_it_is_signed() -> None:
    talk = Talk("s3", 1, endpoint=BUCKET, filename="a b+ü(1)~.bin")
    assert talk.hears("POST").target == f"{BUCKET}/a%20b%2B%C3%BC%281%29~.bin?uploads="


@pytest.mark.parametrize(
    ("size", "part", "count", "first"),
    [
        (0, SMALLEST, 1, 0),
        (SMALLEST, SMALLEST, 1, SMALLEST),
        (SMALLEST + 1, SMALLEST, 2, SMALLEST),
        (SMALLEST * MOST_PARTS, SMALLEST, MOST_PARTS, SMALLEST),
        (SMALLEST * MOST_PARTS + 1, SMALLEST, MOST_PARTS, SMALLEST + 1),
    ],
)
def test_parts_are_as_large_as_s3_wants_them(size: int, part: int, count: int, first: int) -> None:
    bounds = cut(size, part)
    assert len(bounds) <= count and bounds[0] == (0, first) and bounds[-1][1] == size
    assert all(a[1] == b[0] for a, b in pairwise(bounds))


def test_a_piece_of_the_policy_is_a_part_as_far_as_s3_takes_it() -> None:
    created(Policy(piece=1)).hears("PUT", 0, 5 * MIB)
    created(Policy(piece=7 * MIB)).hears("PUT", 0, 7 * MIB)
    created(Policy(piece=7 * MIB), variant="part=6MiB").hears("PUT", 0, 6 * MIB)


@pytest.mark.parametrize(
    "variant",
    [
        "part=1MB",
        "part=6GiB",
        "part=",
        "part",
        "part=x",
        "parallel=0",
        "parallel=17",
        "parallel=x",
        "parts=3",
    ],
)
def test_variants_that_make_no_sense_are_refused(variant: str) -> None:
    with pytest.raises(UsageError):
        PROTOCOLS["s3"].parse(variant)


# Parts side by side


def forked(policy: Policy | None = None) -> tuple[Talk, Fork]:
    talk = created(policy, variant="parallel=2")
    fork = talk.next()
    assert isinstance(fork, Fork) and fork.at_once == 2 and len(fork.parts) == 3
    return talk, fork


def answered(part: Machine, *events: Response | Interrupted) -> Done | Failed:
    for event in events:
        assert isinstance(part.next(), Send)
        part.receive(event)
    end = part.next()
    assert isinstance(end, Done | Failed)
    return end


def test_parts_run_side_by_side_and_are_completed_in_order() -> None:
    talk, fork = forked()
    ends = [answered(part, Response(200, (("etag", "e"),), 5 * MIB)) for part in reversed(fork.parts)]
    assert talk.machine.offset == SIZE
    assert talk.machine.receive(Joined(tuple(ends))) == ()  # type: ignore[arg-type]
    numbers = [row[0].text for row in ElementTree.fromstring(talk.hears("POST").content)]
    assert numbers == ["1", "2", "3"]


def test_one_part_that_fails_ends_the_others_and_the_upload_is_aborted() -> None:
    talk, fork = forked()
    failed = answered(fork.parts[1], Response(403, (), 0, error("AccessDenied")))
    assert all(isinstance(part.next(), Failed) for part in (fork.parts[0], fork.parts[2]))
    talk.machine.receive(Joined((failed,) * 3))
    abort = talk.hears("DELETE")
    assert abort.purpose is Purpose.CANCEL and abort.target == f"{OBJECT}?uploadId=u%2F1"
    talk.answers(204).sees_failure("403", "AccessDenied")


def test_an_upload_that_is_gone_for_one_part_begins_again() -> None:
    talk, fork = forked()
    failed = answered(fork.parts[0], Response(404, (), 0, error("NoSuchUpload")))
    (note,) = talk.machine.receive(Joined((failed,) * 3))
    assert isinstance(note, Restarted) and talk.machine.offset == 0
    talk.sees_wait(0.0)
    assert talk.hears("POST").target.endswith("?uploads=")


# Interruptions


def test_a_part_that_was_cut_is_sent_again_as_a_whole_and_nothing_asked() -> None:
    talk = sent(1)
    talk.hears("PUT", *ENDS[1])
    talk.cuts(1000).sees_wait(0.0)
    talk.hears("PUT", *ENDS[1])


@pytest.mark.parametrize("how", ["cut", "hop", "busy"])
def test_a_part_that_may_be_stored_is_asked_for_and_not_sent_again(how: str) -> None:
    talk = sent(1)
    talk.hears("PUT", *ENDS[1])
    {
        "cut": talk.cuts,
        "hop": lambda: talk.answers(504, body=b"<html>"),
        "busy": lambda: talk.answers(503),
    }[how]()
    talk.next()
    query = talk.hears("GET")
    assert query.target == f"{OBJECT}?max-parts=1&part-number-marker=1&uploadId=u%2F1"
    talk.answers(200, body=listing(2, 5 * MIB))
    assert talk.notes[-1] == Acknowledged(10 * MIB, "query", 5 * MIB)
    talk.hears("PUT", *ENDS[2])


def unsure(policy: Policy | None = None) -> Talk:
    """Return a talk that is about to ask for its second part."""
    talk = sent(1, policy)
    talk.hears("PUT", *ENDS[1])
    talk.cuts().sees_wait(0.0)
    talk.hears("GET")
    return talk


def test_a_part_that_is_not_listed_is_sent_again() -> None:
    unsure().answers(200, body=listing(3, 5 * MIB)).hears("PUT", *ENDS[1])


def test_a_part_listed_with_another_size_is_a_breach_and_sent_again() -> None:
    talk = unsure().answers(200, body=listing(2, 77))
    assert isinstance(talk.notes[-1], Breach) and "77 bytes" in talk.notes[-1].evidence
    talk.sees_wait(1.0)
    talk.hears("PUT", *ENDS[1])


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"<ListPartsResult>", b"<!DOCTYPE x><ListPartsResult/>", b"\xff"]
)
def test_a_listing_that_is_none_is_a_breach_and_the_part_sent_again(body: bytes) -> None:
    talk = unsure().answers(200, body=body)
    assert isinstance(talk.notes[-1], Breach)
    talk.sees_wait(1.0)
    talk.hears("PUT", *ENDS[1])


def test_who_may_not_list_sends_again_and_does_not_ask_twice() -> None:
    talk = unsure().answers(403, body=error("AccessDenied"))
    talk.sees_wait(1.0)
    talk.hears("PUT", *ENDS[1])
    talk.cuts().sees_wait(3.0)
    talk.hears("PUT", *ENDS[1])


def test_a_400_that_says_request_timeout_is_no_refusal() -> None:
    talk = sent(1)
    talk.hears("PUT", *ENDS[1])
    talk.answers(400, sent=5, body=error("RequestTimeout")).sees_wait(0.0)
    talk.hears("PUT", *ENDS[1])


def test_slow_down_is_waited_for() -> None:
    talk = sent(1)
    talk.hears("PUT", *ENDS[1])
    talk.answers(503, sent=5, body=error("SlowDown"), retry_after=7).sees_wait(7.0, Why.BLOCKED)


@pytest.mark.parametrize(("status", "etag"), [(200, None), (200, "a b"), (200, "x" * 2000), (204, "\x07")])
def test_a_part_without_an_etag_that_can_be_sent_back_is_a_breach(status: int, etag: str | None) -> None:
    talk = created()
    talk.hears("PUT", *ENDS[0])
    talk.answers_with(status, (("etag", etag),) if etag else ())
    assert isinstance(talk.notes[-1], Breach) and talk.machine.offset == 0
    talk.hears("DELETE")
    talk.answers(204).sees_failure("broke a rule")


def test_a_part_that_is_stored_before_it_was_sent_is_a_breach() -> None:
    talk = created()
    talk.hears("PUT", *ENDS[0])
    talk.answers(200, sent=10, etag="e")
    assert isinstance(talk.notes[-1], Breach) and talk.machine.offset == 0


# The completion


def test_an_error_inside_a_200_is_a_failure_of_that_attempt() -> None:
    talk = completing().answers(200, body=b"\n \n" + error("InternalError"))
    talk.sees_wait(0.0)
    head = talk.hears("HEAD")
    assert head.target == OBJECT and head.purpose is Purpose.QUERY
    talk.answers(404)
    talk.hears("POST")
    talk.answers(200, body=COMPLETED).sees_done(OBJECT)


def test_a_lost_completion_that_was_done_is_told_by_the_object() -> None:
    talk = completing().cuts()
    talk.sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, content_length=SIZE, etag=f'"{"a" * 32}-3"').sees_done(OBJECT)


@pytest.mark.parametrize(
    "fields", [{"content_length": 7}, {"content_length": SIZE, "etag": f'"{"a" * 32}-2"'}, {}]
)
def test_an_object_of_another_make_is_not_the_upload(fields: dict[str, str | int]) -> None:
    talk = completing().cuts()
    talk.sees_wait(0.0)
    talk.hears("HEAD")
    talk.answers(200, **fields)
    talk.sees_wait(1.0)
    talk.hears("POST")


def test_no_such_upload_after_a_completion_that_was_done_is_no_failure() -> None:
    """The answer got lost, the completion was made again: apple/foundationdb#14027."""
    talk = completing().answers(404, body=error("NoSuchUpload"))
    talk.hears("HEAD")
    talk.answers(200, content_length=SIZE).sees_done(OBJECT)


def test_no_such_upload_and_no_object_begin_again() -> None:
    talk = completing().answers(404, body=error("NoSuchUpload"))
    talk.hears("HEAD")
    talk.answers(404)
    assert isinstance(talk.notes[-1], Restarted) and talk.machine.offset == 0
    talk.sees_wait(0.0)
    assert talk.hears("POST").target.endswith("?uploads=")


@pytest.mark.parametrize("body", [b"", b"not XML", b"<Other/>", b"<CompleteMultipartUploadResult>"])
def test_a_success_that_says_nothing_is_a_breach_and_not_believed(body: bytes) -> None:
    talk = completing().answers(200, body=body)
    assert isinstance(talk.notes[-1], Breach)
    talk.sees_wait(0.0)
    talk.hears("HEAD")


def test_a_lost_part_that_was_acknowledged_is_a_breach_and_the_upload_aborted() -> None:
    talk = completing().answers(400, body=error("InvalidPart"))
    assert isinstance(talk.notes[-1], Breach)
    talk.hears("DELETE")
    talk.answers(204).sees_failure("InvalidPart")


def test_a_missing_bucket_is_a_failure() -> None:
    talk = completing().answers(404, body=error("NoSuchBucket"))
    talk.hears("DELETE")
    talk.answers(404).sees_failure("404", "NoSuchBucket")


def test_an_abort_is_tried_three_times_and_the_first_reason_told() -> None:
    talk = created()
    talk.hears("PUT", *ENDS[0])
    talk.answers(413)
    for seconds in (0.0, 1.0):
        talk.hears("DELETE")
        talk.cuts(cause=Cause.CLOSED).sees_wait(seconds)
    talk.hears("DELETE")
    talk.cuts().sees_failure("PUT was answered 413")


# The creation


@pytest.mark.parametrize(
    "body", [b"", b"<html>", CREATED[:40], CREATED.replace(b"u/1", b""), CREATED.replace(b"u/1", b"a b")]
)
def test_a_creation_without_an_id_is_a_breach(body: bytes) -> None:
    talk = Talk("s3", SIZE, endpoint=BUCKET)
    talk.hears("POST")
    talk.answers(200, body=body).sees_failure("broke a rule")
    assert isinstance(talk.notes[-1], Breach)


def test_a_lost_creation_is_made_again() -> None:
    talk = Talk("s3", SIZE, endpoint=BUCKET)
    talk.hears("POST")
    talk.cuts().sees_wait(0.0)
    talk.hears("POST")


def test_a_server_that_forgets_uploads_is_given_up() -> None:
    talk = created()
    for _ in range(RESTARTS):
        talk.hears("PUT", *ENDS[0])
        talk.answers(404, body=error("NoSuchUpload"))
        talk.next()
        talk.hears("POST")
        talk.answers(200, body=CREATED)
    talk.hears("PUT", *ENDS[0])
    talk.answers(404, body=error("NoSuchUpload")).sees_failure("forgets uploads", "NoSuchUpload")


def test_every_state_knows_every_kind_of_answer() -> None:
    assert all(set(row) == set(Kind) for table in (TRANSITIONS, PARTS) for row in table.values())


WHOLE = check_protocol.check_it_is_done_when_the_server_has_everything_and_stays_done  # by the core instead


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize(
    "check",
    [check for check in check_protocol.CHECKS if check is not WHOLE],
    ids=lambda check: check.__name__,
)
def test_it_keeps_the_contract(check: Callable[[Callable[[], Machine], int], None], parallel: int) -> None:
    check(lambda: machine_of(20, 7, parallel), 20)


def test_a_machine_is_made_by_name() -> None:
    machine = make_machine("s3", endpoint=BUCKET, size=1, filename="f", policy=Policy(), variant="parallel=4")
    assert isinstance(machine.next(), Send)
