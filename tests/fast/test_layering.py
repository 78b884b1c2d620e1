"""The layout is the design: rooms import only rooms before them, and pure rooms touch no world."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "simulator"

GROUND = {"errors", "units", "rng", "payload", "records", "children", "tether", "programs", "trust"}
LEVEL = {
    "weather": 1,
    "protocols": 2,
    "links": 3,
    "transport": 4,
    "servers": 5,
    "swarm": 6,
    "measure": 7,
    "report": 8,
    "pipeline": 9,
    "calibrate": 10,
    "cli": 11,
    "__main__": 12,
}
WORLD = {"asyncio", "socket", "httpx", "time", "random", "select", "ssl", "subprocess", "threading", "gevent"}
PURE = (
    "weather",
    "protocols",
    "measure",
    "links/link.py",
    "links/fluid.py",
    "links/gateway/actions",
    "links/gateway/core.py",
    "links/gateway/framing.py",
    "links/gateway/script.py",
    "links/gateway/verbs.py",
    "servers/reference/core",
)
CAGE = {"swarm/user.py", "swarm/runner.py", "swarm/plugin.py", "swarm/hub.py", "swarm/together.py"}


def modules() -> list[Path]:
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


@cache
def imports(module: Path) -> frozenset[str]:
    """Return the dotted names that a module imports anywhere, late imports included."""
    return frozenset(_imports(module))


def _imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{module} imports relatively"
            yield node.module
            if node.module == "simulator":
                yield from (f"simulator.{alias.name}" for alias in node.names)


def room(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


def level(name: str) -> int:
    return 0 if name in GROUND or not name else LEVEL[name]


@pytest.mark.parametrize("module", modules(), ids=str)
def test_a_room_imports_only_rooms_before_it(module: Path) -> None:
    own = module.parts[0].removesuffix(".py")
    for name in imports(module):
        if name.split(".")[0] == "simulator" and own != "__init__":
            other = room(name)
            if other == own or not other or other == "__version__":
                continue
            ground = level(own) == level(other) == 0
            assert ground or level(other) < level(own), f"{module} ({own}) imports {name}"


@pytest.mark.parametrize("module", [m for m in modules() if str(m).startswith(PURE)], ids=str)
def test_a_pure_room_imports_no_clock_no_socket_and_no_chance(module: Path) -> None:
    assert not {name.split(".")[0] for name in imports(module)} & WORLD


@pytest.mark.parametrize("module", modules(), ids=str)
def test_gevent_and_locust_stay_in_their_cage(module: Path) -> None:
    caged = {name.split(".")[0] for name in imports(module)} & {"gevent", "locust"}
    assert not caged or str(module) in CAGE


def test_the_command_line_loads_nothing_heavy_before_a_command_needs_it() -> None:
    code = (
        "import sys, simulator.cli.main\n"
        "print([m for m in ('gevent', 'locust', 'matplotlib', 'scipy', 'numpy') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def cpu_seconds(code: str) -> float:
    """Return the CPU time of a Python that runs *code*: the least of three: a busy machine only adds."""
    told = (
        "\nimport resource, sys; u = resource.getrusage(0); print(u.ru_utime + u.ru_stime, file=sys.stderr)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code + told], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    return min(float(run.stderr.strip().splitlines()[-1]) for run in runs)


def test_help_costs_hardly_more_than_the_libraries_that_it_is_made_of() -> None:
    """In a ratio, since machines differ: it is 1 today, and would be 2 with httpx."""
    told = "import sys; sys.argv = ['simsim', '--help']; from simulator.cli.main import main; main()"
    assert cpu_seconds(told) < 1.6 * cpu_seconds("import typer, pydantic")
