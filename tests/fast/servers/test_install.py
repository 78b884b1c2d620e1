"""Programs are found in simsim's own folder first, and what cannot be installed is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator import programs, servers
from simulator.errors import UsageError
from simulator.servers import catalog, install


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and an empty PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def program(path: Path, body: str = "exit 0") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def said(words: str) -> None:
    pass


def test_a_server_that_is_not_installed_is_refused_with_the_command_that_installs_it(bare: Path) -> None:
    with pytest.raises(UsageError, match=r"'tusd' is not installed.*hint: simsim servers install tusd"):
        servers.check_installed("tusd")


def test_the_server_in_the_box_needs_no_program(bare: Path) -> None:
    servers.check_installed("reference")


def test_a_command_that_begins_with_no_program_is_refused(bare: Path) -> None:
    entry = catalog.load("reference").model_copy(update={"command": ["nowhere-to-be-found", "{port}"]})
    with pytest.raises(UsageError, match=r"command\.0: .*no program 'nowhere-to-be-found'"):
        install.program_of(entry)


def test_the_pinned_program_comes_before_the_one_on_the_path(bare: Path) -> None:
    on_path = program(bare / "path/tusd")
    assert programs.find_program("tusd") == on_path
    pinned = program(bare / "cache/simsim/bin/tusd")
    assert programs.find_program("tusd") == pinned


def test_a_relative_cache_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setenv("HOME", "/home/someone")
    assert programs.cache() == Path("/home/someone/.cache/simsim")


def test_the_server_in_the_box_has_nothing_to_install(bare: Path) -> None:
    with pytest.raises(UsageError, match="nothing to install"):
        install.install(catalog.load("reference"), said)


def test_go_is_asked_for_the_pinned_version_and_puts_it_into_our_folder(bare: Path) -> None:
    program(bare / "path/go", 'echo "$@" > "$GOBIN/asked"; /bin/cp /bin/true "$GOBIN/tusd"')
    path = install.install(catalog.load("tusd"), said)
    assert path == str(bare / "cache/simsim/bin/tusd")
    asked = (bare / "cache/simsim/bin/asked").read_text()
    assert asked == "install github.com/tus/tusd/v2/cmd/tusd@v2.9.1\n"


def test_an_installation_that_fails_names_its_log_and_its_last_line(bare: Path) -> None:
    program(bare / "path/go", "echo building; echo 'go: no route to the proxy' >&2; exit 1")
    with pytest.raises(UsageError, match="'go' ended with status 1: go: no route to the proxy") as refused:
        install.install(catalog.load("tusd"), said)
    assert Path(refused.value.where).read_text() == "building\ngo: no route to the proxy\n"
    assert refused.value.exit_code == 2


def test_a_package_manager_that_brings_nothing_is_noticed(bare: Path) -> None:
    program(bare / "path/go")
    with pytest.raises(UsageError, match="no program 'tusd'"):
        install.install(catalog.load("tusd"), said)


def test_a_cache_that_cannot_be_made_is_refused(bare: Path) -> None:
    program(bare / "path/go")
    (bare / "cache").write_text("a file, no folder")
    with pytest.raises(UsageError, match=r"cannot make the folder.*XDG_CACHE_HOME"):
        install.install(catalog.load("tusd"), said)


FOLDERS = {
    "tus-node-server": ("npm", 'echo "$@" > "$3/asked"'),
    "tus-java-server": ("mvn", 'echo "$@" > "${6#-DoutputDirectory=}/asked"'),
}


@pytest.mark.parametrize("server", FOLDERS)
def test_packages_go_into_a_folder_of_their_own_once(bare: Path, server: str) -> None:
    manager, body = FOLDERS[server]
    program(bare / "path" / manager, body)
    program(bare / "path" / catalog.load(server).command[0])
    entry = catalog.load(server)
    with pytest.raises(UsageError, match=f"no packages of {server}.*simsim servers install {server}"):
        servers.check_installed(server)
    folder = install.install(entry, said)
    assert folder == install.found(entry) == str(bare / "cache/simsim/packages" / server)
    assert Path(folder, "asked").exists()
    Path(folder, "asked").unlink()
    assert install.install(entry, said) == folder
    assert not Path(folder, "asked").exists()


def test_packages_of_another_version_are_not_the_pinned_ones(bare: Path) -> None:
    program(bare / "path/npm")
    program(bare / "path/node")
    entry = catalog.load("tus-node-server")
    folder = Path(install.install(entry, said))
    (folder / "left-over").touch()
    assert entry.install is not None
    newer = entry.model_copy(update={"install": entry.install.model_copy(update={"version": "9.9.9"})})
    assert install.found(newer) is None
    install.install(newer, said)
    assert install.found(entry) is None
    assert not (folder / "left-over").exists()


def test_packages_that_did_not_come_whole_are_not_there(bare: Path) -> None:
    program(bare / "path/npm", "echo 'npm error code ETARGET' >&2; exit 1")
    entry = catalog.load("tus-node-server")
    with pytest.raises(UsageError, match="'npm' ended with status 1: npm error code ETARGET"):
        install.install(entry, said)
    assert install.found(entry) is None


def test_a_package_manager_that_is_not_here_is_named(bare: Path) -> None:
    with pytest.raises(UsageError, match="there is no mvn here"):
        install.install(catalog.load("tus-java-server"), said)
    with pytest.raises(UsageError, match="there is no cargo here"):
        install.install(catalog.load("rustus"), said)


def test_cargo_is_asked_for_the_pinned_version_and_puts_it_into_our_folder(bare: Path) -> None:
    program(
        bare / "path/cargo",
        '/bin/mkdir -p "$4/bin"; echo "$@" > "$4/asked"; /bin/cp /bin/true "$4/bin/rustus"',
    )
    path = install.install(catalog.load("rustus"), said)
    assert path == str(bare / "cache/simsim/bin/rustus")
    root = bare / "cache/simsim"
    assert (root / "asked").read_text() == f"install --locked --root {root} rustus@0.5.10\n"
