"""The only process of a swarm draws and opens every link before it starts one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simulator import servers
from simulator.records import Sample, read
from tests.helpers.plans import make_job, make_plan
from tests.helpers.runs import environment

pytestmark = pytest.mark.loopback

# The swarm's own process, with an engine that says what it is told, in order.
NOTING = """
import sys
from simulator.links.embedded import EmbeddedEngine
from simulator.swarm import runner

def noted(name):
    done = getattr(EmbeddedEngine, name)
    def note(self, what, *rest):
        sys.stderr.write(f"noted {name}\\n")
        return done(self, what, *rest)
    setattr(EmbeddedEngine, name, note)

noted("open")
noted("start")
sys.exit(runner.main(["local", "--job", sys.argv[1]]))
"""

# Weather that takes six seconds to draw, in which nothing else of the process runs.
SLOW = """
import time
from simulator.swarm import session

drawn = session.draw

def drawn_slowly(*names, **more):
    end = time.monotonic() + 6
    while time.monotonic() < end:
        pass
    return drawn(*names, **more)

session.draw = drawn_slowly
"""


def run_swarm(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* as the process of a swarm of four users who come one after another."""
    with servers.start("reference", tmp_path / "server") as target:
        port = int(target.endpoints["tus"].url.split(":")[2].partition("/")[0])
        file = tmp_path / "job.json"
        plan = make_plan(users=4, spawn_rate=1.0, arms=make_plan().arms[1:])
        file.write_text(make_job(plan, port=port).model_dump_json())
        return subprocess.run(
            [sys.executable, "-c", code, str(file)],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def test_every_link_is_open_before_the_first_one_starts(tmp_path: Path) -> None:
    ended = run_swarm(tmp_path, NOTING)
    assert ended.returncode == 0, ended.stderr
    noted = [line for line in ended.stderr.splitlines() if line.startswith("noted")]
    assert noted == ["noted open"] * 4 + ["noted start"] * 4
    assert ended.stdout.count('"outcome":"completed"') == 4


def test_what_a_process_stood_still_for_the_weather_is_no_stall_of_its_users(tmp_path: Path) -> None:
    ended = run_swarm(tmp_path, SLOW + NOTING)
    assert ended.returncode == 0, ended.stderr
    stalls = [r.stall for r in read(ended.stdout.encode().splitlines(True)) if isinstance(r, Sample)]
    told = [stall for stall in stalls if stall is not None]
    assert told
    assert max(told) < 4
