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

GROUND = {"errors", "units", "rng", "payload", "records", "children", "tether", "programs"}
LEVEL = {
    "weather": 1,
    "protocols": 2,
    "links": 3,
    "transport": 4,
    "servers": 4,
    "swarm": 5,
    "measure": 6,
    "report": 7,
    "pipeline": 8,
    "calibrate": 9,
    "cli": 10,
    "__main__": 11,
}
WORLD = {"asyncio", "socket", "httpx", "time", "random", "select", "ssl", "subprocess", "threading", "gevent"}
PURE = ("weather", "protocols", "measure", "links/link.py", "links/fluid.py", "servers/reference/core")
CAGE = {"swarm/user.py", "swarm/runner.py", "swarm/plugin.py", "swarm/hub.py"}


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


def test_help_answers_within_a_third_of_a_second_of_cpu() -> None:
    code = (
        "import sys, resource\n"
        "sys.argv = ['simsim', '--help']\n"
        "from simulator.cli.main import main\n"
        "main()\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(used.ru_utime + used.ru_stime, file=sys.stderr)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    # CPU time, not wall time, and the best of three: a busy machine adds to the others only.
    assert min(float(run.stderr.strip().splitlines()[-1]) for run in runs) < 0.3
    assert "run" in runs[0].stdout
