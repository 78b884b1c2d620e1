"""The core touches no world: only the shell's own files know of sockets, clocks and disks."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[4] / "simulator" / "servers" / "reference"
SHELL = {
    "__init__.py",
    "__main__.py",
    "connection.py",
    "hub.py",
    "shell.py",
    "store.py",
    "tls.py",
    "waiting.py",
}
WORLD = {"asyncio", "socket", "time", "random", "os", "secrets", "pathlib", "threading", "logging", "h11"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_only_the_shell_imports_the_world() -> None:
    pure = [path for path in PACKAGE.glob("*.py") if path.name not in SHELL]
    assert len(pure) > 8
    shell = {f"simulator.servers.reference.{name.removesuffix('.py')}" for name in SHELL}
    for path in pure:
        names = imported(path)
        assert not names & shell, path.name
        assert not {name.split(".")[0] for name in names} & WORLD, path.name
