"""The hop's core and parser, under any script, any slicing and any text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import UsageError
from simulator.links.gateway.core import Core
from simulator.links.gateway.script import parse_script, steps_of
from simulator.links.gateway.verbs import (
    LAST,
    AnswerHead,
    Fired,
    Forward,
    Head,
    Pass,
    PassAnswer,
    PassInterim,
    Verb,
)
from simulator.weather.hops import from_plain, to_plain
from tests.helpers.hops import arrive, steps

SPOTS = ["0 B", "1 B", "7 B", "50 %", "100 %", "answer 0 B", "answer 3 B", "answer 50 %"]
DOS = [
    'kind = "reset"',
    'kind = "close"',
    'kind = "blackhole"',
    'kind = "stall", for = "1 s"',
    'kind = "trickle", rate = "5 B/s"',
    'kind = "flip"',
    'kind = "flip", bit = 7',
]
STEP = st.builds(
    lambda at, do, extra: f'when = {{ at = "{at}"{extra} }}\ndo = {{ {do} }}',
    st.sampled_from(SPOTS),
    st.sampled_from(DOS),
    st.sampled_from(["", ", nth = 2", ", every = 2", ", first = 1", ', method = "PATCH"']),
)
OVER = st.just('when = { over = "5 B" }\ndo = { kind = "status", code = 413 }')
SCRIPT = st.lists(st.one_of(STEP, OVER), max_size=5).map(lambda tables: steps(*tables) if tables else ())
BODY = st.binary(max_size=40)
CUTS = st.lists(st.integers(0, 40), max_size=6)
FIELDS = st.lists(
    st.tuples(
        st.sampled_from([b"Upload-Offset", b"X", b"location"]),
        st.binary(max_size=8).map(bytes.hex).map(str.encode),
    ),
    max_size=4,
).map(tuple)
METHODS = st.sampled_from(["POST", "PATCH", "HEAD", "GET"])


def sliced(body: bytes, cuts: list[int]) -> list[bytes]:
    """Return *body* cut at the given places."""
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    return [body[a:b] for a, b in pairwise(edges)]


def joined(verbs: list[Verb]) -> list[Verb]:
    """Return *verbs* with neighbouring bytes put together."""
    out: list[Verb] = []
    for verb in verbs:
        if isinstance(verb, Pass) and out and isinstance(out[-1], Pass):
            out[-1] = Pass(out[-1].data + verb.data)
        else:
            out.append(verb)
    return out


def play(core: Core, head: Head, up: list[bytes], down: list[bytes], answer: AnswerHead) -> list[Verb]:
    """Return all that one exchange brings about, up to its end."""
    passage = arrive(core, head)
    verbs = passage.begin(0)
    for piece in up:
        verbs += passage.take(piece, 0)
    if not passage.over:
        verbs += passage.end(0)
        verbs += passage.answer(answer, 0)
    for piece in down:
        verbs += passage.take_answer(piece, 0)
    return joined(verbs)


def heads(method: str, up: bytes, down: bytes, known: bool) -> tuple[Head, AnswerHead]:
    length = ((b"Content-Length", b"%d" % len(down)),) if known else ()
    return Head((), method, "/files/1", len(up) if known else None), AnswerHead(length, 200)


@given(METHODS, FIELDS, BODY, BODY, CUTS, st.lists(FIELDS, max_size=3), st.booleans())
def test_without_steps_any_exchange_passes_byte_for_byte(
    method: str,
    fields: tuple[tuple[bytes, bytes], ...],
    up: bytes,
    down: bytes,
    cuts: list[int],
    interims: list[tuple[tuple[bytes, bytes], ...]],
    known: bool,
) -> None:
    head = Head(fields, method, "/files/1", len(up) if known else None)
    answer = AnswerHead(fields, 200)
    passage = arrive(Core(()), head)
    assert passage.begin(0) == [Forward(head)]
    assert joined([verb for piece in sliced(up, cuts) for verb in passage.take(piece, 0)]) == [
        Pass(up)
    ] * bool(up)
    for each in interims:
        assert passage.inform(AnswerHead(each, 104), 0) == [PassInterim(AnswerHead(each, 104))]
    assert passage.end(0) == []
    assert passage.answer(answer, 0) == [PassAnswer(answer)]
    back = joined([verb for piece in sliced(down, cuts) for verb in passage.take_answer(piece, 0)])
    assert back == [Pass(down)] * bool(down)


@given(SCRIPT, METHODS, st.lists(BODY, min_size=1, max_size=3), BODY, CUTS, st.booleans())
def test_what_a_script_does_does_not_depend_on_how_a_body_is_sliced(
    script: tuple[object, ...], method: str, ups: list[bytes], down: bytes, cuts: list[int], known: bool
) -> None:
    whole, pieces = Core(script), Core(script)  # type: ignore[arg-type]
    for up in ups:
        head, answer = heads(method, up, down, known)
        once = play(whole, head, [up] if up else [], [down] if down else [], answer)
        assert once == play(pieces, head, sliced(up, cuts), sliced(down, cuts), answer)


@given(SCRIPT, BODY, BODY, CUTS)
def test_no_byte_is_made_lost_or_moved_and_only_flips_change_one(
    script: tuple[object, ...], up: bytes, down: bytes, cuts: list[int]
) -> None:
    head, answer = heads("PATCH", up, down, True)
    verbs = play(Core(script), head, sliced(up, cuts), sliced(down, cuts), answer)  # type: ignore[arg-type]
    passed = b"".join(verb.data for verb in verbs if isinstance(verb, Pass))
    flips = sum(1 for verb in verbs if isinstance(verb, Fired) and verb.action == "flip")
    sent = (up + down)[: len(passed)]
    assert sum(a != b for a, b in zip(passed, sent, strict=True)) <= flips
    if not any(isinstance(verb, LAST) for verb in verbs):
        assert len(passed) == len(up + down)
    ends = [n for n, verb in enumerate(verbs) if isinstance(verb, LAST)]
    assert ends in ([], [len(verbs) - 1])


@given(SCRIPT)
def test_a_script_comes_back_exactly_from_what_was_written_of_it(script: tuple[object, ...]) -> None:
    assert from_plain(to_plain(script)) == script  # type: ignore[arg-type]


WORDS = st.sampled_from(
    [
        "step",
        "when",
        "do",
        "kind",
        "status",
        "reset",
        "at",
        "50 %",
        "code",
        "for",
        "id",
        "times",
        "over",
        "nth",
    ]
)
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(), st.floats(), st.booleans(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(WORDS, st.text(max_size=4)), inner)
    ),
    max_leaves=12,
)


@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                ["[[step]]\n", "do = ", '{ kind = "reset" }\n', "when", "=", '"', "{", "[", "id", "\n"]
            )
        ).map("".join),
    )
)
def test_no_text_makes_the_parser_fail_but_by_its_own_refusal(text: str) -> None:
    try:
        parse_script(text, "garbage.toml")
    except UsageError as refusal:
        assert "\n" not in str(refusal)


@given(st.dictionaries(st.sampled_from(["id", "when", "do", "times", "for"]), VALUES))
def test_no_table_makes_the_schema_fail_but_by_its_own_refusal(table: dict[str, object]) -> None:
    try:
        steps_of({"step": [table]}, "garbage.toml")
    except UsageError as refusal:
        assert "\n" not in str(refusal)
