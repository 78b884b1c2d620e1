"""Whatever is typed wrong is refused in one line, with status 2, before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simulator.cli.main import main
from tests.helpers.runs import shell

SCRIPT = str(Path(__file__).parents[2] / "loopback" / "stall.toml")

CASES = [
    (["run", "mobile-flakey"], "mobile-flaky"),
    (["run", "./nowhere.toml"], "nowhere.toml"),
    (["run", "lte", "--protocols", "tuss"], "did you mean 'tus'"),
    (["run", "lte", "--protocols", ","], "--protocol"),
    (["run", "lte", "--protocol", "tus:"], "names no variant"),
    (["run", "lte", "--engine", "toxiproxy", "--protocol", "tus:parallel=4"], "would not share the link"),
    (["run", "lte", "--protocol", "ietf:2"], "'2' is no interop"),
    (["run", "lte", "--protocol", "ietf:6+7"], "said twice"),
    (["run", "lte", "--protocol", "s3:parallel=99"], "a whole number from 1 to 16"),
    (["run", "lte", "--protocol", "tus:checksum=sha0"], "is no checksum"),
    (["run", "lte", "--protocol", "tus:chekcsum"], "tus has no variant 'chekcsum'"),
    (["run", "lte", "--protocol", "plain:6"], "plain has no variant '6'"),
    (["run", "lte", "--protocol", "tus:creation-with-upload=3"], "takes no value"),
    (["run", "lte", "--protocol", "tus", "--protocol", "tus"], "named twice"),
    (["run", "lte", "--protocol", "tus:creation-with-upload+creation-with-upload"], "said twice"),
    (["run", "lte", "--protocols", "tus,tus"], "named twice"),
    (["run", "lte", "--server", "tusdd"], "did you mean 'tusd'"),
    (["run", "lte", "--server", ""], "unknown server ''"),
    (["run", "lte", "--engine", "toxyproxy"], "--engine"),
    (["run", "lte", "--users", "0"], "--users"),
    (["run", "lte", "--users", "2000000"], "--users"),
    (["run", "lte", "--users", "many"], "--users"),
    (["run", "lte", "--size", "0 MB"], "0 MB"),
    (["run", "lte", "--size", "-3 MB"], "-3 MB"),
    (["run", "lte", "--size", ""], "size"),
    (["run", "lte", "--size", "x" * 5000], "size"),
    (["run", "lte", "--size", "./no-such-file"], "./no-such-file"),
    (["run", "lte", "--deadline", "60"], "60 s"),
    (["run", "lte", "--for", "1 min", "--uploads", "3"], "--uploads and --for"),
    (["run", "lte", "--spawn-rate", "0"], "--spawn-rate"),
    (["run", "lte", "--workers", "0"], "--workers"),
    (["run", "lte", "--seed", "-1"], "--seed"),
    (["run", "lte", "--piece", "3"], "--piece"),
    (["run", "lte", "--header", "nonsense"], "--header"),
    (["run", "lte", "--against", "ftp://127.0.0.1/"], "ftp"),
    (["run", "lte", "--against", "nonsense"], "nonsense"),
    (["run", "lte", "--against", "http://192.0.2.1/files/"], "--allow-remote"),
    (["run", "lte", "--server", "tusd", "--against", "http://127.0.0.1:1/"], "--server and --against"),
    (["run", "lte", "--server", "reference", "--against", "http://127.0.0.1:1/"], "--server and --against"),
    (["run", "lte", "--header", "X-Key: 1"], "--header"),
    (["run", "lte", "--against", "http://127.0.0.1:1/", "--header", "Content-Length: 5"], "'Content-Length'"),
    (["run", "lte", "--against", "http://.../"], "no name of a host"),
    (["run", "lte", "--against", "http://127.0.0.1:70000/"], "70000"),
    (
        ["run", "lte", "--deadline", "25 h"],
        "--deadline: '90000 s' is out of reach (hint: from 100 ms to 24 h)",
    ),
    (["run", "lte", "--deadline", "20 h", "--uploads", "2"], "--deadline: the uploads' deadlines add up"),
    (["run", "lte", "--for", "1 us"], "--for: '1 µs' is out of reach"),
    (["run", "lte", "--uploads", "10001"], "--uploads: 10001 is out of reach (hint: from 1 to 10000)"),
    (["run", "lte", "--spawn-rate", "1e-300"], "--spawn-rate: 1e-300 is out of reach"),
    (["run", "lte", "--spawn-rate", "nan"], "--spawn-rate: nan is out of reach"),
    (["run", "clean", "--spawn-rate", "0.01", "--users", "2000"], "--spawn-rate: the last user would start"),
    (["run", "lte", "--users", "90000"], "--users: the weather of 90000 users"),
    (["run", "mobile-flaky", "--deadline", "24 h"], "--users: the weather of 20 users for 86430 s"),
    (["run", "lte", "--piece", "1 B"], "--piece: '1 B' is out of reach (hint: from 1 KiB to 1000 GB)"),
    (["run", "lte", "--stall-timeout", "2 h"], "--stall-timeout"),
    (["run", "lte", "--size", "5 TB"], "--size"),
    (["run", "lte", "--seed", "99999999999999999999"], "--seed"),
    (["run", "lte", "--ca", "ca.pem"], "--against"),
    (["run", "lte", "--insecure"], "--against"),
    (["run", "lte", "--against", "https://127.0.0.1/", "--ca", "ca.pem"], "there is no such file"),
    (["run", "lte", "--against", "https://127.0.0.1/", "--ca", "."], "it is a folder"),
    (["run", "lte", "--against", "https://127.0.0.1/", "--ca", "a", "--insecure"], "--ca and --insecure"),
    (["run", "lte", "--against", "http://127.0.0.1/", "--ca", "ca.pem"], "an http target"),
    (["run", "lte", "--against", "http://127.0.0.1/", "--insecure"], "an http target"),
    (["serve", "--key", "key.pem"], "--cert"),
    (["serve", "--cert", "nowhere.pem"], "nowhere.pem"),
    (["run"], "profile"),
    (["rum", "lte"], "rum"),
    (["run", "lte", "--userz", "3"], "--userz"),
    (["serve", "--idle-timeout", "1e-9 s"], "--idle-timeout: '1e-9 s' is out of reach"),
    (["serve", "--expires", "1e300 s"], "--expires: '1e300 s' is out of reach"),
    (["serve", "--expires", "0 s"], "--expires: '0 s' is out of reach (hint: from 100 ms"),
    (["serve", "--max-size", "-1 B"], "--max-size: '-1 B' is out of reach"),
    (["serve", "--max-size", "5"], "--max-size: '5' is not a size"),
    (["serve", "--max-append-size", "0 B"], "--max-append-size: '0 B' is out of reach"),
    (["serve", "--max-append-size", "8"], "--max-append-size: '8' is not a size"),
    (["serve", "--misbehave", "lok=3s"], "--misbehave: 'lok' is no way to misbehave (hint: lock, buffer"),
    (["serve", "--misbehave", "lock"], "--misbehave: 'lock' needs a value"),
    (["serve", "--misbehave", "lock=30"], "--misbehave lock: '30' is not a duration"),
    (["serve", "--misbehave", "forget=0"], "--misbehave forget: '0' is out of reach"),
    (["serve", "--misbehave", "silent=1s"], "--misbehave: 'silent' takes no value"),
    (["serve", "--misbehave", "forget", "--misbehave", "forget=2"], "'forget' is given twice"),
    (["serve", "--port", "70000"], "--port"),
    (["serve", "--host", "0.0.0.0"], "--host: '0.0.0.0' is not a loopback address"),
    (["serve", "--host", "::"], "--host: '::' is not a loopback address"),
    (["serve", "--host", "192.0.2.1"], "add --allow-remote"),
    (["serve", "--host", ""], "--host: '' cannot be resolved"),
    (["serve", "--host", "a..b"], "--host: 'a..b' is no name of a host"),
    (["run", "lte", "--hop", "./no-such-script.toml"], "no-such-script.toml"),
    (["run", "lost-answer", "--against", "https://127.0.0.1:9/files/"], "cannot read TLS"),
    (["run", "lte", "--header", "simsim-upload: 1/a/0"], "is set by the swarm"),
    (["gateway"], "SCRIPT"),
    (["gateway", SCRIPT], "--upstream"),
    (["gateway", SCRIPT, "--upstream", "https://127.0.0.1"], "cannot read TLS"),
    (["gateway", SCRIPT, "--upstream", "127.0.0.1:80"], "is not a URL"),
    (["gateway", SCRIPT, "--upstream", "http://127.0.0.1:1/files/"], "names more than a server"),
    (["gateway", SCRIPT, "--upstream", "http://127.0.0.1:99999"], "is not a URL"),
    (["gateway", SCRIPT, "--upstream", "http://192.0.2.1"], "--upstream: '192.0.2.1' is not a loopback"),
    (["gateway", SCRIPT, "--upstream", "http://127.0.0.1", "--listen", "80"], "--listen: '80' is no address"),
    (["gateway", SCRIPT, "--upstream", "http://127.0.0.1", "--listen", "0.0.0.0:0"], "add --allow-remote"),
    (["gateway", SCRIPT, "--upstream", "http://127.0.0.1", "--listen", "a..b:0"], "--listen: 'a..b'"),
    (["gateway", SCRIPT, "--upstream", "http://127.0.0.1", "--buffer", "1 B"], "from 4 KiB"),
    (["gateway", SCRIPT, "--upstream", "http://127.0.0.1", "--buffer", "64"], "--buffer"),
    (["gateway", "./no-such-script.toml", "--upstream", "http://127.0.0.1:9"], "no-such-script.toml"),
    (["report", "nowhere"], "nowhere"),
    (["profiles", "show", "nothing"], "nothing"),
    (["profiles", "nonsense"], "nonsense"),
    (["servers", "install", "apache"], "apache"),
    (["engine", "--listen", "nonsense"], "missing port in address"),
    (["engine", "--listen", "127.0.0.1:70000"], "invalid port"),
    (["engine", "--listen", "no-such-host.invalid:1"], "no-such-host.invalid"),
    (["engine", "--listen", "192.0.2.1:1"], "192.0.2.1:1"),
    (["engine", "--seed", "-1"], "--seed"),
    (["engine", "--seed", "x"], "--seed"),
    (["engine", "--config", "./no-such-file.json"], "no-such-file.json"),
    (["engine", "--config", "."], "directory"),
    (["engine", "--port", "1"], "--port"),
    (["engines", "install", "netem"], "netem"),
    (["run", "lte", "--engine", "http://192.0.2.1:8474"], "--allow-remote"),
    (["run", "lte", "--engine", "http://127.0.0.1:9"], "no toxiproxy answers"),
]


def run_main(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> int:
    monkeypatch.setattr(sys, "argv", ["simsim", *words])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return main()


@pytest.mark.parametrize(("words", "told"), CASES, ids=[" ".join(words) for words, _ in CASES])
def test_bad_input_is_one_line_and_status_two(
    words: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    status = run_main(monkeypatch, words)
    said = capsys.readouterr()
    assert status == 2
    assert said.err.count("\n") == 1
    assert said.err.startswith("simsim: ")
    assert told in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_malformed_profile_is_refused_with_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('name = "bad"\nsummary = \n')
    assert run_main(monkeypatch, ["run", str(bad)]) == 2
    assert "bad.toml" in capsys.readouterr().err


SPEAKS_TUS = """
name = "mine"
command = ["{python}", "{port}"]
ready = { http = "/" }
speaks.tus = { path = "/" }
"""


def test_a_protocol_that_the_server_lacks_is_refused_before_it_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(SPEAKS_TUS)
    words = ["run", "lte", "--server", str(tmp_path / "mine.toml"), "--results", str(tmp_path / "results")]
    assert run_main(monkeypatch, words) == 2
    told = "simsim: --protocol: mine does not speak 'plain' (hint: it speaks: tus)\n"
    assert capsys.readouterr().err == told
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_more_links_than_there_are_descriptors_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    ended = shell("ulimit -n 300; simsim run clean", tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"simsim: --users: 80 links need about 840 file descriptors, ")
    assert b"may open 300 (hint: fewer users, or --no-calm, or a higher `ulimit -n`)\n" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_folder_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    make = "mkdir $'\\xff' && cd $'\\xff' && echo words >file && simsim run clean --size ./file"
    ended = shell(make, tmp_path, LC_ALL="C.UTF-8")
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1
    assert b"holds bytes that are no text" in ended.stderr


def test_a_results_folder_that_cannot_be_made_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert run_main(monkeypatch, ["run", "lte", "--results", str(tmp_path / "file" / "results")]) == 2
    assert "--results" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["profiles"], ["servers"]], ids=["nothing", "profiles", "servers"])
def test_a_command_that_is_only_begun_is_answered_with_its_help(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: ")
    assert said.err.count("\n") > 5
