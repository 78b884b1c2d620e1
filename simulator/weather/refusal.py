"""Pydantic's findings in simsim's words: one line with the file, the key and the mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simulator.errors import UsageError, did_you_mean
from simulator.weather.quantities import Refused

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text in quotes",
    "model_type": "a table, such as [link]",
    "dict_type": "a table",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def refused(error: ValidationError, model: type[BaseModel], file: str) -> UsageError:
    """Return the first finding of *error* about *model*, in the place where the user can mend it."""
    found = _first(error.errors(include_url=False))
    loc = found["loc"]
    what, mend, key = _words(found, model)
    path = ".".join([*map(str, loc), *([key] if key else [])])
    return UsageError(" ".join(what.split()), where=f"{file}: {path}" if path else file, mend=mend)


def _first(findings: list[ErrorDetails]) -> ErrorDetails:
    """Return the first finding; for a key that is missing, the unknown one beside it that it may be."""
    first = findings[0]
    beside = (f for f in findings if f["type"] == "extra_forbidden" and f["loc"][:-1] == first["loc"][:-1])
    return next(beside, first) if first["type"] == "missing" else first


def _words(found: ErrorDetails, model: type[BaseModel]) -> tuple[str, str, str]:
    """Return what is wrong, the mend, and the key below the finding's own place."""
    kind, loc, context = found["type"], found["loc"], found.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key '{loc[-1]}'", did_you_mean(str(loc[-1]), _keys(_at(model, loc[:-1]))), ""
    if kind == "missing":
        return "is missing", "add it", ""
    if kind in _BOUNDS:
        limit, words = _BOUNDS[kind]
        return f"{_shown(found['input'])} is out of reach", f"{words} {context[limit]:g}", ""
    if kind in _WANTED:
        return f"{_shown(found['input'])} is not {_WANTED[kind]}", "", ""
    if kind == "too_short":
        return "is empty", f"give {context['min_length']} or more", ""
    if kind == "string_pattern_mismatch":
        return f"{_shown(found['input'])} does not fit", f"as the pattern {context['pattern']} says", ""
    if kind == "literal_error":
        return f"{_shown(found['input'])} is not known", f"one of: {context['expected']}", ""
    cause = context.get("error")
    if isinstance(cause, Refused):
        return str(cause), cause.mend, cause.key
    return str(cause or found["msg"]), "", ""


def _shown(value: object) -> str:
    """Return *value* as the user may recognise it, in one short line."""
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys(model: type[BaseModel] | None) -> list[str]:
    fields = {} if model is None else model.model_fields
    return [field.alias or name for name, field in fields.items()]


def _at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model whose table is at *loc*."""
    inside: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, str) and inside is not None:
            inside = _child(inside, part)
    return inside


def _child(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return next(_models(field.annotation), None)
    return model  # a key of a plain mapping, such as `sources`


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
