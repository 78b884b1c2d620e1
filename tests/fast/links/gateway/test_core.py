"""What the hop's core makes of a script: which requests, at which moment, how often."""

from __future__ import annotations

import pytest

from simulator.links.gateway.core import Core
from simulator.links.gateway.verbs import (
    AnswerHead,
    End,
    Forward,
    Hold,
    How,
    Pace,
    Pass,
    PassAnswer,
    PassInterim,
    Reply,
    Stall,
)
from tests.helpers.hops import arrive, fired, head, passed, steps

RESET = 'do = { kind = "reset" }'
OK = AnswerHead(((b"Upload-Offset", b"100"),), 204)
PROGRESS = AnswerHead(((b"Upload-Offset", b"5"),), 104)


def chosen(when: str, *asked: object, times: str = "") -> list[int]:
    """Return which of the requests (by number, from 1) a reset at their head strikes."""
    core = Core(steps(f"when = {{ {when} }}\n{times}\n{RESET}"))
    return [n for n, each in enumerate(asked, 1) if fired(arrive(core, each).begin(float(n)))]  # type: ignore[arg-type]


def test_without_steps_everything_passes_as_it_came() -> None:
    passage = arrive(Core(()), head(upload_offset="0"))
    assert passage.begin(0) == [Forward(passage.head)]
    assert passage.take(b"a" * 100, 0) == [Pass(b"a" * 100)]
    assert passage.end(0) == []
    assert passage.inform(PROGRESS, 0) == [PassInterim(PROGRESS)]
    assert passage.answer(OK, 0) == [PassAnswer(OK)]
    assert passage.take_answer(b"xy", 0) == [Pass(b"xy")]


def test_the_field_that_names_the_upload_is_never_forwarded() -> None:
    passage = arrive(Core(()), head(simsim_upload="3/tus/0", host="x"))
    assert passage.upload == "3/tus/0"
    assert passage.head.fields == ((b"host", b"x"),)


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ("", [1, 2, 3, 4]),
        ('method = "PATCH"', [2, 4]),
        ('method = ["HEAD", "POST"]', [1, 3]),
        ('path = "/files/?*"', [2, 3, 4]),
        ('path = "/files/"', [1]),
        ('header = { Upload-Offset = "?*" }', [2, 4]),
        ('header = { upload-offset = "0" }', [2]),
        ('method = "PATCH", header = { upload-offset = "5" }', [4]),
        ('over = "99 B"', [2, 4]),
        ('over = "100 B"', []),
        ('per = "hop", nth = 3', [3]),
        ('per = "hop", every = 2', [2, 4]),
        ('per = "hop", first = 2', [1, 2]),
        ("nth = 2", [3]),  # by target: the second for /files/1
        ('per = "connection", first = 1', [1]),
    ],
)
def test_a_step_chooses_its_requests(when: str, struck: list[int]) -> None:
    asked = (
        head("POST", "/files/", 0),
        head("PATCH", "/files/1?x=/files/", 100, upload_offset="0"),
        head("HEAD", "/files/1", 0),
        head("PATCH", "http://h/files/1", 100, upload_offset="5"),
    )
    if when == "nth = 2":
        asked = (head("POST", "/files/", 0), head(), head("HEAD", length=0), head())
    assert chosen(when, *asked) == struck


def test_uploads_are_counted_each_for_itself() -> None:
    asked = [head("POST", "/plain/", simsim_upload=f"{user}/plain/0") for user in (1, 2, 1, 2)]
    assert chosen("nth = 2", *asked) == [3, 4]


def test_a_step_fires_so_many_times_or_for_so_long() -> None:
    asked = [head()] * 5  # at 1 s, 2 s ...
    assert chosen("", *asked, times="times = 2") == [1, 2]
    assert chosen("", *asked, times='for = "2 s"') == [1, 2, 3]


def test_a_step_at_a_byte_counts_only_requests_that_have_this_byte() -> None:
    core = Core(steps(f'when = {{ at = "10 B", per = "hop", nth = 1 }}\n{RESET}'))
    for length, struck in ((0, []), (9, []), (10, ["reset-1"])):
        passage = arrive(core, head(length=length))
        passage.begin(0)
        assert fired(passage.take(bytes(length), 0)) == struck


def test_a_cut_comes_after_exactly_so_many_bytes() -> None:
    for at, length, n in (("50 %", 100, 50), ("7 B", 100, 7), ("100 %", 100, 100), ("7 B", None, 7)):
        passage = arrive(Core(steps(f'when = {{ at = "{at}" }}\n{RESET}')), head(length=length))
        passage.begin(0)
        verbs = passage.take(bytes(100), 0)
        assert (passed(verbs), verbs[-1]) == (bytes(n), End(How.RESET))
        assert passage.body == n
        assert passage.take(b"more", 0) == []


def test_a_share_of_an_unknown_length_is_nowhere() -> None:
    passage = arrive(Core(steps(f'when = {{ at = "50 %" }}\n{RESET}')), head(length=None))
    passage.begin(0)
    assert passed(passage.take(bytes(100), 0)) == bytes(100)


def test_byte_zero_is_after_the_head_and_before_the_body() -> None:
    passage = arrive(Core(steps(f'when = {{ at = "0 B" }}\n{RESET}')), head())
    verbs = passage.begin(0)
    assert isinstance(verbs[0], Forward)
    assert verbs[-1] == End(How.RESET)


def test_a_body_that_is_too_long_is_refused_at_its_head_or_where_it_becomes_too_long() -> None:
    core = Core(steps('when = { over = "10 B" }\ndo = { kind = "status", code = 413 }'))
    announced = arrive(core, head(length=11)).begin(0)
    assert isinstance(announced[-1], Reply) and announced[-1].status == 413
    chunked = arrive(core, head(length=None))
    assert isinstance(chunked.begin(0)[-1], Forward)
    assert passed(chunked.take(bytes(10), 0)) == bytes(10)
    (_, reply) = chunked.take(b"x", 0)
    assert isinstance(reply, Reply)


def test_a_status_says_what_its_step_says() -> None:
    more = 'retry_after = "1.2 s", cors = true, body = "no", fields = { A = "b" }'
    do = f'do = {{ kind = "status", code = 503, {more} }}'
    (_, reply) = arrive(Core(steps(do)), head()).begin(0)
    assert reply == Reply(
        503,
        b"Service Unavailable",
        (
            (b"A", b"b"),
            (b"Retry-After", b"2"),
            (b"Access-Control-Allow-Origin", b"*"),
            (b"Access-Control-Expose-Headers", b"*"),
        ),
        b"no",
    )


def test_the_first_of_two_answers_is_given_and_the_other_does_not_count_as_fired() -> None:
    core = Core(steps('do = { kind = "status", code = 502 }', 'do = { kind = "status", code = 503 }'))
    assert fired(arrive(core, head()).begin(0)) == ["status-1"]


def test_a_bit_is_flipped_in_its_byte_and_nowhere_else() -> None:
    passage = arrive(Core(steps('when = { at = "50 %" }\ndo = { kind = "flip", bit = 3 }')), head(length=4))
    passage.begin(0)
    assert passed(passage.take(b"aaaa", 0)) == b"aa" + bytes([ord("a") ^ 8]) + b"a"


def test_a_cut_does_not_wait_for_a_byte_that_another_step_waits_for() -> None:
    core = Core(steps('when = { at = "4 B" }\ndo = { kind = "flip" }', f'when = {{ at = "4 B" }}\n{RESET}'))
    passage = arrive(core, head(length=None))
    passage.begin(0)
    assert passage.take(b"abcd", 0)[-1] == End(How.RESET)


def test_an_answer_is_dropped_only_when_the_request_had_arrived_whole() -> None:
    core = Core(steps('do = { kind = "drop-answer", how = "close" }'))
    early, late = arrive(core, head()), arrive(core, head())
    assert early.answer(OK, 0) == [PassAnswer(OK)]
    late.end(0)
    assert late.answer(OK, 0)[-1] == End(How.CLOSE)


def test_a_step_may_wait_for_an_answer_with_its_status() -> None:
    core = Core(steps(f'when = {{ status = "2xx", at = "answer", per = "hop", nth = 2 }}\n{RESET}'))
    answers = [AnswerHead((), status) for status in (204, 500, 201, 204)]
    struck = [fired(arrive(core, head()).answer(answer, 0)) for answer in answers]
    assert struck == [[], [], ["reset-1"], []]


def test_an_answers_body_has_places_too() -> None:
    core = Core(steps('when = { at = "answer 50 %" }\ndo = { kind = "close" }'))
    passage = arrive(core, head("GET", length=0))
    assert len(passage.answer(AnswerHead(((b"Content-Length", b"4"),), 200), 0)) == 1
    verbs = passage.take_answer(b"abcd", 0)
    assert (passed(verbs), verbs[-1]) == (b"ab", End(How.CLOSE))


@pytest.mark.parametrize(
    ("do", "out"),
    [
        ('keep = "none"', [[], [], []]),
        ('keep = "first"', [[0.0], [], []]),
        ('delay = "2 s"', [[2.0], [2.0], [2.0]]),
        ('keep = "first", delay = "2 s"', [[2.0], [], []]),
    ],
)
def test_interim_answers_are_dropped_thinned_out_or_delayed(do: str, out: list[list[float]]) -> None:
    passage = arrive(Core(steps(f'do = {{ kind = "interim", {do} }}')), head())
    seen = [passage.inform(PROGRESS, 0) for _ in range(3)]
    assert [[verb.delay for verb in verbs if isinstance(verb, PassInterim)] for verbs in seen] == out


def test_100_is_never_withheld_from_who_waits_for_it() -> None:
    passage = arrive(Core(steps('do = { kind = "interim" }')), head())
    hundred = AnswerHead((), 100)
    assert passage.inform(hundred, 0) == [PassInterim(hundred)]


def test_heads_are_rewritten_on_either_way() -> None:
    core = Core(
        steps(
            'when = { method = "HEAD" }\ndo = { kind = "method", to = "GET" }',
            'do = { kind = "fields", set = { X = "y" } }',
            'when = { at = "answer" }\ndo = { kind = "fields", strip = ["upload-offset"], '
            'replace = { Location = ["https:", "http:"] } }',
        )
    )
    passage = arrive(core, head("HEAD", length=0))
    forward = passage.begin(0)[-1]
    assert isinstance(forward, Forward)
    assert (forward.head.method, forward.head.fields) == ("GET", ((b"X", b"y"),))
    answer = AnswerHead(((b"Location", b"https://h/1"), (b"Upload-Offset", b"3")), 200)
    out = passage.answer(answer, 0)[-1]
    assert isinstance(out, PassAnswer)
    assert out.head.fields == ((b"Location", b"http://h/1"),)


def test_a_change_that_changes_nothing_has_not_fired() -> None:
    core = Core(steps('when = { at = "answer" }\ndo = { kind = "fields", strip = ["Upload-Offset"] }'))
    assert fired(arrive(core, head()).answer(AnswerHead((), 204), 0)) == []
    assert fired(arrive(core, head()).answer(OK, 0)) == ["fields-1"]


def test_an_age_counts_from_the_connections_or_the_requests_beginning() -> None:
    for since, deadline in (("connection", 60.0), ("request", 70.0)):
        passage = arrive(
            Core(steps(f'do = {{ kind = "age", after = "60 s", since = "{since}" }}')), head(), now=10
        )
        assert passage.deadline == deadline
        assert fired(passage.begin(10)) == []
        assert passage.expire(deadline)[-1] == End(How.CLOSE)
        assert passage.deadline is None


def test_the_other_kinds_say_what_they_are_called() -> None:
    for do, verb in (
        ('kind = "stall", for = "2 s"', Stall(2.0)),
        ('kind = "trickle", rate = "10 B/s"', Pace(10.0)),
        ('kind = "buffer"', Hold()),
        ('kind = "blackhole"', End(How.SILENCE)),
        ('kind = "close"', End(How.CLOSE)),
    ):
        assert verb in arrive(Core(steps(f"do = {{ {do} }}")), head()).begin(0)


def test_a_request_without_a_body_is_not_buffered() -> None:
    assert fired(arrive(Core(steps('do = { kind = "buffer" }')), head("HEAD", length=0)).begin(0)) == []
