"""One protocol as the rest of simsim knows it, and the little language in which an arm asks for variants.

tus                              a protocol, and nothing special
ietf:6                           a number alone goes to the protocol's ``numbered`` variant
tus:checksum=sha1+parallel=4     variants, joined by +
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import UsageError, did_you_mean
from simulator.protocols.core import Job
from simulator.protocols.machine import Machine


@dataclass(frozen=True)
class Variant:
    """Something an arm may ask for. ``parse`` makes the value after ``=`` and raises ``ValueError``
    with what is allowed; without it the variant is a word alone, and its value is True.
    """

    name: str
    summary: str
    parse: Callable[[str], Any] | None = None
    example: str = ""


@dataclass(frozen=True)
class ProtocolSpec:
    """One protocol: how a machine of it is made, what an arm may ask for, how servers want it worded."""

    name: str
    make: Callable[[Job], Machine]
    variants: tuple[Variant, ...] = ()
    framings: tuple[str, ...] = ("",)
    numbered: str = ""  # the variant that a number alone stands for
    one_of_these: tuple[str, ...] = ()  # variants of which an arm may ask for one

    def parse(self, text: str, where: str = "") -> Mapping[str, Any]:
        """Return what *text* asks for, by the variants' names. Raises ``UsageError``."""
        options: dict[str, Any] = {}
        for word in text.split("+") if text else ():
            name, _, value = word.partition("=")
            if name.isdecimal() and self.numbered:
                name, value = self.numbered, word
            if name in options:
                raise UsageError(f"'{name}' is said twice", where=where or f"{self.name}:{text}")
            options[name] = self._value(name, value, "=" in word, where or f"{self.name}:{text}")
        both = [name for name in self.one_of_these if name in options]
        if len(both) > 1:
            mend = f"write one of {', '.join(both)}"
            raise UsageError(
                f"{' and '.join(both)} exclude each other", where=where or f"{self.name}:{text}", mend=mend
            )
        return options

    def _value(self, name: str, value: str, given: bool, where: str) -> Any:
        variant = next((one for one in self.variants if one.name == name), None)
        if variant is None:
            known = [one.name for one in self.variants]
            mend = did_you_mean(name, known) if known else "it has none"
            raise UsageError(f"{self.name} has no variant '{name}'", where=where, mend=mend)
        if variant.parse is None:
            if given:
                raise UsageError(f"'{name}' takes no value", where=where, mend=f"write {name} alone")
            return True
        try:
            return variant.parse(value)
        except ValueError as error:
            mend = f"write {name}={variant.example}"
            raise UsageError(f"'{value}' is no {name}: {error}", where=where, mend=mend) from error


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Return what parses a whole number from *lowest* to *highest*; it raises ``ValueError``."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 19 and lowest <= int(text) <= highest):
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """Return what parses one of *words*; it raises ``ValueError``."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return parse
