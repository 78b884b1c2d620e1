"""A profile: what a TOML file says about a link, its weather and the default workload.

    link        the network on a quiet day: median rates, delay, jitter, queue
    weather     layers, each optional, each drawn from streams of its own:
      availability, consequences   outages by GOOD and BAD zones, and what each does to connections
      address_changes              the link moves to another network: Wi-Fi to mobile
      rate                         log-normal AR(1) around the median
      breaks                       Poisson processes of faults
      events                       scripted faults
    hop         steps of an HTTP-aware hop between the links and the server
    workload    who uploads what, and how long a client may try
    policy      what a client decides, as far as the profile wants to say it
    sources     where each figure comes from: a trace, a publication, or assumed

All keys are refused unless known, and all figures carry their unit.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from simulator.errors import did_you_mean
from simulator.weather import rules
from simulator.weather.hops import Step, Steps, to_plain
from simulator.weather.quantities import (
    Bytes,
    Count,
    Number,
    Refused,
    Seconds,
    Share,
    SomeSeconds,
    duration_text,
)
from simulator.weather.refusal import refused
from simulator.weather.sizes import Sizes, parse_sizes
from simulator.weather.tables import LinkModel, Part, WeatherModel


class Workload(Part):
    """Who uploads what. Either ``uploads`` per user, or as many as fit in ``duration_s``."""

    users: Annotated[Count, rules.within("users")]
    uploads: Annotated[Count, rules.within("uploads")] = 0
    duration_s: Annotated[SomeSeconds | None, rules.within("duration"), Field(alias="duration")] = None
    size: Annotated[str, AfterValidator(rules.usable_size)]
    spawn_rate: Annotated[Number, rules.within("spawn_rate")]  # users per second
    deadline_s: Annotated[SomeSeconds, rules.within("deadline"), Field(alias="deadline")]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.uploads > 0) == (self.duration_s is not None):
            raise Refused("needs either uploads or a duration", "uploads = 1", key="uploads")
        if self.longest_s > rules.LONGEST_RUN:
            raise Refused(
                "the uploads' deadlines add up to more than 24 h", "fewer or shorter ones", key="deadline"
            )
        if self.users / self.spawn_rate > rules.LONGEST_RUN:
            raise Refused(
                "the last user would start after more than 24 h", "fewer or faster ones", key="spawn_rate"
            )
        return self

    @property
    def sizes(self) -> Sizes:
        """Return the sizes of the uploads."""
        return parse_sizes(self.size)

    @property
    def longest_s(self) -> float:
        """Return how long a user can be busy at most, in seconds."""
        if self.duration_s is not None:
            return self.duration_s + self.deadline_s
        return self.uploads * self.deadline_s


class PolicyDefaults(Part):
    """What the profile says of the client's policy; the rest is the policy's own default."""

    connect_timeout: Annotated[SomeSeconds | None, rules.within("connect_timeout")] = None
    stall_timeout: Annotated[SomeSeconds | None, rules.within("stall_timeout")] = None
    backoff: Annotated[tuple[Seconds, ...] | None, rules.within("backoff")] = None
    jitter: Share | None = None
    retries: Annotated[Count | None, rules.within("retries")] = None
    piece: Annotated[Bytes | None, rules.within("piece")] = None
    blocked_wait: Annotated[SomeSeconds | None, rules.within("blocked_wait")] = None

    def given(self) -> dict[str, Any]:
        """Return what is said, by the names and in the units (s, bytes) of the client's policy."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class Source(Part):
    """Where a figure comes from."""

    kind: Literal["trace", "published", "assumed"]
    origin: Annotated[str, Field(alias="from", min_length=1)]


class Profile(Part):
    """One profile. ``sources`` is keyed by the path of a figure, or of a table for all in it."""

    name: Annotated[str, AfterValidator(rules.usable_name)]
    summary: Annotated[str, Field(min_length=1)]
    link: LinkModel
    weather: WeatherModel = WeatherModel()
    hop: Steps = ()
    workload: Workload
    policy: PolicyDefaults = PolicyDefaults()
    sources: dict[str, Source] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rate, up = self.weather.rate, self.link.up
        if rate is not None and (up is None or self.link.down is None):
            raise Refused(
                "an unlimited link has no rate to vary", "give link.up and link.down a rate", "weather.rate"
            )
        if rate is not None and (rate.floor or 0) > (up or 0):
            raise Refused("is above link.up", "at most the median rate", "weather.rate.floor")
        self._slow_needs_a_rate()
        self._events_are_reached()
        self._sources_say_something()
        self._can_be_drawn()
        return self

    def _can_be_drawn(self) -> None:
        steps = {f"weather.{key}": value for key, value in self.weather.steps_per_second.items()}
        rules.drawable(steps, self.workload.longest_s + rules.MARGIN, self.workload.users)

    def _slow_needs_a_rate(self) -> None:
        if self.link.up is not None and self.link.down is not None:
            return
        for layer, faults in (("breaks", self.weather.breaks), ("events", self.weather.events)):
            for i, fault in enumerate(faults):
                if fault.kind == "slow":
                    raise Refused(
                        "an unlimited link cannot be slowed",
                        "give link.up and link.down a rate",
                        f"weather.{layer}.{i}.kind",
                    )

    def _events_are_reached(self) -> None:
        longest = self.workload.longest_s
        for i, event in enumerate(self.weather.events):
            if event.at.seconds >= longest:
                mend = f"less than {duration_text(longest)}"
                raise Refused(f"'{event.at.text}' is after the last deadline", mend, f"weather.events.{i}.at")

    def _sources_say_something(self) -> None:
        figures = self.figures() if self.sources else {}
        for path in self.sources:
            if not any(figure == path or figure.startswith(f"{path}.") for figure in figures):
                raise Refused("no figure has this path", did_you_mean(path, figures), f'sources."{path}"')

    @property
    def fastest_up(self) -> float | None:
        """Return the highest rate that the uplink can have, in bit/s; None when it has no limit."""
        rate = self.weather.rate
        return None if self.link.up is None else self.link.up * (1.0 if rate is None else rate.ceiling)

    def figures(self) -> dict[str, Any]:
        """Return every figure of the link, its weather and its hop by its path, as the file says it."""
        data = self.to_dict()
        found: dict[str, Any] = {}
        for table in ("link", "weather", "hop"):
            _walk(data.get(table, {}), table, found)
        return found

    def source(self, path: str) -> Source | None:
        """Return where the figure at *path* comes from: its own entry, or the nearest table's."""
        while path:
            if path in self.sources:
                return self.sources[path]
            path = path.rpartition(".")[0]
        return None

    def with_workload(
        self,
        *,
        users: int | None = None,
        uploads: int | None = None,
        duration_s: float | None = None,
        size: str | None = None,
        spawn_rate: float | None = None,
        deadline_s: float | None = None,
    ) -> Profile:
        """Return this profile with parts of its workload replaced; None leaves a part as it is.

        ``uploads`` and ``duration_s`` replace each other. Raises ``UsageError``.
        """
        changes = {
            "users": users,
            "uploads": uploads,
            "duration": None if duration_s is None else duration_text(float(duration_s)),
            "size": size,
            "spawn_rate": spawn_rate,
            "deadline": None if deadline_s is None else duration_text(float(deadline_s)),
        }
        data = self.to_dict()
        bounds = {"uploads": "duration", "duration": "uploads"}
        for key, value in changes.items():
            if value is not None:
                data["workload"].pop(bounds.get(key), None)
                data["workload"][key] = value
        return Profile.from_dict(data)

    def with_hop(self, steps: tuple[Step, ...]) -> Profile:
        """Return this profile with the steps of its hop replaced, and what it said of theirs left out."""
        data = self.to_dict()
        data["hop"] = to_plain(steps)
        kept = {path: said for path, said in data.get("sources", {}).items() if path.split(".")[0] != "hop"}
        return Profile.from_dict({**data, "sources": kept})

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as plain JSON types, in the words of the file."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @classmethod
    def from_dict(cls, data: dict[str, Any], *, where: str = "") -> Profile:
        """Return the profile that ``to_dict`` wrote or a file says. Raises ``UsageError``.

        *where* names the file in messages; without it the profile's own name does.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise refused(error, cls, where or f"profile '{data.get('name', '')}'") from None


_NOT_FIGURES = {"kind", "id"}


def _walk(value: Any, path: str, found: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _NOT_FIGURES:
                _walk(inner, f"{path}.{key}", found)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            _walk(inner, f"{path}.{i}", found)
    else:
        found[path] = value
