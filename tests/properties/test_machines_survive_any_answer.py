"""Upload machines against answers that make no sense: they never raise, always end, never claim too much."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocols import make_machine
from simulator.protocols.dialects import DIALECTS
from simulator.protocols.ietf_fields import INTEROP, says_complete, stated_integer
from simulator.protocols.machine import (
    Breach,
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
from tests.helpers.modelserver import ENDPOINT, PARALLEL, WORDINGS, InTurn, method_of, worded
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
    "upload-defer-length",
    "upload-expires",
    "location",
    "retry-after",
    "tus-resumable",
    "tus-version",
    "tus-max-size",
    "date",
    "range",
    "upload-complete",
    "upload-incomplete",
    "upload-limit",
    "upload-draft-interop-version",
    "content-type",
]
IETF = [("ietf", f"{interop}{way}") for interop in DIALECTS for way in ("", "+careful+digest")]
ALL_WORDINGS = [*WORDINGS, *PARALLEL, ("google", ""), ("google", "no-x-upload"), ("s3", ""), *IETF]
LIMITS = ["min-size=0", "max-size=19", "max-append-size=1", "min-append-size=9, max-append-size=8", "a=("]
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
    "upload-defer-length": st.sampled_from(["1", "0", ""]),
    "upload-expires": st.sampled_from(["Fri, 31 Dec 1999 23:58:59 GMT", "never", ""]),
    "tus-max-size": NUMBERS,
    "date": st.sampled_from(["Fri, 31 Dec 1999 23:59:00 GMT", "yesterday", ""]),
    "tus-version": st.text(max_size=5),
    "range": st.one_of(
        NUMBERS.map(lambda number: f"bytes=0-{number}"), st.sampled_from(["bytes=1-5", "bytes 0-5", "", "0-"])
    ),
    "tus-resumable": st.sampled_from(["1.0.0", "0.2.2", ""]),
    "upload-complete": st.sampled_from(["?0", "?1", "1"]),
    "upload-incomplete": st.sampled_from(["?0", "?1", "true"]),
    "upload-limit": st.sampled_from(LIMITS),
    "upload-draft-interop-version": st.integers(2, 10).map(str),
    "content-type": st.just("application/problem+json"),
}
CREATED = b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
PART = 7  # bytes of S3's parts here, which S3 would not take
BODIES = st.one_of(
    st.just(b""),
    st.binary(max_size=30),
    st.sampled_from(
        [b'{"size": "20"}', b'{"size": "19"}', b'{"size": [], "mediaLink": 3}', b'[{"size": 1}]']
    ),
    st.sampled_from(["/files/1", "//other/3", "http://[", ""]).map(
        lambda url: b'{"mediaLink": "%b"}' % url.encode()
    ),
    st.just(b'{"type": "https://iana.org/assignments/http-problem-types#digest-mismatching-values"}'),
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
LIKELY = [200, 201, 204, 307, 308, 404, 409, 410, 412, 413, 423, 429, 460, 500, 503]
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


@dataclass(frozen=True)
class Progress:
    """A 104 of the version that is spoken; with ``place`` it names the upload."""

    offset: int
    place: bool


SENT = st.integers(0, SIZE)
EVENTS = st.one_of(
    st.builds(Claim, st.integers(-2, 2), SENT),
    st.builds(Claim, st.just(0), SENT),
    st.builds(Response, STATUSES, fields(), SENT, BODIES),
    st.builds(Interrupted, st.sampled_from(list(Cause)), SENT),
    st.builds(Informational, st.integers(100, 199), fields()),
    st.builds(Progress, SENT, st.booleans()),
)


def fed(event: Event | Claim | Progress, step: Send, whole: int) -> Event:
    """Return *event* as it can follow *step*: no more is sent than the request has, of *whole* bytes."""
    length = step.stop - step.start
    if isinstance(event, Progress):
        place = (("location", "/files/1"),) if event.place else ()
        version = (INTEROP.lower(), dict(step.headers).get(INTEROP, "0"))
        return Informational(104, (version, ("upload-offset", str(event.offset)), *place))
    if isinstance(event, Claim) and "/s3/" in step.target:
        return claimed_by_s3(step, event)
    if isinstance(event, Claim):
        sent = min(event.sent, length)
        if "Content-Range" in dict(step.headers):
            return claimed(step.start + sent + event.off if step.stop else SIZE + event.off, sent)
        begin = int(dict(step.headers).get("Upload-Offset", 0))  # of an append, in its own upload
        offset = ("upload-offset", str((begin + sent if step.has_body else whole) + event.off))
        yes, no = ("?1", "?0") if step.stop == SIZE or not step.has_body else ("?0", "?1")
        said = (("upload-complete", yes), ("upload-incomplete", no)) if INTEROP in dict(step.headers) else ()
        return Response(
            {"POST": 201, "HEAD": 200}.get(method_of(step), 204),
            (("location", "/files/1"), offset, *said),
            sent,
        )
    if isinstance(event, Response):
        return Response(event.status, event.headers, min(event.sent, length), event.body)
    return Interrupted(event.cause, min(event.sent, length)) if isinstance(event, Interrupted) else event


def claimed(offset: int, sent: int) -> Response:
    """Return the answer that says so many bytes are kept, as Google's protocol words it."""
    if offset == SIZE:
        return Response(200, (), sent, b'{"size": "%d"}' % SIZE)
    return Response(308, (("range", f"bytes=0-{offset - 1}"),) if offset else (), sent)


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
    machine: Machine, events: list[Event | Claim | Progress], steps: int, whole: int
) -> tuple[Done | Failed | None, Send, Event]:
    """Feed *events* over and over until the machine ends; return the end and what led to it."""
    coming = cycle([*events, Interrupted(Cause.RESET, 0)])
    asked, last, reached = Send, Event, 0
    for _ in range(steps):
        step = machine.next()
        if isinstance(step, Done | Failed):
            return step, asked, last
        if isinstance(step, Send):
            asked, last = step, fed(next(coming), step, whole)
            while isinstance(last, Informational):
                machine.receive(last)
                last = fed(next(coming), step, whole)
            before, reached = machine.offset, max(reached, step.start + last.sent)
            notes = machine.receive(last)
            again = any(isinstance(note, Restarted) for note in notes)
            lied = any(isinstance(note, Breach) for note in notes)  # a 104 may have been believed until now
            reached = machine.offset if again else reached
            top = SIZE if may_be_ahead(step) else reached
            assert (0 if again or lied else before) <= machine.offset <= top, "an offset that cannot be"
    return None, asked, last


def may_be_ahead(step: Send) -> bool:
    """Return whether a server may have more than was sent, and say so to a query (interop version 9)."""
    return dict(step.headers).get(INTEROP) == "9"


@given(
    wording=st.sampled_from(ALL_WORDINGS),
    events=st.lists(EVENTS, max_size=12),
    piece=st.sampled_from([None, 3]),
)
@settings(max_examples=600, deadline=None)
def test_any_answers_lead_to_an_end_and_only_a_statement_of_the_whole_to_done(
    wording: tuple[str, str], events: list[Event | Claim | Progress], piece: int | None
) -> None:
    name, framing = wording
    policy = Policy(retries=3, piece=piece)
    machine = InTurn(
        machine_of(SIZE, PART, policy=policy)
        if name == "s3"
        else make_machine(
            name, endpoint=ENDPOINT, size=SIZE, filename="f", policy=policy, **worded(name, framing)
        )
    )
    end, asked, last = run(machine, events, 2000, SIZE // 3 if wording in PARALLEL else SIZE)
    assert end is not None, "still at it"
    if isinstance(end, Done):
        assert isinstance(last, Response) and 200 <= last.status < 300
        assert says_it_is_whole(wording, asked, last)
        assert machine.offset == SIZE


def sized(body: bytes) -> object:
    """Return the size that an object's resource states, None for none."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said.get("size") if isinstance(said, dict) else None


def says_it_is_whole(wording: tuple[str, str], asked: Send, answer: Response) -> bool:
    if wording[0] == "s3" and asked.purpose is Purpose.COMPLETE:
        return answer.body == b"<CompleteMultipartUploadResult/>"
    if wording[0] == "s3":
        return asked.method == "HEAD" and ("content-length", str(SIZE)) in answer.headers
    if wording in (("plain", ""), ("plain", "put")):
        return answer.sent == SIZE
    if wording[0] == "google":
        return answer.status in (200, 201) and sized(answer.body) in (None, str(SIZE))
    if wording[0] == "ietf":
        dialect = DIALECTS[int(wording[1][0])]
        said, offset = says_complete(answer.headers, dialect), stated_integer(answer.headers, "upload-offset")
        if asked.method == "HEAD":
            return said is True and offset == SIZE
        sent = asked.stop == SIZE and answer.sent == asked.stop - asked.start
        return sent and said is not False and offset in (None, SIZE)
    if wording in PARALLEL:  # every part said so, and the last answer says that they are joined
        said = [value for name, value in answer.headers if name == "upload-offset"]
        joined = dict(asked.headers).get("Upload-Concat", "").startswith("final;")
        return joined and said in ([], [str(SIZE)])
    return [value for name, value in answer.headers if name == "upload-offset"] == [str(SIZE)]
