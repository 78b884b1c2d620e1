"""The steps of an HTTP-aware hop, as a script or a profile's ``[[hop]]`` tables say them. Pure data.

    [[step]]
    id = "limit"                                       names it in records and reports
    when = { method = ["POST", "PATCH"], over = "1 MB" }
    times = 1                                          how often it fires at most
    for = "30 s"                                       and for how long after its first time
    do = { kind = "status", code = 413 }

``when`` chooses requests (method, path, header, over, status), of these the nth, every nth or the
first n, counted ``per`` upload, target, connection or hop, and ``at`` the moment: head, a byte of the
body ("1 MB", "50 %"), end, answer, or a byte of the answer ("answer 50 %").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, TypeAdapter, model_validator

from simulator.errors import did_you_mean
from simulator.units import parse_rate, parse_size
from simulator.weather.hop_kinds import HOP_KINDS, HopKind, Place
from simulator.weather.quantities import Bytes, Count, Refused, Seconds, SomeSeconds, size_text
from simulator.weather.tables import Part

Per = Literal["upload", "target", "connection", "hop"]
How = Literal["reset", "close", "silence"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
FRAMING = ("content-length", "transfer-encoding", "connection")  # where a body ends is the hop's own affair
MOST_BYTES = 10**15
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}")  # RFC 9110, "Tokens"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_STATUS = re.compile(r"[1-5](xx|[0-9]{2})")


@dataclass(frozen=True)
class At:
    """A moment of an exchange: a place and, in a body, how many bytes or which share came before."""

    text: str
    place: Place
    offset: int = 0
    share: float | None = None

    def byte(self, length: int | None) -> int | None:
        """Return the byte of a body of *length* bytes (None: not known); None when it cannot be told."""
        if self.share is None:
            return self.offset
        return None if length is None else int(self.share * length)


_PLACES = {place.value: place for place in (Place.HEAD, Place.END, Place.ANSWER)}


def _at(value: object) -> At:
    mend = 'a moment: "head", "1 MB", "50 %", "end", "answer" or "answer 50 %"'
    if not isinstance(value, str):
        raise Refused(f"{value!r} is no moment of a request", mend)
    if value in _PLACES:
        return At(value, _PLACES[value])
    of_answer = value.startswith("answer ")
    offset, share = _within(value.removeprefix("answer "), mend)
    return At(value, Place.ANSWER_BODY if of_answer else Place.BODY, offset, share)


def _within(text: str, mend: str) -> tuple[int, float | None]:
    try:
        if text.rstrip().endswith("%"):
            percent = float(text.rstrip().removesuffix("%"))
            if 0 <= percent <= 100:
                return 0, percent / 100
        elif 0 <= (size := parse_size(text)) <= MOST_BYTES:
            return size, None
    except ValueError:
        pass
    raise Refused(f"'{text}' is no place in a body", mend)


def _byte_rate(value: object) -> float:
    """Return bytes per second for ``"1 B/s"`` or ``"8 kbit/s"``."""
    example = 'write it with its unit, such as "1 B/s" or "64 kbit/s"'
    if not isinstance(value, str):
        raise Refused(f"{value!r} is no rate", example)
    try:
        bytes_s = (
            parse_size(value.removesuffix("/s")) if value.endswith("B/s") else (parse_rate(value) or 0) / 8
        )
    except ValueError:
        raise Refused(f"'{value}' is no rate", example) from None
    if not 0.01 <= bytes_s <= 10**9:
        raise Refused(f"'{value}' is out of reach", "from 0.1 bit/s up to 1 GB/s")
    return bytes_s


def _methods(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _method(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise Refused(f"'{text}' is no method", did_you_mean(text.upper(), METHODS))
    if text not in METHODS and text.upper() in METHODS:
        raise Refused(f"'{text}' is no method: they are case-sensitive", f"did you mean '{text.upper()}'?")
    return text


def _field_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise Refused(f"'{text}' is no field name", 'a name such as "Upload-Offset"')
    return text


def _field_value(text: str) -> str:
    if text != text.strip() or not text.isascii() or not (text.isprintable() or not text):
        raise Refused(f"{text!r} is no field value", "printable ASCII, without blanks at its ends")
    return text


def _not_framing(text: str) -> str:
    if _field_name(text).lower() in FRAMING:
        raise Refused(f"'{text}' says where the message ends", "leave it to the hop")
    return text


def _status(value: object) -> str:
    text = str(value).lower()
    if isinstance(value, bool) or not _STATUS.fullmatch(text):
        raise Refused(f"{value!r} is no status", 'such as 204 or "2xx"')
    return text


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text):
        raise Refused(f"'{text}' names no step", "letters, digits, '.', '_' and '-', at most 40")
    return text


def _known_kind(kind: str) -> str:
    if kind not in HOP_KINDS:
        raise Refused(f"a hop cannot do '{kind}'", did_you_mean(kind, HOP_KINDS))
    return kind


Method = Annotated[str, AfterValidator(_method)]
FieldName = Annotated[str, AfterValidator(_field_name)]
SomeText = Annotated[str, Field(min_length=1)]
FieldValue = Annotated[str, AfterValidator(_field_value)]
Changeable = Annotated[str, AfterValidator(_not_framing)]
Moment = Annotated[At, BeforeValidator(_at), PlainSerializer(lambda at: at.text, return_type=str)]
ByteRate = Annotated[
    float, BeforeValidator(_byte_rate), PlainSerializer(lambda rate: f"{rate * 8!r} bit/s", return_type=str)
]


class When(Part):
    """Which requests, and when in their exchange. Everything that is given must hold."""

    method: Annotated[tuple[Method, ...], BeforeValidator(_methods)] = ()
    path: Annotated[str | None, Field(min_length=1)] = None  # glob: * and ? match '/' too
    header: dict[FieldName, str] = Field(default_factory=dict)  # globs of the request's field values
    over: Bytes | None = None  # body longer than this
    status: Annotated[str | None, BeforeValidator(_status)] = None  # of the final answer
    nth: Annotated[Count | None, Field(ge=1)] = None
    every: Annotated[Count | None, Field(ge=1)] = None
    first: Annotated[Count | None, Field(ge=1)] = None
    per: Per = "upload"
    at: Moment | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [name for name in ("nth", "every", "first") if getattr(self, name) is not None]
        if len(given) > 1:
            raise Refused(f"{' and '.join(given)} both choose", "give one of them", key=given[1])
        if self.over is not None and self.at is not None:
            raise Refused("'over' says when by itself", "take one of the two out", key="at")
        return self


class Do(Part):
    """What the hop does: a kind of ``HOP_KINDS`` and the figures that its row has a use for."""

    kind: Annotated[str, AfterValidator(_known_kind)]
    code: Annotated[Count | None, Field(ge=200, le=599)] = None
    reason: FieldValue | None = None
    retry_after: SomeSeconds | None = None
    cors: bool | None = None
    fields: dict[Changeable, FieldValue] | None = None
    body: str | None = None
    then: Literal["keep", "close", "reset"] | None = None
    how: How | None = None
    lasts: Annotated[SomeSeconds | None, Field(alias="for")] = None
    rate: ByteRate | None = None
    bit: Annotated[Count | None, Field(ge=0, le=7)] = None
    keep: Literal["none", "first", "all"] | None = None
    delay: Seconds | None = None
    to: Method | None = None
    strip: Annotated[tuple[Changeable, ...] | None, Field(min_length=1)] = None
    set: dict[Changeable, FieldValue] | None = None
    replace: dict[Changeable, tuple[SomeText, FieldValue]] | None = None
    after: SomeSeconds | None = None
    since: Literal["connection", "request"] | None = None

    @property
    def row(self) -> HopKind:
        """Return the kind's row in the table."""
        return HOP_KINDS[self.kind]

    @property
    def label(self) -> str:
        """Return the kind with the figure that people ask for: ``status 413``."""
        return self.kind if self.code is None else f"{self.kind} {self.code}"

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        given = {_alias(name) for name in self.model_fields_set if getattr(self, name) is not None}
        row = self.row
        for name in row.needs:
            if name not in given:
                raise Refused(f"'{self.kind}' needs it", f"add {name} = {_EXAMPLES[name]}", key=name)
        for name in sorted(given - {"kind", *row.needs, *row.takes}):
            raise Refused(f"'{self.kind}' has no use for it", f"take '{name}' out", key=name)
        _CHECKS.get(self.kind, lambda _: None)(self)
        return self


def _alias(name: str) -> str:
    return Do.model_fields[name].alias or name


_EXAMPLES = {"code": "503", "for": '"2 s"', "rate": '"1 B/s"', "to": '"GET"', "after": '"60 s"'}


def _changes_something(do: Do) -> None:
    if not (do.strip or do.set or do.replace):
        raise Refused("'fields' changes nothing", 'add strip = ["Upload-Offset"], set or replace', key="kind")


def _has_a_body(do: Do) -> None:
    if do.to in ("HEAD", "CONNECT"):
        mend = "another method, such as GET"
        raise Refused(
            f"the answer to '{do.to}' is framed unlike the one that the client awaits", mend, key="to"
        )


def _affects_some(do: Do) -> None:
    if do.keep == "all" and not do.delay:
        raise Refused("'interim' that keeps all at once changes nothing", 'add delay = "2 s"', key="keep")


def _no_body_no_text(do: Do) -> None:
    if do.code in (204, 304) and do.body:
        raise Refused(f"an answer of {do.code} has no body", "take 'body' out", key="body")


_CHECKS = {
    "fields": _changes_something,
    "method": _has_a_body,
    "interim": _affects_some,
    "status": _no_body_no_text,
}


class Step(Part):
    """One step of a hop's script."""

    id: Annotated[str, AfterValidator(_identifier)] = ""
    when: When = When()
    times: Annotated[Count | None, Field(ge=1)] = None
    lasts: Annotated[SomeSeconds | None, Field(alias="for")] = None
    do: Do

    @property
    def at(self) -> At:
        """Return where it strikes: as said, else where its kind does."""
        place = self.do.row.places[0]
        return self.when.at or At(place.value, place)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        at, row, kind = self.at, self.do.row, self.do.kind
        if at.place not in row.places:
            where = ", ".join(place.value for place in row.places)
            raise Refused(f"'{kind}' cannot strike at '{at.text}'", f"it strikes at: {where}", key="when.at")
        if row.names_place and self.when.at is None:
            raise Refused(f"'{kind}' needs a place", 'add at = "50 %"', key="when.at")
        if self.when.over is not None and Place.BODY not in row.places:
            raise Refused(f"'{kind}' cannot wait for a byte", "take 'over' out", key="when.over")
        if self.when.status is not None and at.place not in (Place.ANSWER, Place.ANSWER_BODY):
            raise Refused("the status is not known by then", 'add at = "answer"', key="when.status")
        return self


def named(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return *steps* with a name for each that has none: its kind and its place in the list.

    Refuses two of one name.
    """
    known: dict[str, int] = {}
    found = []
    for n, step in enumerate(steps):
        name = step.id or f"{step.do.kind}-{n + 1}"
        if name in known:
            raise Refused(
                f"step {known[name]} is called '{name}' too", "give each a name of its own", f"{n}.id"
            )
        known[name] = n
        found.append(step if step.id else step.model_copy(update={"id": name}))
    return tuple(found)


Steps = Annotated[tuple[Step, ...], AfterValidator(named)]
_STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(Steps)


def to_plain(steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    """Return *steps* as plain JSON types, in the words of a script."""
    return [step.model_dump(mode="json", by_alias=True, exclude_unset=True) for step in steps]


def from_plain(steps: list[dict[str, Any]]) -> tuple[Step, ...]:
    """Return the steps that ``to_plain`` wrote. Raises ``ValueError``."""
    return _STEPS.validate_python(steps)


def describe(step: Step) -> str:
    """Return what *step* does in a few words: ``status 413 to POST, PATCH over 1 MB``."""
    when, do = step.when, step.do
    figure = next((f" {value}" for value in (do.to, do.how) if value is not None), "")
    who = f" to {', '.join(when.method)}" if when.method else ""
    where = f" {when.path}" if when.path else ""
    which = next((f", {n} {getattr(when, n)}" for n in ("nth", "every", "first") if getattr(when, n)), "")
    limit = (
        f" over {size_text(when.over)}" if when.over is not None else f" at {when.at.text}" if when.at else ""
    )
    return f"{do.label}{figure}{who}{where}{limit}{which}"
