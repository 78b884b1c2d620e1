"""What toxiproxy cannot do, refused before a run starts, and what it only approximates, said in its report.

Pure. The facts are those of toxiproxy v2.12.0: measured, or read in its source.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.errors import UsageError
from simulator.links.toxiproxy.changes import RATE_UNIT
from simulator.weather import Profile
from simulator.weather.faults import FAULTS

LEAST_RATE = RATE_UNIT / 2  # bit/s: slower ones would be doubled or worse by toxiproxy's whole KB/s
MEND = "use --engine embedded, which can"

ALWAYS = (
    "a connect takes no round trip of the link",
    "each connection has the rate for itself, where a real link shares it",
    "the queue is the kernel's and not the profile's",
    "a rate is rounded to 8 kbit/s, and each change lets 5 ms of the fastest rate (at least 1.5 kB) pass",
)
JITTER = "jitter is toxiproxy's own draw, not the seed's"
WHEN_USED = {
    "reset": "a reset ends connections by closing the proxy: the server sees an orderly end",
    "close": "a close ends connections by closing the proxy: a client that is sending sees a reset",
    "down": "a link that is down ends its old connections, which should only stand still",
    "down-silent": "connects are answered while a link is silently down, and stand still",
    "handover": "connects are answered during the gap of a handover, and stand still",
    "cut-after": "a connection is cut by the limit in force when it is reached, with an orderly end",
}


def refuse(profile: Profile) -> None:
    """Raise ``UsageError`` for a profile that asks for what toxiproxy cannot do."""
    for i, event in enumerate(profile.weather.events):
        if event.at.share is not None:
            raise UsageError(
                f"toxiproxy cannot strike '{event.kind}' at {event.at.text} of an upload: it counts no bytes",
                where=f"profile {profile.name}: weather.events.{i}",
                mend=MEND,
            )
    rate = profile.weather.rate
    rates = {"link.up": profile.link.up, "link.down": profile.link.down}
    if rate is not None:
        rates["weather.rate.floor"] = rate.floor
    for path, value in rates.items():
        if value is not None and value < LEAST_RATE:
            raise UsageError(
                f"toxiproxy cannot play {value:g} bit/s: its rates are whole units of 8 kbit/s",
                where=f"profile {profile.name}: {path}",
                mend=MEND,
            )


def approximations(profile: Profile) -> list[str]:
    """Return what toxiproxy only approximates of *profile*, in words."""
    used = set(kinds(profile))
    said = [*ALWAYS, *([JITTER] if profile.link.jitter else [])]
    return said + [words for kind, words in WHEN_USED.items() if kind in used]


def kinds(profile: Profile) -> Iterator[str]:
    """Yield the kinds of fault that *profile* can draw, some more than once."""
    weather = profile.weather
    changes = [] if weather.address_changes is None else [weather.address_changes]
    for ends in (*weather.consequences, *changes):
        yield from (kind for kind, share in ends.shares if share)
    yield from (fault.kind for fault in (*weather.breaks, *weather.events) if fault.kind in FAULTS)
