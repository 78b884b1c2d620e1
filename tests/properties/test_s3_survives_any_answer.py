"""The S3 machine against answers that make no sense: it never raises, always ends, never claims too much."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.protocols.machine import (
    Acknowledged,
    Done,
    Event,
    Failed,
    Informational,
    Interrupted,
    Response,
    Restarted,
    Send,
)
from simulator.protocols.policy import Policy
from simulator.records import Cause, Purpose
from tests.helpers.s3 import World, machine_of

SIZE, PART = 20, 7
CREATED = b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
COMPLETED = b"<CompleteMultipartUploadResult/>"
NUMBERS = st.one_of(
    st.integers(-2, SIZE + 2).map(str), st.sampled_from([str(SIZE), "", "+5", "٣", "9" * 30, "9" * 5000])
)
FIELDS = st.lists(
    st.one_of(
        st.tuples(
            st.just("etag"), st.one_of(st.sampled_from(['"0"', '"' + "0" * 32 + '-3"']), st.text(max_size=5))
        ),
        st.tuples(st.sampled_from(["content-length", "retry-after"]), NUMBERS),
        st.tuples(st.just("location"), st.sampled_from(["http://[", "//other/", ""])),
    ),
    max_size=4,
).map(tuple)
CODES = [
    "NoSuchUpload",
    "NoSuchBucket",
    "InternalError",
    "InvalidPart",
    "RequestTimeout",
    "SlowDown",
    "x" * 500,
]
BODIES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(CODES).map(lambda code: f"<Error><Code>{code}</Code></Error>".encode()),
    NUMBERS.map(
        lambda number: (
            f"<ListPartsResult><Part><PartNumber>{number}</PartNumber><Size>{number}</Size>"
            f"<ETag>e</ETag></Part></ListPartsResult>".encode()
        )
    ),
    st.sampled_from(
        [CREATED, COMPLETED, b"<!DOCTYPE a><ListPartsResult/>", b"<a>" * 9000, b" " * 70000 + COMPLETED]
    ),
    st.sampled_from([b"<?xml version='1.0' encoding='none'?><a/>", CREATED.replace(b"1", "é\n".encode())]),
)


@dataclass(frozen=True)
class Claim:
    """A success that would be believed but for a number that is ``off`` by so many."""

    off: int
    sent: int


SENT = st.integers(0, SIZE)
STATUSES = st.one_of(
    st.sampled_from([200, 200, 204, 400, 403, 404, 409, 412, 413, 429, 500, 503]), st.integers(100, 999)
)
EVENTS = st.one_of(
    st.builds(Claim, st.integers(-2, 2), SENT),
    st.builds(Claim, st.just(0), SENT),
    st.builds(Response, STATUSES, FIELDS, SENT, BODIES),
    st.builds(Interrupted, st.sampled_from(list(Cause)), SENT),
    st.builds(Informational, st.integers(100, 199), FIELDS),
)


def fed(event: Event | Claim, step: Send) -> Event:
    """Return *event* as it can follow *step*: no more is sent than the request has."""
    length = step.stop - step.start
    if isinstance(event, Claim):
        return claimed(step, event)
    if isinstance(event, Response):
        return Response(event.status, event.headers, min(event.sent, length), event.body)
    return Interrupted(event.cause, min(event.sent, length)) if isinstance(event, Interrupted) else event


def claimed(step: Send, claim: Claim) -> Response:
    length = step.stop - step.start
    number = int(step.target.partition("part-number-marker=")[2].partition("&")[0] or 0) + 1
    size = min(PART, SIZE - (number - 1) * PART) + claim.off
    row = f"<PartNumber>{number}</PartNumber><Size>{size}</Size><ETag>l</ETag>"
    body = {
        Purpose.CREATE: CREATED,
        Purpose.COMPLETE: COMPLETED if claim.off == 0 else b"",
        Purpose.QUERY: f"<ListPartsResult><Part>{row}</Part></ListPartsResult>".encode(),
    }.get(step.purpose, b"")
    sent = length if claim.off == 0 else min(claim.sent, length)
    return Response(200, (("etag", "e"), ("content-length", str(SIZE + claim.off))), sent, body)


class Babel(World):
    """Answers anything, and checks what the machine makes of it."""

    def __init__(self, events: list[Event | Claim]) -> None:
        super().__init__(b"", [])
        self._coming = cycle([*events, Interrupted(Cause.RESET, 0)])
        self.last: tuple[Send, Event] | None = None
        self._reached: dict[int, int] = {}  # by the beginning of a part: how much of it was ever sent

    def serve(self, send: Send) -> Event:
        event = fed(next(self._coming), send)
        while isinstance(event, Informational):
            event = fed(next(self._coming), send)
        assert isinstance(event, Response | Interrupted)
        self.last = send, event
        if send.purpose is Purpose.APPEND:
            self._reached[send.start] = max(self._reached.get(send.start, 0), event.sent)
        self.sends.append(send)
        return event

    def take(self, machine: object, event: Event) -> None:
        before = len(self.notes)
        super().take(machine, event)  # type: ignore[arg-type]
        for note in self.notes[before:]:
            if isinstance(note, Acknowledged):
                assert self._reached[note.start] == note.offset - note.start, "what was never sent is stored"
            if isinstance(note, Restarted):
                self._reached.clear()


@given(events=st.lists(EVENTS, max_size=12), parallel=st.integers(1, 3))
@settings(max_examples=500, deadline=None)
def test_any_answers_lead_to_an_end_and_only_a_statement_of_the_whole_to_done(
    events: list[Event | Claim], parallel: int
) -> None:
    world = Babel(events)
    machine = machine_of(SIZE, PART, parallel, Policy(retries=3))
    end = world.run(machine, requests=2000)
    assert isinstance(end, Done | Failed), "still at it"
    if isinstance(end, Done):
        assert machine.offset == SIZE and world.last is not None
        asked, last = world.last
        assert isinstance(last, Response) and 200 <= last.status < 300
        whole = asked.method == "HEAD" and ("content-length", str(SIZE)) in last.headers
        assert whole or (asked.purpose is Purpose.COMPLETE and last.body.strip() == COMPLETED)
