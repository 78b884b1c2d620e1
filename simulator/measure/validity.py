"""Whether the instrument did what the plan says, so that the numbers may be believed.

A warning says what was seen, what it may mean and what to do (the manner of hyperfine's warnings).
Its level is ``note`` (read the numbers with this in mind), ``degraded`` (they are disturbed) or
``invalid`` (they are void).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.measure.bytes import carried_method
from simulator.measure.dataset import Dataset
from simulator.measure.grain import explanations
from simulator.measure.intervals import FEWEST
from simulator.measure.locations import astray
from simulator.measure.models import ArmSummary, HopStep, Number, Warning
from simulator.protocols.fields import origin, origin_text
from simulator.records import Plan
from simulator.units import format_duration

LATE = 0.050  # seconds at p99
BUSY = 0.85  # of the cores that a part can use
IN_THE_BOX = "reference"  # simsim's own server, which like all other parts of its own runs on one core
ONE_CORE = 1.1  # cores: what the sampling of one busy thread may show
OVER_RATE = 1.05
LOST_TIME = 0.01  # of the links' time
STILL = 1.0  # seconds; as long as the first back-off that is not zero

LEVELS = ("note", "degraded", "invalid")
VALIDITY = dict(zip(LEVELS, ("valid", "degraded", "invalid"), strict=True))


@dataclass(frozen=True)
class Seen:
    """What the checks look at."""

    data: Dataset
    arms: Sequence[ArmSummary]
    readings: Mapping[str, Number]
    steps: Sequence[HopStep]


def warnings(
    data: Dataset, arms: Sequence[ArmSummary], readings: Mapping[str, Number], steps: Sequence[HopStep] = ()
) -> list[Warning]:
    """Return all warnings, the gravest first; *readings* are those of ``instrument.readings``."""
    seen = Seen(data, arms, readings, steps)
    found = [warning for check in CHECKS for warning in check(seen)]
    return sorted(found, key=lambda item: -LEVELS.index(item.level))


def worst(found: Iterable[Warning]) -> str:
    """Return valid, degraded or invalid."""
    return VALIDITY[max((item.level for item in found), key=LEVELS.index, default="note")]


def _ending(run: Seen) -> Iterator[Warning]:
    if run.data.end is None:
        yield Warning(
            level="degraded",
            seen="the records stop without the run's end",
            means="the run was killed: its last records are missing and open uploads count as censored",
            advice="run it again; the numbers hold for what was recorded",
        )
    elif run.data.status == "invalid":
        yield Warning(
            level="invalid",
            seen="; ".join(run.data.end.causes) or "a part of the run died",
            means="from then on the run did not do what its plan says",
            advice="look at the part's log, mend it, and run again",
        )
    elif run.data.status == "interrupted":
        yield Warning(
            level="note",
            seen="the run was interrupted",
            means="uploads that were still going count as censored at that moment",
            advice="let it run to its end for the full picture",
        )


def _late(run: Seen) -> Iterator[Warning]:
    for name, what in (("event_late_p99", "faults took hold"), ("delivery_late_p99", "bytes were delivered")):
        value = run.readings[name].value
        if value is not None and value > LATE:
            yield Warning(
                level="degraded",
                seen=f"{what} {format_duration(value)} late at p99, over {format_duration(LATE)}",
                means="the links did not keep to their timelines",
                advice="use fewer users, more --workers, or a machine with less to do",
            )


def _busy(run: Seen) -> Iterator[Warning]:
    for name, number in run.readings.items():
        if not name.startswith("cpu_") or number.value is None:
            continue
        part = name.removeprefix("cpu_")
        cores = _cores(run.data.plan) if part == "server" else 1
        if number.value > BUSY * cores:
            whole = "a core" if cores == 1 else f"this machine's {cores} cores"
            yield Warning(
                level="degraded",
                seen=f"{part} used {number.value / cores:.0%} of {whole}, over {BUSY:.0%}",
                means="the run may have measured this machine and not the network",
                advice="use fewer users or more --workers, or give the server a machine of its own",
            )


def _cores(plan: Plan) -> int:
    """Return how many cores the server can use: all of the machine's, unless it is our own."""
    cores = plan.machine.get("cores", "")
    return int(cores) if plan.server != IN_THE_BOX and cores.isdecimal() and int(cores) else 1


def _one_thread(run: Seen) -> Iterator[Warning]:
    """Note a server that used one core to the full and never more: nobody told how many it can use."""
    used = [item.cpu for item in run.data.samples.get("server", ()) if item.cpu is not None]
    sustained = run.readings["cpu_server"].value if "cpu_server" in run.readings else None
    if _cores(run.data.plan) > 1 and sustained and sustained > BUSY and max(used) < ONE_CORE:
        yield Warning(
            level="note",
            seen=f"server used {sustained:.0%} of a core, and never more than one",
            means="if it runs on one thread, it was at its limit, and the run measured that",
            advice="use fewer users, or see whether it can run on more cores",
        )


def _lagging(run: Seen) -> Iterator[Warning]:
    lag = run.readings["lag"].value
    spans = sum(max(0.0, run.data.last - link.start) for link in run.data.links.values())
    if lag is not None and lag > LOST_TIME * spans:
        yield Warning(
            level="degraded",
            seen=f"the engine gave up {format_duration(lag)} of link time, over {LOST_TIME:.0%} of it",
            means="the links were slower than their profile",
            advice="use fewer users, more --workers, or a machine with less to do",
        )


def _stood_still(run: Seen) -> Iterator[Warning]:
    stall = run.readings["stall_max"].value
    if stall is not None and stall > STILL:
        yield Warning(
            level="degraded",
            seen=f"clients stood still for {format_duration(stall)}, over {format_duration(STILL)}",
            means="its users neither sent nor noticed anything meanwhile, and their times include it",
            advice="use fewer users, more --workers, or a machine with less to do",
        )


def _too_fast(run: Seen) -> Iterator[Warning]:
    ratio = run.readings["rate_ratio_max"].value
    if ratio is not None and ratio > OVER_RATE:
        yield Warning(
            level="degraded",
            seen=f"a link carried {ratio:.2f} times what its rate allows",
            means="the shaping did not hold, so uploads were faster than on the network meant",
            advice="report it: an engine must not exceed its rate",
        )


def _broken_rules(run: Seen) -> Iterator[Warning]:
    for arm in run.arms:
        count = arm.numbers["violations"].value
        if count:
            rules = sorted({item.rule for upload in run.data.uploads[arm.name] for item in upload.violations})
            yield Warning(
                level="note",
                seen=f"{arm.name}: the server broke its protocol {count:.0f} times ({'; '.join(rules)})",
                means="the arm's numbers are also about that fault of the server",
                advice="see the violation records for the bytes that show it",
            )


def _corrupt(run: Seen) -> Iterator[Warning]:
    for arm in run.arms:
        if arm.outcomes["corrupted"]:
            yield Warning(
                level="note",
                seen=f"{arm.name}: {arm.outcomes['corrupted']} completed uploads were stored wrong",
                means="the server confirmed bytes that it does not hold; they do not count as completed",
                advice="see the integrity records for the first byte that differs",
            )


def _untested(run: Seen) -> Iterator[Warning]:
    for step in run.steps:
        if not step.fired:
            yield Warning(
                level="note",
                seen=f"step '{step.id}' of the hop never fired ({step.does})",
                means="the run says nothing about it: how anything takes it is untested",
                advice="look whether its 'when' can hold: method, path, count and bytes",
            )


def _own_answers(run: Seen) -> Iterator[Warning]:
    own = Counter(hop.action for hop in run.data.hops if not hop.step)
    for action, times in sorted(own.items()):
        yield Warning(
            level="note",
            seen=f"the hop answered {action} {times} times without a step that says so",
            means="it could not forward a request, or reach the server, or read its answer",
            advice="see the hop records for the requests, and the server's log",
        )


def _unchecked(run: Seen) -> Iterator[Warning]:
    if run.data.plan.insecure:
        yield Warning(
            level="note",
            seen="the server's certificate was not checked (--insecure)",
            means="the numbers are of whoever answered at its address, who also got every --header",
            advice="name the authority that signed it with --ca FILE",
        )


# What was done about a Location that leads round the link, by (asked for elsewhere, followed).
_WAYS: Mapping[tuple[bool, bool], str] = {
    (True, True): "they were asked for through the link all the same, at {home}; a client that takes the"
    " server's word leaves the network that is tested, or reaches nothing",
    (False, True): "it is another name of the same address, so they were asked for through the link, by it",
    (False, False): "no client had to follow it; the check of what is stored did, where it could",
}


def _round_the_link(run: Seen) -> Iterator[Warning]:
    groups: dict[tuple[bool, bool], list[str]] = {}
    for item in astray(run.data):
        groups.setdefault((item.asked is not None, item.followed), []).append(item.location)
    home = origin_text(origin(run.data.plan.target))
    for kind, places in groups.items():
        count = "1 upload" if len(places) == 1 else f"{len(places)} uploads"
        yield Warning(
            level="note",
            seen=f"{count} got a Location that leads round the link, such as {places[0][:120]}",
            means=_WAYS[kind].format(home=home),
            advice="tell the server by which URL its clients reach it",
        )


def _unverified(run: Seen) -> Iterator[Warning]:
    unread = sum(int(arm.numbers["unverified"].value or 0) for arm in run.arms)
    if unread:
        yield Warning(
            level="note",
            seen=f"the stored bytes of {unread} completed uploads could not be read",
            means="they count as completed on the server's word alone",
            advice="use a server that answers GET, or one started here, whose store can be read",
        )


def _other_weather(run: Seen) -> Iterator[Warning]:
    if run.data.weather.doubt:
        yield Warning(
            level="note",
            seen=run.data.weather.doubt,
            means="for those users there is no ideal time, no efficiency and no check of the rate",
            advice="make the report with the version that ran (run.json names it)",
        )


def _few_users(run: Seen) -> Iterator[Warning]:
    users = {upload.user for uploads in run.data.uploads.values() for upload in uploads}
    if len(users) < FEWEST:
        yield Warning(
            level="note",
            seen=f"{len(users)} users",
            means=f"fewer than {FEWEST} users give no interval: each number is an anecdote",
            advice="use --users 20 or more",
        )


def _uncounted(run: Seen) -> Iterator[Warning]:
    uploads = [upload for group in run.data.uploads.values() for upload in group]
    if any(not passage.counted for upload in uploads for passage in upload.passages):
        yield Warning(
            level="note",
            seen=carried_method(uploads),
            means="carried bytes of cut requests are known to a few kB only",
            advice="use the embedded engine, which counts what leaves the bottleneck",
        )


def _approximated(run: Seen) -> Iterator[Warning]:
    said = run.data.plan.approximations
    if said:
        yield Warning(
            level="note",
            seen=f"{run.data.plan.engine} does not play this profile to the letter: {'; '.join(said)}",
            means="compare arms within this run; other engines' figures differ by as much",
            advice="use the embedded engine, which plays all of it",
        )


def _open_ended(run: Seen) -> Iterator[Warning]:
    for arm in run.arms:
        unfinished = arm.outcomes["censored"] + arm.outcomes["failed"]
        if unfinished and arm.calm_of is None and arm.name != run.data.plan.baseline:
            yield Warning(
                level="note",
                seen=f"{arm.name}: {unfinished} of {arm.uploads} uploads are unfinished",
                means="what they would still have carried is not counted, so its saving may be smaller",
                advice="allow a longer --deadline",
            )


def _unsupported(run: Seen) -> Iterator[Warning]:
    plan = run.data.plan
    for arm in plan.unsupported:
        yield Warning(
            level="note",
            seen=f"{arm.name} is unsupported: {arm.why}",
            means=f"{plan.server} {plan.server_version} was not measured with it",
            advice="name another server, or leave the arm out",
        )


def _grain(run: Seen) -> Iterator[Warning]:
    yield from explanations(run.arms, run.data.plan.arms)


CHECKS: tuple[Callable[[Seen], Iterator[Warning]], ...] = (
    _ending,
    _late,
    _busy,
    _one_thread,
    _lagging,
    _stood_still,
    _too_fast,
    _broken_rules,
    _corrupt,
    _untested,
    _own_answers,
    _unchecked,
    _round_the_link,
    _unverified,
    _other_weather,
    _few_users,
    _uncounted,
    _approximated,
    _open_ended,
    _unsupported,
    _grain,
)
