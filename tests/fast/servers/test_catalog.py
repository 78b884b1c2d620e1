"""The catalog: the shipped files load, and every mistake in a file is one line with its place and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.servers import catalog, process

GOOD = r"""
name = "mine"
command = ["{bin}", "--port", "{port}", "--data", "{dir}"]
program = "mine-server"
ready = { line = 'ready at :(?P<port>\d+)' }

[speaks.tus]
path = "/up/"

[store]
path = "{dir}/data/{id}.bin"
side_files = [".json"]
"""


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", catalog.names())
def test_every_shipped_file_is_named_after_its_server_and_says_what_it_is(name: str) -> None:
    entry = catalog.load(name)
    assert entry.name == name
    assert entry.summary
    assert entry.licence
    assert {"tus", "google", "s3"} & entry.speaks.keys()


def test_the_server_in_the_box_and_tusd_are_shipped() -> None:
    assert {"reference", "tusd", "versitygw"} <= set(catalog.names())


def test_tusd_is_pinned_and_its_plain_arm_is_worded_in_tus() -> None:
    entry = catalog.load("tusd")
    assert entry.install is not None
    assert entry.install.version.startswith("v2.")
    assert entry.speaks["plain"].framing == "tus"
    assert entry.speaks["plain"].path == entry.speaks["tus"].path


def test_a_file_of_ones_own_works_by_its_path(tmp_path: Path) -> None:
    entry = catalog.load(written(tmp_path, GOOD))
    assert entry.name == "mine"
    assert entry.ready.tells_port
    assert entry.store is not None
    assert entry.store.layout == "data/{id}.bin"


def test_a_program_given_by_a_path_lies_beside_its_file(tmp_path: Path) -> None:
    entry = catalog.load(written(tmp_path, GOOD.replace('"mine-server"', '"./bin/mine-server"')))
    assert entry.program == str(tmp_path / "bin/mine-server")


def test_a_ready_line_without_a_port_does_not_tell_it(tmp_path: Path) -> None:
    entry = catalog.load(written(tmp_path, GOOD.replace(r":(?P<port>\d+)", "last")))
    assert not entry.ready.tells_port


def test_the_version_of_the_server_in_the_box_is_ours() -> None:
    from simulator import __version__

    assert process.version_of(catalog.load("reference"), None) == __version__


def test_an_embedded_version_is_read_from_the_program(tmp_path: Path) -> None:
    program = tmp_path / "tusd"
    program.write_bytes(
        b"\x00go1.26\npath\tgithub.com/tus/tusd/v2/cmd/tusd\nmod\tgithub.com/tus/tusd/v2\tv2.9.1\n\xff"
    )
    assert process.version_of(catalog.load("tusd"), str(program)) == "v2.9.1"


def test_a_program_that_holds_no_version_is_of_an_unknown_one(tmp_path: Path) -> None:
    program = tmp_path / "tusd"
    program.write_bytes(b"nothing of the kind")
    assert process.version_of(catalog.load("tusd"), str(program)) == "unknown"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("tusb", "did you mean 'tusd'?"),
        ("refrence", "did you mean 'reference'?"),
        ("zzz", "one of: "),
    ],
)
def test_an_unknown_server_is_refused_with_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match="unknown server") as refused:
        catalog.load(name)
    assert hint in str(refused.value)


def framed(said: str, protocol: str = "plain") -> str:
    return spoken(f'[speaks.{protocol}]\npath = "/up/"\nframing = {said}\n')


def spoken(section: str) -> str:
    """GOOD with *section*, a key or a table, in the place of what it speaks."""
    rest = GOOD.replace('[speaks.tus]\npath = "/up/"\n', "")
    return f"{rest}\n{section}" if section.startswith("[") else f"{section}\n{rest}"


def versioned(line: str) -> str:
    return GOOD + f"\n[version]\n{line}\n"


def timed(timeout: str) -> str:
    return GOOD.replace("{ line", f"{{ timeout_s = {timeout}, line")


MISTAKES = [
    ("an unknown key", 'naem = "x"\n' + GOOD, "naem: unknown key", "did you mean 'name'?"),
    (
        "an unknown key of a section",
        GOOD + 'side_fils = [".x"]',
        "store.side_fils: unknown key",
        "side_files",
    ),
    ("an unknown key of a protocol", GOOD.replace('path = "/up/"', 'paht = "/up/"'), "speaks.tus.p", ""),
    (
        "an alias mistyped",
        GOOD.replace("ready =", 'version = { iss = "1" }\nready ='),
        "version.iss: unknown",
        "'is'",
    ),
    (
        "an unknown protocol",
        GOOD.replace("speaks.tus", "speaks.tuss"),
        "speaks.tuss: unknown protocol",
        "'tus'?",
    ),
    ("no command", GOOD.replace("command =", "#"), "command: is missing", ""),
    (
        "an empty command",
        GOOD.replace('["{bin}", "--port", "{port}", "--data", "{dir}"]', "[]"),
        "command",
        "",
    ),
    (
        "no protocol",
        GOOD.replace("[speaks.tus]", "").replace('path = "/up/"', ""),
        "speaks: is missing",
        "",
    ),
    (
        "an unknown placeholder",
        GOOD.replace('{dir}"]', '{folder}"]'),
        "unknown placeholder {folder}",
        "one of",
    ),
    ("a broken expression", GOOD.replace(r"(?P<port>\d+)", "("), "ready.line: '", "regular expression"),
    (
        "two ready checks",
        GOOD.replace("{ line", '{ http = "/", line'),
        "ready: needs a line or a path, not both",
        "give either",
    ),
    (
        "a path that is none",
        GOOD.replace('"/up/"', '"up/"'),
        "speaks.tus.path: 'up/' does not begin with /",
        "",
    ),
    (
        "a store outside the folder",
        GOOD.replace("{dir}/data", "/data"),
        "store.path: '/data/{id}.bin' is not",
        "",
    ),
    ("a store without an id", GOOD.replace("{id}", "all"), "store.path: '{dir}/data/all.bin' is not", ""),
    (
        "a program never named",
        GOOD.replace('program = "mine-server"', ""),
        "command: names {bin}",
        "say which",
    ),
    ("a port nobody tells", GOOD.replace("{port}", "80").replace("?P<port>", ""), "does not name {port}", ""),
    (
        "an unknown installer",
        GOOD.replace("ready =", 'install = {with="apt"}\nready ='),
        "install.with",
        "'go'",
    ),
    (
        "a time-out of nothing",
        GOOD.replace("{ line", "{ timeout_s = 0, line"),
        "ready.timeout_s",
        "more than 0",
    ),
    (
        "packages of nothing",
        GOOD.replace('"--data"', '"{packages}"'),
        "command: names {packages}, but nothing installs any",
        "npm, pip, maven",
    ),
    (
        "an unknown package manager",
        GOOD.replace("ready =", 'install = { with = "brew", package = "x", version = "1" }\nready ='),
        "install.with",
        "'npm'",
    ),
    (
        "a program to install that has no name",
        GOOD.replace(
            'program = "mine-server"', 'install = { with = "cargo", package = "x", version = "1" }'
        ).replace("{bin}", "node"),
        "install: installs a program, but there is no 'program'",
        "",
    ),
    ("no TOML at all", "name = mine", "not TOML", "line 1"),
    ("a framing of nobody's", framed("'tsu'"), "speaks.plain.framing: unknown framing 'tsu'", "'tus'?"),
    (
        "a framing of another protocol",
        framed("'tus'", "tus"),
        "speaks.tus.framing: unknown framing",
        "leave it out",
    ),
    ("a framing that is no text", framed("3"), "speaks.plain.framing: 3 is not text", ""),
    (
        "a version without a group",
        versioned(r"pattern = '\d+'"),
        "version.pattern: '\\d+' has no group",
        "( )",
    ),
    (
        "an embedded one without",
        versioned(r"embedded = 'v\d+'"),
        "version.embedded: 'v\\d+' has no group",
        "",
    ),
    ("a pattern for text alone", versioned("embedded = '(?u)(x)'"), "version.embedded", "regular expression"),
    ("a version command of nothing", versioned("command = []"), "version.command: is empty", "1 or more"),
    ("an endless time-out", timed("inf"), "ready.timeout_s: inf is not a finite number", ""),
    ("a time-out of no number", timed("nan"), "ready.timeout_s: nan is not a finite number", ""),
    ("a time-out backwards", timed("-3"), "ready.timeout_s: -3 is out of reach", "more than 0"),
    ("a time-out of days", timed("1e6"), "ready.timeout_s: 1000000.0 is out of reach", "at most 600"),
    ("a time-out of true", timed("true"), "ready.timeout_s: true is not a number", ""),
    ("a time-out in words", timed("'20 s'"), "ready.timeout_s: '20 s' is not a number", ""),
    (
        "a brace of no pair",
        GOOD.replace('"{port}"', '"{port"'),
        "command.2: '{port' has a brace of no pair",
        "{{",
    ),
    ("a placeholder of no name", GOOD.replace('"{port}"', '"{}"'), "unknown placeholder {}", "one of"),
    (
        "a placeholder with a form",
        GOOD.replace("{port}", "{port:q}"),
        "unknown placeholder {port:q}",
        "'port'",
    ),
    ("a placeholder converted", GOOD.replace("{port}", "{port!z}"), "unknown placeholder {port!z}", "'port'"),
    ("a part of a placeholder", GOOD.replace("{port}", "{port.real}"), "unknown placeholder {port.real}", ""),
    ("a command that is one text", GOOD.replace('["{bin}", ', "'x' # "), "command: 'x' is not a list", ""),
    ("a number in the command", GOOD.replace('"--data"', "1"), "command.3: 1 is not text in quotes", ""),
    (
        "a NUL in the command",
        GOOD.replace('"--data"', r'"\u0000"'),
        "command.3: is empty, or holds a NUL",
        "",
    ),
    ("a store of two folders", GOOD.replace("data/", "{dir}/"), "store.path: '{dir}/{dir}/", "{dir}/...{id}"),
    ("a version that is a number", versioned("is = 3"), "version.is: 3 is not text in quotes", ""),
    (
        "a section that is a text",
        GOOD.replace("ready = {", "ready = 'soon' # {"),
        "ready: 'soon' is not a table",
        "",
    ),
    ("speaks that is a list", spoken("speaks = ['tus']"), "speaks: ['tus'] is not a table", ""),
    (
        "a blank in a path",
        GOOD.replace('"/up/"', '"/my up/"'),
        "speaks.tus.path: '/my up/' is no path",
        "%XX",
    ),
    ("a name of two lines", GOOD.replace('"mine"', r'"a\nb"'), "name: 'a\\nb' does not fit", "pattern"),
]


@pytest.mark.parametrize(
    ("text", "what", "mend"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_a_mistake_in_a_file_is_one_line_with_file_key_and_mend(
    tmp_path: Path, text: str, what: str, mend: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as refused:
        catalog.load(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert what in line
    assert mend in line
    assert refused.value.exit_code == 2


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the file: No such file"):
        catalog.load(str(tmp_path / "gone.toml"))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not TOML"):
        catalog.load(str(tmp_path / "mine.toml"))
