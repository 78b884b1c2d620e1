"""How long the numbers of a large run take, and how often its intervals hold the truth.

    python -m tests.bench.bench_measure [--profile]

Prints CPU seconds for 200,000 records (aim: under 5 s for data set and summary together) and the
coverage of the 95 % intervals over 1000 made-up data sets.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time

import numpy as np

from simulator.measure import series
from simulator.measure.dataset import Dataset
from simulator.measure.summary import summarise
from simulator.records import Cause, Record
from tests.helpers.coverage import COVERAGES
from tests.helpers.made_records import MadeRun, steady

USERS = 1000
RECORDS = 200_000
DATA_SETS = 1000


def large_run() -> tuple[MadeRun, list[Record]]:
    """Return a run of about RECORDS records in which each attempt but the last of an upload is cut."""
    run = MadeRun(users=USERS, timeline=steady(8e6))
    generator = np.random.Generator(np.random.PCG64(1))
    cuts = RECORDS // (2 * USERS * 6)
    for user in range(USERS):
        for arm in ("plain", "tus"):
            upload = run.upload(arm, user=user, size=3_000_000)
            t, kept = 0.0, 0
            for carried in generator.integers(10_000, 100_000, size=cuts).tolist():
                run.fault("reset", t + 0.9, arm=arm, user=user)
                start = kept if arm == "tus" else 0
                upload.send(t, t + 1, start=start, sent=carried + 1000, carried=carried, cause=Cause.RESET)
                kept = start + carried - 500
                upload.wait(t + 1, 0.5).query(t + 1.5, t + 1.6, offset=kept)
                t += 2
            upload.send(t, t + 3, start=kept if arm == "tus" else 0).completed(t + 3)
    return run, run.records()


def say(line: str) -> None:
    """Print one line of the result."""
    sys.stdout.write(f"{line}\n")


def time_summary(profile: bool) -> None:
    """Print how long each step takes over a large run."""
    run, records = large_run()
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    at = time.process_time()
    data = Dataset.of(records, weather=run.weather())
    sorted_in = time.process_time() - at
    summary = summarise(data)
    summed_in = time.process_time() - at - sorted_in
    series.throughput(data)
    series.staircases(data)
    drawn_in = time.process_time() - at - sorted_in - summed_in
    profiler.disable()
    steps = f"data set {sorted_in:.2f} s, summary {summed_in:.2f} s, series {drawn_in:.2f} s"
    say(f"{len(records)} records; CPU: {steps}")
    say(summary.headline)
    if profile:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(25)


def cover() -> None:
    """Print how often each interval holds the truth."""
    for name, coverage in COVERAGES.items():
        say(f"coverage of the 95 % interval, {name}: {coverage(DATA_SETS):.1%} of {DATA_SETS}")


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    time_summary(parser.parse_args().profile)
    cover()


if __name__ == "__main__":
    main()
