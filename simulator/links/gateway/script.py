"""A script file becomes steps. Pure but for the reading of the file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from simulator.errors import UsageError
from simulator.weather.hops import Step, Steps
from simulator.weather.refusal import refused
from simulator.weather.tables import Part


class Script(Part):
    """A whole script: ``[[step]]`` tables, in the order in which they are tried."""

    step: Annotated[Steps, Field(min_length=1)]


def load_script(path: Path) -> tuple[Step, ...]:
    """Return the steps in the file *path*. Raises ``UsageError`` in one line: file, key, mend."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8 text (byte {error.start})", where=str(path)) from error
    return parse_script(text, str(path))


def parse_script(text: str, where: str) -> tuple[Step, ...]:
    """Return the steps that *text* says. Raises ``UsageError``; *where* names the file in it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is not TOML: {error}", where=where, mend="see toml.io for the grammar") from None
    except RecursionError:
        raise UsageError("nests too deep to be a script", where=where) from None
    return steps_of(data, where)


def steps_of(data: dict[str, Any], where: str) -> tuple[Step, ...]:
    """Return the steps of a parsed script. Raises ``UsageError``."""
    if not data.get("step"):
        mend = "[[hop]] belongs into a profile; here it is [[step]]" if "hop" in data else "add a [[step]]"
        raise UsageError("has no step", where=where, mend=mend)
    try:
        return Script.model_validate(data).step
    except ValidationError as error:
        raise refused(error, Script, where) from None
