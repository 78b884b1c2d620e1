"""Prints what forwarding costs and how true it is: simsim's engine beside toxiproxy and haproxy.

    python tests/bench/bench_against.py [--only unshaped,slow,...] [--turns 5] [--seconds 2]

All take turns at the same load in one run, in an order that shifts by one from turn to turn, so that
what else the machine does hits all alike; figures are medians of the turns. Clients and sink are the
same for all and have the kernel's own buffers. CPU and memory are those of
the process that forwards, all threads, user and kernel. A target that is missed is said and is no
failure. The exit code is 1 when a program is missing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from simulator.links.engine import EngineEvent
from simulator.weather.timeline import Break, RateCurve, Timeline
from tests.contracts.check_engine import flat
from tests.helpers import loads
from tests.helpers.contenders import CONTENDERS, OURS, TOXIPROXY, Contender, Forwarding

MBIT = 10**6
GB = 1e9
WARM = 2.0  # seconds of a shaped load before anything is counted
DIRECT = "direct"
LINKS, STALLING = 500, 50  # links at once, and how many of them stall once a second
STALL = 0.05  # seconds

Figures = dict[str, float]


@dataclass(frozen=True)
class Options:
    """What the user chose, and which contenders are installed."""

    turns: int
    seconds: float
    present: Sequence[Contender]

    def order(self, turn: int, shaped: bool) -> list[Contender]:
        """Return who has a go in *turn*, in an order that shifts."""
        able = [each for each in self.present if each.shapes or not shaped]
        first = turn % len(able)
        return able[first:] + able[:first]


@dataclass(frozen=True)
class Target:
    """What ours shall reach: at least or at most *bound*, of toxiproxy's own figure where *share* says so."""

    bound: float
    least: bool = False
    share: bool = False

    def words(self, form: str) -> str:
        """Return it as the table says it."""
        bound = f"{self.bound:g} of toxiproxy's" if self.share else form.format(self.bound)
        return ("at least " if self.least else "at most ") + bound

    def verdict(self, got: dict[str, float]) -> str:
        """Return whether ours met it, given each contender's figure."""
        if OURS.name not in got or (self.share and TOXIPROXY.name not in got):
            return "not known"
        measured = got[OURS.name] / (got[TOXIPROXY.name] if self.share else 1.0)
        shown = f" ({measured:.2f})" if self.share else ""
        return (
            "met" if (measured >= self.bound) == self.least or measured == self.bound else "MISSED"
        ) + shown


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    key: str
    form: str
    target: Target | None = None


def line(what: str, got: Sequence[str], target: str, verdict: str) -> None:
    columns = "".join(f"{each:>13}" for each in got)
    sys.stdout.write(f"  {what:<40}{columns}  {target:<28}{verdict}\n")
    sys.stdout.flush()


def show(rows: Sequence[Row], got: dict[str, list[Figures]], options: Options) -> None:
    """Print *rows* from the figures that each contender got, turn by turn."""
    for row in rows:
        figures = {
            name: median(turn[row.key] for turn in turns)
            for name, turns in got.items()
            if all(row.key in turn for turn in turns)
        }
        cells = [_cell(each, figures, row.form, options) for each in CONTENDERS]
        target, verdict = "", ""
        if row.target is not None:
            target, verdict = row.target.words(row.form), row.target.verdict(figures)
        line(row.what, cells, target, verdict)


def _cell(contender: Contender, figures: dict[str, float], form: str, options: Options) -> str:
    if contender not in options.present:
        return "missing"
    return form.format(figures[contender.name]) if contender.name in figures else "-"


@contextmanager
def opened(
    contender: Contender, lines: Sequence[Timeline], marks: bool = True
) -> Iterator[tuple[Forwarding, Connection]]:
    """Open *lines* before a fresh sink; yield what forwards and the sink."""
    with (
        loads.process(loads.swallow, marks) as sink,
        contender.open(lines, sink.recv()) as forwarding,
    ):
        yield forwarding, sink


def unshaped(options: Options) -> None:
    """Push as fast as the kernel lets, straight to the sink and through each."""
    got: dict[str, list[Figures]] = defaultdict(list)
    for turn in range(options.turns):
        with loads.process(loads.swallow, False) as sink:
            direct = _pushed(sink.recv(), options.seconds)
        for contender in options.order(turn, shaped=False):
            with opened(contender, [flat(rate=None)], marks=False) as (forwarding, _):
                cpu = loads.cpu_seconds(forwarding.pid)
                nbytes = _pushed(forwarding.addresses[0], options.seconds)
                cpu = loads.cpu_seconds(forwarding.pid) - cpu
            got[contender.name].append({"share": nbytes / direct, "cpu": cpu / nbytes * GB})
    rows = (
        Row("unshaped, share of direct loopback", "share", "{:.2f}", Target(0.75, least=True)),
        Row("unshaped, CPU", "cpu", "{:.2f} s/GB", Target(0.30)),
    )
    show(rows, got, options)


def _pushed(address: loads.Address, seconds: float) -> int:
    with loads.process(loads.push, [address], None, seconds) as pusher:
        return int(pusher.recv())


def fast(options: Options) -> None:
    """Saturate one link at 100 and at 500 Mbit/s, 10 ms."""
    for megabits in (100, 500):
        asked = megabits * MBIT
        shape = flat(rate=asked, delay=0.01, queue=asked // 80)
        got: dict[str, list[Figures]] = defaultdict(list)
        for turn in range(options.turns):
            for contender in options.order(turn, shaped=True):
                with opened(contender, [shape]) as (forwarding, sink):
                    seen = saturated(forwarding, sink, options.seconds)
                figures = {"cpu": seen.cpu / seen.nbytes * GB, "rate": seen.rate / asked}
                figures["off"] = abs(figures["rate"] - 1)
                got[contender.name].append(figures)
        cpu = Target(0.4, share=True) if megabits == 100 else None
        off = Target(0.01) if megabits == 500 else None
        rows = (
            Row(f"at {megabits} Mbit/s, CPU", "cpu", "{:.2f} s/GB", cpu),
            Row(f"at {megabits} Mbit/s, rate got of asked", "rate", "{:.4f}"),
            Row("  off by", "off", "{:.2%}", off),
        )
        show(rows, got, options)


@dataclass(frozen=True)
class Seen:
    """What happened while a load was counted, from ``begin`` to ``end``."""

    begin: float
    end: float
    cpu: float
    marks: list[list[tuple[float, int]]]

    @property
    def nbytes(self) -> int:
        """Return the bytes that arrived."""
        return sum(n for each in self.marks for _, n in each)

    @property
    def rate(self) -> float:
        """Return bit/s from the first arrival, which only sets the clock, to the last; of one connection."""
        (marks,) = self.marks
        return sum(n for _, n in marks[1:]) * 8 / (marks[-1][0] - marks[0][0])

    @property
    def gaps(self) -> list[float]:
        """Return the seconds between arrivals that follow each other on a connection."""
        return [b[0] - a[0] for each in self.marks for a, b in pairwise(each)]


def saturated(forwarding: Forwarding, sink: Connection, seconds: float) -> Seen:
    """Saturate all links at once; count for *seconds* once they are warm."""
    with loads.process(loads.push, forwarding.addresses, None, WARM + seconds) as pusher:
        time.sleep(WARM)
        begin, cpu = time.monotonic(), loads.cpu_seconds(forwarding.pid)
        pusher.recv()
        end = time.monotonic()
        cpu = loads.cpu_seconds(forwarding.pid) - cpu
        return Seen(begin, end, cpu, loads.counted(sink, begin, end))


def many(options: Options) -> None:
    """Saturate many links at once; on ours, some stall now and then, which makes events."""
    lines = [_stalling(n / STALLING) for n in range(STALLING)]
    lines += [flat(rate=MBIT, delay=0.04)] * (LINKS - STALLING)
    got: dict[str, list[Figures]] = defaultdict(list)
    for turn in range(options.turns):
        for contender in options.order(turn, shaped=True):
            with opened(contender, lines) as (forwarding, sink):
                seen = saturated(forwarding, sink, 2 * options.seconds)
                got[contender.name].append(_of_many(seen, forwarding.events(1)))
    rows = (
        Row(f"{LINKS} links, 1 Mbit/s, 40 ms: late, p99", "late", "{:.1f} ms", Target(10)),
        Row("  worst quarter of a second", "worst", "{:.1f} ms"),
        Row("  between arrivals, p99", "gap", "{:.1f} ms"),
        Row("  events late, p99", "events", "{:.2f} ms", Target(3)),
        Row("  CPU, cores", "cpu", "{:.2f}", Target(1.0)),
        Row("  rate got of asked", "carried", "{:.3f}"),
    )
    show(rows, got, options)


def _stalling(phase: float) -> Timeline:
    """Return a link that stalls for a moment once a second."""
    stalls = [Break(t + phase, "stall", t + phase + STALL) for t in range(1, 60)]
    times = [0.0, *(t for item in stalls for t in (item.t, item.until))]
    rates = [float(MBIT), *(0.0, float(MBIT)) * len(stalls)]
    return flat(delay=0.04, breaks=stalls, curve=RateCurve(tuple(times), tuple(rates)))


def _of_many(seen: Seen, events: list[EngineEvent]) -> Figures:
    length = seen.end - seen.begin
    struck = [
        event["done"] - event["planned"]
        for event in events
        if event["event"] == "fault" and seen.begin <= event["planned"] < seen.end
    ]
    late = [
        event["late_p99"] * 1e3
        for event in events
        if event["event"] == "sample" and seen.begin + 0.25 <= event["t"] < seen.end and event["late_p99"]
    ]
    told: Figures = {"late": median(late), "worst": max(late)} if late else {}
    if struck:
        told["events"] = loads.quantile(struck, 0.99) * 1e3
    return told | {
        "gap": loads.quantile(seen.gaps, 0.99) * 1e3,
        "cpu": seen.cpu / length,
        "carried": seen.nbytes * 8 / length / LINKS / MBIT,
    }


def memory(options: Options) -> None:
    """Weigh the process with 1000 links and a busy connection on each."""
    lines = [flat(rate=MBIT, delay=0.04)] * 1000
    got: dict[str, list[Figures]] = defaultdict(list)
    for contender in options.order(0, shaped=False):
        with (
            opened(contender, lines, marks=False) as (forwarding, _),
            loads.process(loads.push, forwarding.addresses, None, WARM) as pusher,
        ):
            pusher.recv()
            nbytes = psutil.Process(forwarding.pid).memory_info().rss
        got[contender.name].append({"memory": nbytes / 1e6})
    show([Row("1000 busy links, memory", "memory", "{:.0f} MB", Target(100))], got, options)


PARTS: dict[str, Callable[[Options], None]] = {
    "unshaped": unshaped,
    "fast": fast,
    "many": many,
    "memory": memory,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts of the table")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn")
    chosen = parser.parse_args()
    present = [each for each in CONTENDERS if not each.missing()]
    options = Options(chosen.turns, chosen.seconds, present)
    line("quantity", [each.name for each in CONTENDERS], "target for ours", "")
    for name in chosen.only.split(","):
        PARTS[name](options)
    missing = [each.name for each in CONTENDERS if each not in present]
    if missing:
        sys.stdout.write(f"not installed: {', '.join(missing)}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
