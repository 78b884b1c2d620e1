"""``simsim doctor`` and ``simsim servers list`` say what is here and what a missing part would enable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.cli import doctor, servers


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and an empty PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def told(part: str) -> str:
    return next(line for line in doctor.lines(list(doctor.survey())) if line.split()[0] == part)


def test_a_missing_part_says_what_it_would_enable_and_how_to_have_it(bare: Path) -> None:
    assert "missing: it would enable --server tusd (hint: simsim servers install tusd)" in told("tusd")
    assert "missing: it would enable the toxiproxy engine" in told("toxiproxy-server")


def test_a_part_that_is_here_says_its_version_and_place(bare: Path) -> None:
    program(bare / "node", "echo v24.1.0")
    assert f"v24.1.0 ({bare / 'node'})" in told("node")


def test_a_part_that_does_not_run_is_no_failure_of_the_doctor(bare: Path) -> None:
    (bare / "go").write_bytes(b"\x7fELF, but not really")
    (bare / "go").chmod(0o755)
    assert "does not run" in told("go")


def test_the_machine_and_every_dependency_are_named(bare: Path) -> None:
    names = {part.name for part in doctor.survey()}
    assert {"simsim", "python", "kernel", "cores", "open files", "locust", "httpx", "h11", "numpy"} <= names


def test_as_json_it_is_one_list_of_parts(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doctor.doctor(as_json=True)
    parts = json.loads(capsys.readouterr().out)
    assert {"name", "found", "enables", "mend"} == set(parts[0])
    assert next(part["found"] for part in parts if part["name"] == "tusd") is None


def test_the_list_of_servers_says_how_to_install_what_is_missing(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers.list_(as_json=False)
    told = capsys.readouterr().out
    assert "no: simsim servers install tusd" in told
    assert told.splitlines()[0].split() == ["name", "installed", "speaks", "licence", "summary"]


def test_the_list_of_servers_as_json_pins_what_can_be_installed(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers.list_(as_json=True)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["tusd"]["installed"] is False
    assert rows["tusd"]["pinned"] == "v2.9.1"
    assert rows["reference"]["installed"] is True
