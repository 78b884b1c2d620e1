"""What a swarm costs: CPU of its process, its engine and the server, and how true the links stay.

    python tests/bench/bench_swarm.py [USERS]

One worker, so many users at 1 Mbit/s each, tus, two megabytes each; read from the run's own records while
all of them send. Absolute figures are this machine's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulator.records import Link, Record, Sample, Upload
from tests.helpers.runs import SIMSIM, environment, only_folder, records_of

PROFILE = """
name = "steady"
summary = "1 Mbit/s and nothing else"

[link]
up = "1 Mbit/s"
down = "4 Mbit/s"
delay = "20 ms"
jitter = "0 s"
queue = "32 KiB"

[workload]
users = 1000
uploads = 1
size = "2 MB"
spawn_rate = 200
deadline = "120 s"
"""


def busy(records: list[Record]) -> tuple[float, float]:
    """Return the span in which all users send, or nearly all: from the last start to the median end."""
    return (
        max(item.t for item in records if isinstance(item, Link)),
        median(item.t for item in records if isinstance(item, Upload)),
    )


def main(users: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        cwd = Path(name)
        (cwd / "steady.toml").write_text(PROFILE)
        command = [*SIMSIM, "run", "./steady.toml", "--protocols", "tus", "--no-calm", "--quiet"]
        subprocess.run([*command, "--users", str(users)], cwd=cwd, env=environment(), check=True)
        records = records_of(only_folder(cwd / "results"))
    begin, end = busy(records)
    samples = [item for item in records if isinstance(item, Sample) and begin + 0.5 < item.t < end]
    print(f"{users} users at 1 Mbit/s in one worker, all sending for {end - begin:.1f} s; medians")
    for part in sorted({item.part for item in samples}):
        cpu = [item.cpu for item in samples if item.part == part and item.cpu is not None]
        late = [item.late_p99 for item in samples if item.part == part and item.late_p99 is not None]
        if cpu:
            print(f"  {part:<18} {median(cpu):6.1%} of a core")
        if late:
            print(f"  {part:<18} {median(late) * 1000:6.1f} ms delivery lateness p99")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
