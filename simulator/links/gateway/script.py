"""A script file becomes steps. Pure but for the reading of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from simulator.errors import UsageError
from simulator.weather.hops import Step, Steps
from simulator.weather.refusal import refused
from simulator.weather.tables import Part
from simulator.weather.toml import parse_toml


class Script(Part):
    """A whole script: ``[[step]]`` tables, in the order in which they are tried."""

    step: Annotated[Steps, Field(min_length=1)]


def load_script(path: Path) -> tuple[Step, ...]:
    """Return the steps in the file *path*. Raises ``UsageError`` in one line: file, key, mend."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return parse_script(data, str(path))


def parse_script(data: bytes | str, where: str) -> tuple[Step, ...]:
    """Return the steps that *data* says. Raises ``UsageError``; *where* names the file in it."""
    return steps_of(parse_toml(data, where, "script"), where)


def steps_of(data: dict[str, Any], where: str) -> tuple[Step, ...]:
    """Return the steps of a parsed script. Raises ``UsageError``."""
    if not data.get("step"):
        mend = "[[hop]] belongs into a profile; here it is [[step]]" if "hop" in data else "add a [[step]]"
        raise UsageError("has no step", where=where, mend=mend)
    try:
        return Script.model_validate(data).step
    except ValidationError as error:
        raise refused(error, Script, where) from None
