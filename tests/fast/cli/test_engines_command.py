"""``simsim engines`` says what is here, and installs toxiproxy under the name that its users know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.cli import engines
from simulator.errors import UsageError


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and an empty PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def go(bare: Path, body: str) -> None:
    path = bare / "path/go"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_the_list_says_how_to_install_what_is_missing(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engines.list_(as_json=False)
    told = capsys.readouterr().out
    assert told.splitlines()[0].split() == ["name", "installed", "summary"]
    assert "no: simsim engines install toxiproxy" in told
    engines.list_(as_json=True)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert [rows[name]["installed"] for name in ("embedded", "toxiproxy")] == [True, False]


def test_the_program_that_go_calls_server_is_installed_as_toxiproxy_server_and_nothing_else_is_touched(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    go(bare, 'echo "$2" >&2; /bin/cp /bin/true "$GOBIN/server"')
    theirs = bare / "cache/simsim/bin/server"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("another program")
    engines.install("toxiproxy")
    path = bare / "cache/simsim/bin/toxiproxy-server"
    assert capsys.readouterr().out == f"toxiproxy v2.12.0 is at {path}\n"
    assert sorted(each.name for each in path.parent.iterdir()) == ["server", "toxiproxy-server"]
    assert theirs.read_text() == "another program"
    log = (bare / "cache/simsim/logs/go-install.log").read_text()
    assert log == "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0\n"


@pytest.mark.parametrize(
    ("name", "told"),
    [("toxi", "did you mean 'toxiproxy'"), ("embedded", "nothing to install"), ("", "one of")],
)
def test_what_cannot_be_installed_is_refused(bare: Path, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        engines.install(name)


def test_go_that_fails_is_named_with_its_log_and_leaves_nothing(bare: Path) -> None:
    go(bare, "echo no route >&2; exit 1")
    with pytest.raises(UsageError, match="'go' ended with status 1: no route"):
        engines.install("toxiproxy")
    assert list((bare / "cache/simsim/bin").iterdir()) == []
