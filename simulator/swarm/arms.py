"""The arms that were asked for, by word: ``tus``, ``ietf:6``, ``tus:checksum=sha1+parallel=4``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import UsageError
from simulator.protocols import PROTOCOLS, spec_of
from simulator.records import Arm, Unsupported
from simulator.servers.discovery import Capabilities, discover, lacking
from simulator.servers.server import Target


@dataclass(frozen=True)
class Wanted:
    """One arm as it was asked for: its ``name`` is the word itself."""

    name: str
    protocol: str
    variant: str

    @property
    def options(self) -> Mapping[str, Any]:
        """Return what the variant asks for, by name."""
        return PROTOCOLS[self.protocol].parse(self.variant)


def names(words: str | Iterable[str]) -> tuple[str, ...]:
    """Return the words of comma-separated lists, without blanks."""
    lists = [words] if isinstance(words, str) else words
    return tuple(word.strip() for text in lists for word in text.split(",") if word.strip())


def wanted(words: tuple[str, ...], where: str) -> tuple[Wanted, ...]:
    """Return the arms that *words* ask for; *where* is the option that said them. Raises ``UsageError``."""
    if not words:
        raise UsageError("no protocol is named", where=where, mend=f"one of: {', '.join(PROTOCOLS)}")
    arms = tuple(_wanted(word, where) for word in words)
    if len(set(words)) < len(words):
        raise UsageError("a protocol is named twice", where=where, mend="name each once")
    return arms


@dataclass(frozen=True)
class Settled:
    """The arms that the target can be asked for, and those it lacks."""

    arms: tuple[Arm, ...]
    unsupported: tuple[Unsupported, ...]


def settle(asked: Iterable[Wanted], target: Target, where: str) -> Settled:
    """Return the arms of *asked* as *target* can run them; ``ietf`` alone becomes its newest version.

    Raises ``UsageError`` when it can run none, ``PartDied`` when it does not answer.
    """
    arms, unsupported = [], []
    for one in asked:
        found = discover(target, one.protocol, one.options)
        newest = _newest(one, found)
        why = lacking(newest.protocol, newest.options, found)
        if why is not None:
            unsupported.append(Unsupported(name=one.name, why=why))
            continue
        framing = target.endpoints[one.protocol].framing
        arms.append(Arm(name=one.name, protocol=one.protocol, framing=framing, variant=newest.variant))
    if not arms:
        what = "; ".join(f"{one.name}: {one.why}" for one in unsupported)
        raise UsageError(f"{target.name} supports none of the arms: {what}", where=where)
    return Settled(tuple(arms), tuple(unsupported))


def _newest(one: Wanted, found: Capabilities) -> Wanted:
    """Return *one* with the newest version that was found, where it names none."""
    if one.protocol != "ietf" or "interop" in one.options or not found.versions:
        return one
    words = [f"interop={max(found.versions)}", *filter(None, [one.variant])]
    return Wanted(one.name, one.protocol, "+".join(words))


def _wanted(word: str, where: str) -> Wanted:
    protocol, colon, variant = word.partition(":")
    spec = spec_of(protocol, where)
    if colon and not variant:
        raise UsageError(f"'{word}' names no variant", where=where, mend=f"write {protocol} alone")
    spec.parse(variant, where)
    return Wanted(word, protocol, variant)
