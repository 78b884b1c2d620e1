"""The catalog: one TOML file per server says all that simsim needs to know of it.

    name, summary, licence
    program, install    what is looked for, and how its own package manager brings it
    command, ready      how it is started, and what shows that it answers; a script of a few lines, where
                        a library needs one, lies beside the file
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

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from simulator.errors import UsageError, did_you_mean
from simulator.protocols import PROTOCOLS
from simulator.servers.packages import MANAGERS
from simulator.trust import Credentials
from simulator.weather.quantities import Refused
from simulator.weather.refusal import refused

NAMES = ("plain", "tus", "ietf", "google", "s3")
LONGEST_START = 600.0  # seconds that a server may take until it answers
COMMAND_WORDS = ("python", "bin", "packages", "here", "host", "port", "dir")
_SHIPPED = Path(__file__).with_name("catalog")


def _text(text: str) -> str:
    if not text or "\0" in text:
        raise Refused("is empty, or holds a NUL", "write some text")
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
        re.compile(text.encode())  # a program is searched as bytes
    except (re.error, ValueError) as error:
        raise Refused(f"'{text}' is not a regular expression: {error}") from error
    return text


def _grouped(text: str) -> str:
    if re.compile(text).groups == 0:
        raise Refused(f"'{text}' has no group", "put ( ) around what is the version")
    return text


def _filled_from(*words: str) -> AfterValidator:
    def check(text: str) -> str:
        for word in _placeholders(text):
            if word not in words:
                raise Refused(f"unknown placeholder {{{word}}}", did_you_mean(word, words))
        return text

    return AfterValidator(check)


def _placeholders(text: str) -> list[str]:
    """Return the words in braces; what follows a word in its braces counts as a part of it."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise Refused(f"'{text}' has a brace of no pair", "write a brace itself as {{ or }}") from error
    return [
        word + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
        for _, word, form, conversion in parts
        if word is not None
    ]


def _from_root(text: str) -> str:
    if not text.startswith("/"):
        raise Refused(f"'{text}' does not begin with /")
    if any(not "!" <= c <= "~" or c == "#" for c in text):  # RFC 9112, 3.2: a request's target
        raise Refused(f"'{text}' is no path of a URL", "write blanks, '#' and non-ASCII as %XX")
    return text


Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Pattern = Annotated[str, AfterValidator(_pattern)]
VersionPattern = Annotated[Pattern, AfterValidator(_grouped)]
UrlPath = Annotated[str, AfterValidator(_from_root)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Keys(_Table):
    """What signs requests to a server that we start: everybody may know them."""

    access_key: Text
    secret_key: Text
    region: Text = "us-east-1"

    @property
    def credentials(self) -> Credentials:
        """Return them as everything else takes them."""
        return Credentials(self.access_key, self.secret_key, self.region)


class Speaks(_Table):
    """One protocol: its path, how ``plain`` is worded where the server takes no bare POST, and keys."""

    path: UrlPath
    framing: str = ""
    credentials: Keys | None = None


class Ready(_Table):
    """What shows that it answers: a ``line`` of its output, or any answer at the ``http`` path.

    A ``line`` with a group named ``port`` tells the port, so that the system may choose it.
    """

    line: Pattern | None = None
    http: UrlPath | None = None
    timeout_s: float = Field(default=20.0, gt=0, le=LONGEST_START, strict=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.line is None) == (self.http is None):
            raise Refused("needs a line or a path, not both", "give either 'line' or 'http'")
        return self

    @property
    def tells_port(self) -> bool:
        """Return whether the server may be given port 0."""
        return self.line is not None and "port" in re.compile(self.line).groupindex


class Version(_Table):
    """How the version is found: it ``is`` this text, ``command`` prints it, or the program holds it.

    ``pattern`` and ``embedded`` are regular expressions whose first group is the version.
    """

    is_: Annotated[Text, _filled_from("simsim", "pinned")] | None = Field(default=None, alias="is")
    command: Annotated[list[Annotated[Text, _filled_from("python", "bin")]], Field(min_length=1)] | None = (
        None
    )
    pattern: VersionPattern = r"(\S+)"
    embedded: VersionPattern | None = None


class Install(_Table):
    """What the server's own package manager is asked for: a program, or a folder of packages.

    ``also`` are packages that are needed beside it, each with its version as that manager writes it.
    """

    with_: Literal["go", "cargo", "npm", "pip", "maven"] = Field(alias="with")
    package: Text
    version: Text
    also: tuple[Text, ...] = ()

    @property
    def brings_program(self) -> bool:
        """Return whether a program comes of it, and not a folder of packages."""
        return self.with_ not in MANAGERS

    @property
    def packages(self) -> tuple[str, ...]:
        """Return all that is asked for, each with its version."""
        at = "@" if self.brings_program else MANAGERS[self.with_].at
        return (f"{self.package}{at}{self.version}", *self.also)


class Store(_Table):
    """Where the upload ``{id}`` lies, and the endings of files that are the server's own notes."""

    path: Annotated[Text, _filled_from("dir", "id")]
    side_files: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.path.startswith("{dir}/") or _placeholders(self.path) != ["dir", "id"]:
            raise Refused(f"'{self.path}' is not of the form {{dir}}/...{{id}}", key="path")
        return self

    @property
    def layout(self) -> str:
        """Return the path of ``{id}`` within the server's folder."""
        return self.path.removeprefix("{dir}/")


class Entry(_Table):
    """One server of the catalog."""

    name: Name
    summary: str = ""
    licence: str = ""
    program: Text | None = None
    install: Install | None = None
    command: Annotated[list[Annotated[Text, _filled_from(*COMMAND_WORDS)]], Field(min_length=1)]
    ready: Ready
    version: Version = Version()
    speaks: Annotated[dict[str, Speaks], Field(min_length=1)]
    store: Store | None = None
    _here: Path = PrivateAttr(default=_SHIPPED)

    @property
    def here(self) -> Path:
        """Return the folder of the file that says all this."""
        return self._here

    @property
    def needs_installing(self) -> bool:
        """Return whether there is anything that must be installed first."""
        return self.program is not None or self.install is not None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        words = {word for part in self.command for word in _placeholders(part)}
        if "bin" in words and self.program is None:
            raise Refused("names {bin}, but there is no 'program'", "say which program that is", "command")
        folder = self.install is not None and not self.install.brings_program
        if "packages" in words and not folder:
            mend = f"'install' with one of {', '.join(MANAGERS)}"
            raise Refused("names {packages}, but nothing installs any", mend, "command")
        if self.install is not None and not folder and self.program is None:
            raise Refused(
                "installs a program, but there is no 'program'", "say which program that is", "install"
            )
        if "port" not in words and not self.ready.tells_port:
            raise Refused(
                "does not name {port}, and no line tells it", "'ready.line' with (?P<port>\\d+)", "command"
            )
        return self


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
    entry._here = path.parent.absolute()
    if entry.program is not None and "/" in entry.program:  # beside the file, wherever we run
        return entry.model_copy(update={"program": str(path.parent.absolute() / entry.program)})
    return entry


def _parse(data: dict[str, Any], origin: str) -> Entry:
    try:
        entry = Entry.model_validate(data)
    except ValidationError as error:
        raise refused(error, Entry, origin) from error
    for protocol, said in entry.speaks.items():
        where = f"{origin}: speaks.{protocol}"
        if protocol not in NAMES:
            raise UsageError("unknown protocol", where=where, mend=did_you_mean(protocol, NAMES))
        if protocol == "s3" and said.credentials is None:
            raise UsageError(
                "s3 is spoken with keys only", where=where, mend="[speaks.s3.credentials] says them"
            )
        if protocol in PROTOCOLS and said.framing not in PROTOCOLS[protocol].framings:
            known = list(filter(None, PROTOCOLS[protocol].framings))
            mend = did_you_mean(said.framing, known) if known else "leave it out"
            raise UsageError(f"unknown framing '{said.framing}'", where=f"{where}.framing", mend=mend)
    return entry
