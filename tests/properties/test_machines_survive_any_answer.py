"""Upload machines against answers that make no sense: they never raise, always end, never claim too much."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocols import make_machine
from simulator.protocols.machine import (
    Done,
    Event,
    Failed,
    Headers,
    Informational,
    Interrupted,
    Machine,
    Response,
    Restarted,
    Send,
)
from simulator.protocols.policy import Policy
from simulator.records import Cause, Purpose
from tests.helpers.modelserver import ENDPOINT, WORDINGS, worded
from tests.helpers.s3 import machine_of

SIZE = 20
NUMBERS = st.one_of(
    st.integers(-2, SIZE + 2).map(str),
    st.sampled_from(["", "+5", "5.0", "１", "0x5", "5, 5", " 5", "1e1", "9" * 30, "9" * 5000, "NaN", "٣"]),
)
NAMES = [
    "etag",
    "content-length",
    "upload-offset",
    "upload-length",
    "location",
    "retry-after",
    "tus-resumable",
    "tus-version",
    "date",
]
VALUES = {
    "etag": st.sampled_from(['"0"', "0", "", '"' + "0" * 32 + '-3"', "x y"]),
    "content-length": st.one_of(st.just(str(SIZE)), NUMBERS),
    "upload-offset": NUMBERS,
    "upload-length": st.one_of(st.just(str(SIZE)), NUMBERS),
    "location": st.sampled_from(
        ["/files/1", "2", "", "//other/3", "http://[", "http://h:99999/", "ftp://h/x", "http://", "?q", "a b"]
    ),
    "retry-after": st.one_of(
        NUMBERS, st.sampled_from(["Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Feb 1999 23:59:59 GMT"])
    ),
    "date": st.sampled_from(["Fri, 31 Dec 1999 23:59:00 GMT", "yesterday", ""]),
    "tus-version": st.text(max_size=5),
    "tus-resumable": st.sampled_from(["1.0.0", "0.2.2", ""]),
}
CREATED = b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
PART = 7  # bytes of S3's parts here, which S3 would not take
BODIES = st.one_of(
    st.just(b""),
    st.binary(max_size=30),
    st.sampled_from(["NoSuchUpload", "NoSuchBucket", "InternalError", "InvalidPart", "RequestTimeout"]).map(
        lambda code: f"<Error><Code>{code}</Code></Error>".encode()
    ),
    st.sampled_from(
        [
            CREATED,
            b"<InitiateMultipartUploadResult/>",
            b"<CompleteMultipartUploadResult/>",
            b"<ListPartsResult/>",
            b"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>6</Size><ETag>e</ETag></Part></ListPartsResult>",
            b"<!DOCTYPE a><ListPartsResult/>",
        ]
    ),
)
LIKELY = [200, 201, 204, 404, 409, 410, 412, 413, 423, 429, 460, 500, 503]
STATUSES = st.one_of(st.sampled_from(LIKELY), st.integers(100, 999))


@st.composite
def fields(draw: st.DrawFn) -> Headers:
    names = draw(st.lists(st.sampled_from(NAMES), max_size=8))
    return tuple((name, draw(st.one_of(VALUES[name], st.text(max_size=8)))) for name in names)


@dataclass(frozen=True)
class Claim:
    """A success that would be believed but for an offset that is ``off`` by so many bytes."""

    off: int
    sent: int


SENT = st.integers(0, SIZE)
EVENTS = st.one_of(
    st.builds(Claim, st.integers(-2, 2), SENT),
    st.builds(Claim, st.just(0), SENT),
    st.builds(Response, STATUSES, fields(), SENT, BODIES),
    st.builds(Interrupted, st.sampled_from(list(Cause)), SENT),
    st.builds(Informational, st.integers(100, 199), fields()),
)


def fed(event: Event | Claim, step: Send) -> Event:
    """Return *event* as it can follow *step*: no more is sent than the request has."""
    length = step.stop - step.start
    if isinstance(event, Claim) and "/s3/" in step.target:
        return claimed_by_s3(step, event)
    if isinstance(event, Claim):
        sent = min(event.sent, length)
        offset = ("upload-offset", str((step.start + sent if step.has_body else SIZE) + event.off))
        return Response(
            {"POST": 201, "HEAD": 200}.get(step.method, 204), (("location", "/files/1"), offset), sent
        )
    if isinstance(event, Response):
        return Response(event.status, event.headers, min(event.sent, length), event.body)
    return Interrupted(event.cause, min(event.sent, length)) if isinstance(event, Interrupted) else event


def claimed_by_s3(step: Send, claim: Claim) -> Response:
    """Return S3's success, ``off`` from the truth in a number or by what is left out."""
    length = step.stop - step.start
    size = ("content-length", str(SIZE + claim.off))
    row = f"<PartNumber>{marker(step) + 1}</PartNumber><Size>{PART + claim.off}</Size><ETag>l</ETag>"
    body = {
        Purpose.CREATE: CREATED.decode(),
        Purpose.COMPLETE: "<CompleteMultipartUploadResult/>" if claim.off == 0 else "",
        Purpose.QUERY: f"<ListPartsResult><Part>{row}</Part></ListPartsResult>",
    }.get(step.purpose, "")
    sent = length if claim.off == 0 else min(claim.sent, length)
    return Response(200, (("etag", "e"), size), sent, body.encode())


def marker(step: Send) -> int:
    return int(step.target.partition("part-number-marker=")[2].partition("&")[0] or 0)


def run(
    machine: Machine, events: list[Event | Claim], steps: int
) -> tuple[Done | Failed | None, Send, Event]:
    """Feed *events* over and over until the machine ends; return the end and what led to it."""
    coming = cycle([*events, Interrupted(Cause.RESET, 0)])
    asked, last, reached = Send, Event, 0
    for _ in range(steps):
        step = machine.next()
        if isinstance(step, Done | Failed):
            return step, asked, last
        if isinstance(step, Send):
            asked, last = step, fed(next(coming), step)
            while isinstance(last, Informational):
                machine.receive(last)
                last = fed(next(coming), step)
            before, reached = machine.offset, max(reached, step.start + last.sent)
            again = any(isinstance(note, Restarted) for note in machine.receive(last))
            reached = 0 if again else reached
            assert (0 if again else before) <= machine.offset <= reached, "an offset that cannot be"
    return None, asked, last


@given(
    wording=st.sampled_from([*WORDINGS, ("s3", "")]),
    events=st.lists(EVENTS, max_size=12),
    piece=st.sampled_from([None, 3]),
)
@settings(max_examples=400, deadline=None)
def test_any_answers_lead_to_an_end_and_only_a_statement_of_the_whole_to_done(
    wording: tuple[str, str], events: list[Event | Claim], piece: int | None
) -> None:
    name, framing = wording
    policy = Policy(retries=3, piece=piece)
    machine: Machine = (
        machine_of(SIZE, PART, policy=policy)
        if name == "s3"
        else make_machine(
            name, endpoint=ENDPOINT, size=SIZE, filename="f", policy=policy, **worded(name, framing)
        )
    )
    end, asked, last = run(machine, events, steps=2000)
    assert end is not None, "still at it"
    if isinstance(end, Done):
        assert isinstance(last, Response) and 200 <= last.status < 300
        assert says_it_is_whole(wording, asked, last)
        assert machine.offset == SIZE


def says_it_is_whole(wording: tuple[str, str], asked: Send, answer: Response) -> bool:
    if wording[0] == "s3" and asked.purpose is Purpose.COMPLETE:
        return answer.body == b"<CompleteMultipartUploadResult/>"
    if wording[0] == "s3":
        return asked.method == "HEAD" and ("content-length", str(SIZE)) in answer.headers
    if wording in (("plain", ""), ("plain", "put")):
        return answer.sent == SIZE
    return [value for name, value in answer.headers if name == "upload-offset"] == [str(SIZE)]
