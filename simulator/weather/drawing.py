"""From a profile, a seed and a user to that user's timeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from simulator.weather import layers
from simulator.weather.faults import FAULTS, Shape
from simulator.weather.layers import Streams, Strike
from simulator.weather.profile import Profile
from simulator.weather.rules import MARGIN
from simulator.weather.timeline import Break, Interval, Rate, RateCurve, StepCurve, Timeline


def draw(
    profile: Profile, seed: int, user: int, *, horizon: float | None = None, calm: bool = False
) -> Timeline:
    """Return the timeline of one user's link.

    It is drawn up to *horizon* seconds (without it, a margin past the last deadline); a longer one
    extends the weather and changes nothing before. With *calm* it is the calm twin: the same link
    and the same rate layer, with every fault taken out.
    """
    horizon = layers.whole_us(profile.workload.longest_s + MARGIN if horizon is None else horizon)
    streams = Streams(seed, profile.name, user)
    link = profile.link
    up, down = layers.rates(profile.weather.rate, (link.up, link.down), streams, horizon)
    struck = [] if calm else [s for s in strikes(profile, streams, horizon) if s.item.t < horizon]
    return Timeline(
        horizon=horizon,
        uplink=_bent(up, struck),
        downlink=_bent(down, struck),
        delay=_raised(StepCurve((0.0,), (layers.whole_us(link.delay),)), struck),
        jitter=layers.jitter(link.jitter, streams),
        queue=link.queue,
        breaks=tuple(sorted((s.item for s in struck), key=_order)),
    )


def strikes(profile: Profile, streams: Streams, horizon: float) -> Iterator[Strike]:
    """Yield every fault that begins before *horizon*, layer by layer."""
    weather = profile.weather
    if weather.availability is not None:
        yield from layers.outage_strikes(weather.availability, weather.consequences, streams, horizon)
    if weather.address_changes is not None:
        yield from layers.address_change_strikes(weather.address_changes, streams, horizon)
    yield from layers.break_strikes(weather.breaks, streams, horizon)
    yield from layers.event_strikes(weather.events, streams, profile.workload.sizes.typical)


def _bent(curve: RateCurve, struck: list[Strike]) -> RateCurve:
    """Return *curve* with the slow parts scaled, then the stalled ones at zero."""
    for factor, intervals in _grouped(struck, Shape.SLOW, lambda strike: strike.factor).items():
        curve = curve.change(intervals, _scaled(factor))
    stalls = [span for spans in _grouped(struck, Shape.STALL, lambda _: 0.0).values() for span in spans]
    return curve.change(stalls, lambda _: 0)


def _scaled(factor: float) -> Callable[[Rate], Rate]:
    return lambda rate: None if rate is None else max(1, round(rate * factor))


def _raised(curve: StepCurve, struck: list[Strike]) -> StepCurve:
    for by, intervals in _grouped(struck, Shape.SPIKE, lambda strike: strike.by).items():
        curve = curve.raised(intervals, by)
    return StepCurve(curve.times, tuple(layers.whole_us(value) for value in curve.values))


def _grouped(
    struck: Iterable[Strike], shape: Shape, key: Callable[[Strike], float]
) -> dict[float, list[Interval]]:
    """Return the spans of the faults of one shape by *key*; what waits for bytes has no span yet."""
    spans: dict[float, list[Interval]] = defaultdict(list)
    for strike in struck:
        if FAULTS[strike.item.kind].shape is shape and strike.item.link_bytes is None:
            spans[key(strike)].append((strike.item.t, strike.item.until))
    return spans


def _order(item: Break) -> tuple[float, str, float, int, int]:
    return item.t, item.kind, item.until, item.link_bytes or 0, item.connection_bytes or 0
