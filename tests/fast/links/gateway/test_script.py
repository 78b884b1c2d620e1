"""Scripts of the hop: what may be written, and the one line that refuses what may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.links.gateway.actions import ACTIONS
from simulator.links.gateway.script import load_script, parse_script
from simulator.weather.hop_kinds import HOP_KINDS, Place
from simulator.weather.hops import describe, from_plain, to_plain
from tests.helpers.hops import steps

EXAMPLES = {
    "status": 'do = { kind = "status", code = 503, retry_after = "2 s", cors = true, then = "reset" }',
    "drop-answer": 'do = { kind = "drop-answer", how = "silence" }',
    "reset": 'when = { at = "50 %" }\ndo = { kind = "reset" }',
    "close": 'when = { at = "1 MB" }\ndo = { kind = "close" }',
    "blackhole": 'when = { at = "end" }\ndo = { kind = "blackhole" }',
    "stall": 'when = { at = "0 B" }\ndo = { kind = "stall", for = "61 s" }',
    "trickle": 'when = { at = "50 %" }\ndo = { kind = "trickle", rate = "1 B/s" }',
    "flip": 'when = { at = "answer 5 B" }\ndo = { kind = "flip", bit = 7 }',
    "interim": 'do = { kind = "interim", keep = "first", delay = "1 s" }',
    "method": 'when = { method = "HEAD" }\ndo = { kind = "method", to = "GET" }',
    "fields": 'when = { at = "answer" }\ndo = { kind = "fields", replace = { Location = ["s:", ":"] } }',
    "age": 'do = { kind = "age", after = "60 s", since = "request", how = "reset" }',
    "buffer": 'do = { kind = "buffer" }',
}


def test_every_kind_has_a_row_an_action_and_an_example() -> None:
    assert set(HOP_KINDS) == set(ACTIONS) == set(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_step_comes_back_as_it_was_written(kind: str) -> None:
    (step,) = steps(EXAMPLES[kind])
    assert step.do.kind == kind
    assert from_plain(to_plain((step,))) == (step,)
    assert describe(step).startswith(kind)


def test_a_step_without_a_name_is_called_by_its_kind_and_place() -> None:
    assert [step.id for step in steps(EXAMPLES["reset"], f'id = "x"\n{EXAMPLES["stall"]}')] == [
        "reset-1",
        "x",
    ]


def test_moments_are_read_into_places() -> None:
    said = {
        "head": Place.HEAD,
        "7 B": Place.BODY,
        "50 %": Place.BODY,
        "end": Place.END,
        "answer": Place.ANSWER,
    }
    for text, place in {**said, "answer 50 %": Place.ANSWER_BODY}.items():
        (step,) = steps(f'when = {{ at = "{text}" }}\ndo = {{ kind = "reset" }}')
        assert (step.at.place, step.at.text) == (place, text)


def test_a_rate_may_be_said_in_bytes_or_bits() -> None:
    for text in ("8 bit/s", "1 B/s"):
        assert steps(f'do = {{ kind = "trickle", rate = "{text}" }}')[0].do.rate == 1.0


REFUSED = [
    ("", "has no step"),
    ("step = 3", "step: 3 is not a list"),
    ('[[step]]\ndo = { kind = "status"', "is not TOML"),
    ("[[hop]]\n", "here it is [[step]]"),
    ("[[step]]\n", "step.0.do: is missing"),
    ('[[stepp]]\n[[step]]\ndo = { kind = "reset" }', "did you mean 'step'?"),
    ('[[step]]\ndo = { kind = "resett" }', "did you mean 'reset'?"),
    ('[[step]]\ndo = { kind = "status" }', "step.0.do.code: 'status' needs it (hint: add code = 503)"),
    ('[[step]]\ndo = { kind = "status", code = 99 }', "99 is out of reach (hint: at least 200)"),
    ('[[step]]\ndo = { kind = "status", code = "503" }', "not a whole number"),
    ('[[step]]\ndo = { kind = "status", code = 503, retryafter = "2 s" }', "did you mean 'retry_after'?"),
    ('[[step]]\ndo = { kind = "status", code = 503, retry_after = 2 }', "2 has no unit"),
    ('[[step]]\ndo = { kind = "status", code = 204, body = "x" }', "an answer of 204 has no body"),
    (
        '[[step]]\ndo = { kind = "status", code = 500, fields = { Content-Length = "3" } }',
        "leave it to the hop",
    ),
    ('[[step]]\ndo = { kind = "status", code = 500, fields = { "a b" = "3" } }', "'a b' is no field name"),
    ('[[step]]\ndo = { kind = "status", code = 500, reason = "a\\r\\nb: c" }', "is no field value"),
    ('[[step]]\ndo = { kind = "reset", code = 503 }', "'reset' has no use for it (hint: take 'code' out)"),
    ('[[step]]\nwhen = { method = "patch" }\ndo = { kind = "reset" }', "did you mean 'PATCH'?"),
    ('[[step]]\nwhen = { method = "GE T" }\ndo = { kind = "reset" }', "'GE T' is no method"),
    ('[[step]]\nwhen = { methud = "GET" }\ndo = { kind = "reset" }', "did you mean 'method'?"),
    ('[[step]]\nwhen = { nth = 0 }\ndo = { kind = "reset" }', "step.0.when.nth: 0 is out of reach"),
    ('[[step]]\nwhen = { nth = 1, every = 2 }\ndo = { kind = "reset" }', "nth and every both choose"),
    ('[[step]]\nwhen = { at = "middle" }\ndo = { kind = "reset" }', "'middle' is no place in a body"),
    ('[[step]]\nwhen = { at = "101 %" }\ndo = { kind = "reset" }', "'101 %' is no place in a body"),
    ('[[step]]\nwhen = { at = 5 }\ndo = { kind = "reset" }', "5 is no moment of a request"),
    ('[[step]]\nwhen = { at = "head" }\ndo = { kind = "drop-answer" }', "cannot strike at 'head'"),
    ('[[step]]\ndo = { kind = "flip" }', "'flip' needs a place"),
    (
        '[[step]]\nwhen = { over = "1 MB", at = "head" }\ndo = { kind = "reset" }',
        "'over' says when by itself",
    ),
    ('[[step]]\nwhen = { over = "1 MB" }\ndo = { kind = "buffer" }', "'buffer' cannot wait for a byte"),
    ('[[step]]\nwhen = { status = "2xx" }\ndo = { kind = "reset" }', "the status is not known by then"),
    ('[[step]]\nwhen = { status = "2x", at = "answer" }\ndo = { kind = "reset" }', "'2x' is no status"),
    ('[[step]]\nwhen = { per = "user" }\ndo = { kind = "reset" }', "'user' is not known"),
    ('[[step]]\ntimes = 0\ndo = { kind = "reset" }', "step.0.times: 0 is out of reach"),
    ('[[step]]\nid = "a b"\ndo = { kind = "reset" }', "'a b' names no step"),
    ('[[step]]\nid = "a"\ndo = { kind = "reset" }\n' * 2, "step.1.id: step 0 is called 'a' too"),
    ('[[step]]\ndo = { kind = "trickle", rate = "0 B/s" }', "'0 B/s' is out of reach"),
    ('[[step]]\ndo = { kind = "trickle", rate = "1 MB" }', "'1 MB' is no rate"),
    ('[[step]]\ndo = { kind = "method", to = "HEAD" }', "framed unlike"),
    ('[[step]]\ndo = { kind = "fields" }', "'fields' changes nothing"),
    ('[[step]]\ndo = { kind = "fields", strip = ["Connection"] }', "says where the message ends"),
    ('[[step]]\ndo = { kind = "interim", keep = "all" }', "changes nothing"),
    ('[[step]]\nwhen = { at = "5 B" }\ndo = { kind = "flip", bit = 8 }', "8 is out of reach"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_is_refused_in_one_line_with_its_place(text: str, told: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_script(text, "script.toml")
    said = str(refusal.value)
    assert told in said
    assert said.startswith("script.toml: ")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("content", "told"), [(None, "cannot be read"), (b"\xff\xfe", "is not UTF-8 text (byte 0)")]
)
def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "s.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=r"s\.toml: ") as refusal:
        load_script(file)
    assert told in str(refusal.value)
