"""Measured times, which a busy machine may spoil, kept apart from what it may not: bytes, order, being early.

    within(0.2, echo, 0.23)     raises ``Late``
    assert nbytes == size       fails for good

A test under ``best_of_three`` is done anew, from its first line, when a time was out of its bounds: the
tolerance stays as narrow as what it proves. Whatever else fails is never tried again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Late(AssertionError):
    """A measured time or rate is out of its bounds."""


def within(low: float, measured: float, high: float) -> None:
    """Raise ``Late`` unless *measured* lies between *low* and *high*."""
    if not low <= measured <= high:
        raise Late(f"measured {measured:.6g}, not within {low:.6g} and {high:.6g}")


def best_of_three(measure: Callable[P, T]) -> Callable[P, T]:
    """Return *measure*, done up to three times while it raises ``Late``; the third is the last word."""

    @functools.wraps(measure)
    def measured(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(2):
            try:
                return measure(*args, **kwargs)
            except Late:
                continue
        return measure(*args, **kwargs)

    return measured
