"""The tables of a profile that say what the network does: the link, and the layers of its weather."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from simulator.weather import rules
from simulator.weather.quantities import (
    BitRate,
    Bytes,
    Lengths,
    Number,
    Queue,
    Refused,
    Seconds,
    Share,
    SomeSeconds,
    When,
)


class Part(BaseModel):
    """A table of a profile file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LinkModel(Part):
    """The link on a quiet day. ``up`` and ``down`` are medians in bit/s, ``delay`` is each way."""

    up: BitRate
    down: BitRate
    delay: Seconds
    jitter: Seconds
    queue: Queue

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.jitter > self.delay:
            raise Refused("is more than the delay it varies", "at most the delay", key="jitter")
        return self


class OutageKind(Part):
    """One part of the mixture of outage lengths."""

    share: Share
    length: Lengths


class Availability(Part):
    """GOOD and BAD zones of exponential length, and how often an outage begins in each."""

    good: SomeSeconds  # mean length
    bad: SomeSeconds
    outage_every_good: SomeSeconds  # mean time between outages
    outage_every_bad: SomeSeconds
    outages: Annotated[tuple[OutageKind, ...], Field(min_length=1)]

    @property
    def steps(self) -> dict[str, float]:
        """Return about how many zones begin, and edges of outages come, in a second at most, by key."""
        cycle = self.good + self.bad
        return {
            "good" if self.good < self.bad else "bad": 2 / cycle,
            "outage_every_good": 2 * self.good / cycle / self.outage_every_good,
            "outage_every_bad": 2 * self.bad / cycle / self.outage_every_bad,
        }

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rules.sum_to_one([kind.share for kind in self.outages], "outages")
        return self


class Ends(Part):
    """What an outage does to connections, as shares of one. What strikes does so on recovery."""

    stall: Share = 0.0
    reset: Share = 0.0
    close: Share = 0.0
    handover: Share = 0.0  # silent death

    @property
    def shares(self) -> tuple[tuple[str, float], ...]:
        """Return the fault kinds with their shares, in the table's order."""
        return tuple((kind, getattr(self, kind)) for kind in Ends.model_fields)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        rules.sum_to_one([share for _, share in self.shares], "")
        return self


class Consequence(Ends):
    """What outages of at least ``over`` do."""

    over: Seconds


class AddressChanges(Ends):
    """The link changes its address every so often, after a gap in which nothing passes."""

    every: SomeSeconds  # mean
    gap: Lengths


class RateModel(Part):
    """AR(1) of the log rate around the median, one step ``every`` so often. ``ceiling`` is in medians."""

    phi: Share
    sigma: Annotated[Number, Field(gt=0, le=3)]  # sd of the innovation
    every: SomeSeconds
    floor: BitRate
    ceiling: Annotated[Number, Field(ge=1, le=1000)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.phi >= 1:
            raise Refused("the rate would wander off", "less than 1", key="phi")
        if self.floor is None:
            raise Refused("'unlimited' is no floor", 'a rate such as "64 kbit/s"', key="floor")
        return self


class Fault(Part):
    """A fault, as a row of the fault table plus the figures that the row needs."""

    kind: Annotated[str, AfterValidator(rules.known_fault)]
    lasts: Annotated[Lengths | None, Field(alias="for")] = None
    factor: Annotated[Number | None, Field(gt=0, lt=1)] = None  # slow: of the rate
    by: SomeSeconds | None = None  # spike: added to the delay
    after: Bytes | None = None  # cut-after: of each connection

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rules.fits_its_kind(
            self.kind, {"for": self.lasts, "factor": self.factor, "by": self.by, "after": self.after}
        )
        return self


class BreakModel(Fault):
    """A Poisson process of faults: ``every`` is the mean time from the end of one to the next."""

    every: SomeSeconds

    @model_validator(mode="after")
    def _by_instants(self) -> Self:
        rules.strikes_at_an_instant(self.kind)
        return self


class EventModel(Fault):
    """A fault at one moment: ``at = "20 s"``, or ``at = "50 %"`` of a typical upload carried."""

    at: When

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.at.share is not None:
            rules.can_wait_for_bytes(self.kind)
        return self


class WeatherModel(Part):
    """The layers; none of them is a calm day."""

    availability: Availability | None = None
    consequences: tuple[Consequence, ...] = ()
    address_changes: AddressChanges | None = None
    rate: RateModel | None = None
    breaks: tuple[BreakModel, ...] = ()
    events: tuple[EventModel, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.consequences and self.availability is None:
            raise Refused(
                "there are no outages to have any", "add [weather.availability]", key="consequences"
            )
        rules.thresholds_rise([item.over for item in self.consequences])
        return self

    @property
    def steps_per_second(self) -> dict[str, float]:
        """Return about how many steps a second of this weather has at most, by the key that brings them."""
        found = {f"breaks.{i}.every": 2 / item.every for i, item in enumerate(self.breaks)}
        if self.rate is not None:
            found["rate.every"] = 1 / self.rate.every
        if self.address_changes is not None:
            found["address_changes.every"] = 2 / self.address_changes.every
        if self.availability is not None:
            found |= {f"availability.{key}": value for key, value in self.availability.steps.items()}
        return found
