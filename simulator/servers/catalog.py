"""The catalog: one TOML file per server says all that simsim needs to know of it.

    name, summary, licence
    program, install    what is looked for, and how its own package manager brings it
    command, ready      how it is started, and what shows that it answers
    version             how it tells its version
    speaks.PROTOCOL     the path of each protocol it speaks
    store               where a stored upload lies

The files beside this module are the shipped ones; a user's own file is given by its path.
"""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulator.errors import UsageError, did_you_mean

PROTOCOLS = ("plain", "tus", "ietf", "google", "s3")
COMMAND_WORDS = ("python", "bin", "host", "port", "dir")
_SHIPPED = Path(__file__).with_name("catalog")


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"'{text}' is not a regular expression: {error}") from error
    return text


def _filled_from(*words: str) -> AfterValidator:
    def check(text: str) -> str:
        for word in _placeholders(text):
            if word not in words:
                raise ValueError(f"unknown placeholder {{{word}}}; {did_you_mean(word, words)}")
        return text

    return AfterValidator(check)


def _placeholders(text: str) -> list[str]:
    return [word for _, word, _, _ in string.Formatter().parse(text) if word is not None]


def _from_root(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"'{text}' does not begin with /")
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
UrlPath = Annotated[str, AfterValidator(_from_root)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Speaks(_Table):
    """One protocol: its path, and how ``plain`` is worded where the server takes no bare POST."""

    path: UrlPath
    framing: str = ""


class Ready(_Table):
    """What shows that it answers: a ``line`` of its output, or any answer at the ``http`` path.

    A ``line`` with a group named ``port`` tells the port, so that the system may choose it.
    """

    line: Pattern | None = None
    http: UrlPath | None = None
    timeout_s: float = Field(default=20.0, gt=0)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.line is None) == (self.http is None):
            raise ValueError("give either 'line' or 'http'")
        return self

    @property
    def tells_port(self) -> bool:
        """Return whether the server may be given port 0."""
        return self.line is not None and "port" in re.compile(self.line).groupindex


class Version(_Table):
    """How the version is found: it ``is`` this text, ``command`` prints it, or the program holds it.

    ``pattern`` and ``embedded`` are regular expressions whose first group is the version.
    """

    is_: Annotated[str, _filled_from("simsim")] | None = Field(default=None, alias="is")
    command: list[Annotated[str, _filled_from("python", "bin")]] | None = None
    pattern: Pattern = r"(\S+)"
    embedded: Pattern | None = None


class Install(_Table):
    """What the server's own package manager is asked for."""

    with_: Literal["go"] = Field(alias="with")
    package: str
    version: str


class Store(_Table):
    """Where the upload ``{id}`` lies, and the endings of files that are the server's own notes."""

    path: Annotated[str, _filled_from("dir", "id")]
    side_files: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.path.startswith("{dir}/") or "{id}" not in self.path:
            raise ValueError(f"'{self.path}' is not of the form {{dir}}/...{{id}}")
        return self

    @property
    def layout(self) -> str:
        """Return the path of ``{id}`` within the server's folder."""
        return self.path.removeprefix("{dir}/")


class Entry(_Table):
    """One server of the catalog."""

    name: str
    summary: str = ""
    licence: str = ""
    program: str | None = None
    install: Install | None = None
    command: Annotated[list[Annotated[str, _filled_from(*COMMAND_WORDS)]], Field(min_length=1)]
    ready: Ready
    version: Version = Version()
    speaks: Annotated[dict[str, Speaks], Field(min_length=1)]
    store: Store | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        words = {word for part in self.command for word in _placeholders(part)}
        if "bin" in words and self.program is None:
            raise ValueError("the command names {bin}, but there is no 'program'")
        if "port" not in words and not self.ready.tells_port:
            raise ValueError("the command does not name {port}, and no line tells it")
        return self


# The table that a key of the file belongs to, by the file's own sections.
_SECTIONS: dict[str, type[_Table]] = {
    "ready": Ready,
    "version": Version,
    "install": Install,
    "store": Store,
    "speaks": Speaks,
}


def names() -> list[str]:
    """Return the names of the shipped servers."""
    return sorted(path.stem for path in _SHIPPED.glob("*.toml"))


def load(name_or_path: str) -> Entry:
    """Return the shipped server of that name, or the one that the TOML file of that path describes.

    Raises ``UsageError`` for an unknown name, and for a file that cannot be read or used.
    """
    if "/" not in name_or_path and not name_or_path.endswith(".toml"):
        if name_or_path not in names():
            raise UsageError(f"unknown server '{name_or_path}'", mend=did_you_mean(name_or_path, names()))
        return _read(_SHIPPED / f"{name_or_path}.toml")
    return _read(Path(name_or_path))


def _read(path: Path) -> Entry:
    try:
        with path.open("rb") as file:
            entry = _parse(tomllib.load(file), str(path))
    except OSError as error:
        raise UsageError(f"cannot read the file: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not TOML: {error}", where=str(path)) from error
    if entry.program is not None and "/" in entry.program:  # beside the file, wherever we run
        return entry.model_copy(update={"program": str(path.parent.absolute() / entry.program)})
    return entry


def _parse(data: dict[str, Any], origin: str) -> Entry:
    try:
        entry = Entry.model_validate(data)
    except ValidationError as error:
        raise _first_fault(error, origin) from error
    for protocol in entry.speaks:
        if protocol not in PROTOCOLS:
            where = f"{origin}: speaks.{protocol}"
            raise UsageError("unknown protocol", where=where, mend=did_you_mean(protocol, PROTOCOLS))
    return entry


def _first_fault(error: ValidationError, origin: str) -> UsageError:
    """Return the first of pydantic's findings, in one line."""
    fault = error.errors(include_url=False, include_context=False)[0]
    where = ": ".join(filter(None, (origin, ".".join(map(str, fault["loc"])))))
    if fault["type"] == "extra_forbidden":
        return UsageError(
            "unknown key", where=where, mend=did_you_mean(str(fault["loc"][-1]), _keys(fault["loc"]))
        )
    if fault["type"] == "missing":
        return UsageError("this key is missing", where=where)
    return UsageError(fault["msg"].removeprefix("Value error, "), where=where)


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    table = _SECTIONS[str(loc[0])] if len(loc) > 1 else Entry
    return [field.alias or name for name, field in table.model_fields.items()]
