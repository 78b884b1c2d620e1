"""One seed, one weather: the timeline that an engine is handed is the one that was drawn."""

from __future__ import annotations

from simulator.calibrate.bench import Bench
from simulator.links.engine import LinkSpec
from simulator.links.wire import Lines, encode, spec_in, spec_out
from simulator.measure.calibration import Reading
from simulator.weather import draw, load_profile
from simulator.weather.timeline import Timeline

PROFILE, SEED, USERS = "mobile-flaky", 1, 20


def probe(_: Bench) -> list[Reading]:
    """Return how many of the timelines differ, by digest, drawn twice and passed as an engine gets them."""
    profile = load_profile(PROFILE)
    drawn = [draw(profile, SEED, user) for user in range(USERS)]
    passed = [_passed(LinkSpec(str(n), "probe", line, ("127.0.0.1", 1))) for n, line in enumerate(drawn)]
    again = [draw(profile, SEED, user) for user in range(USERS)]
    digests = zip(drawn, passed, again, strict=True)
    differ = sum(len({line.digest() for line in three}) > 1 for three in digests)
    return [
        Reading(
            quantity="one seed",
            setting=f"timelines of {PROFILE} whose digest changes on the way into an engine",
            unit="1",
            asked=0,
            got=differ,
            error_unit="1",
            error=differ,
            quiet=0,
            noisy=0,
            n=USERS,
        )
    ]


def _passed(spec: LinkSpec) -> Timeline:
    (message,) = Lines().feed(encode(spec_out(spec)))
    return spec_in(message).timeline
