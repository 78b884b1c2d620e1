"""``interim``: 1xx answers are dropped, thinned out or delayed. 100 is not touched: it is asked for."""

from __future__ import annotations

from simulator.links.gateway.verbs import Delay, Interim, Verb
from simulator.weather.hops import Do


def strike(do: Do, subject: Interim) -> tuple[Interim | None, tuple[Verb, ...]]:
    """Drop what is not to be kept (all, unless the step says otherwise), delay what is."""
    keep = do.keep or ("all" if do.delay else "none")
    if keep == "none" or (keep == "first" and subject.number > 0):
        return None, ()
    return subject, (Delay(do.delay),) if do.delay else ()
