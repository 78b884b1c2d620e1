"""What a link of simsim proxy does and has done, told from its timeline and events."""

from __future__ import annotations

import math
from typing import Any

from simulator.cli.linkstate import CALM, LinkState, line_of, summary
from simulator.weather.timeline import Break, RateCurve, StepCurve
from tests.contracts.check_engine import flat, instant

BEGUN = 1000.0


def state(**more: Any) -> LinkState:
    return LinkState("1", ("127.0.0.1", 8080), flat(**more), BEGUN)


def fault(kind: str, at: float, lasts: float = 0.0, connections: int = 0) -> dict[str, Any]:
    t = BEGUN + at
    return {
        "event": "fault",
        "link": "1",
        "fault": kind,
        "planned": t,
        "until": t + lasts,
        "issued": t,
        "done": t,
        "connections": connections,
        "dropped": 12_000 * connections,
    }


def connection(end: str, up: int, down: int) -> dict[str, Any]:
    counts = {"carried_up": up, "delivered_up": up, "carried_down": down, "delivered_down": down}
    return {"event": "connection", "link": "1", "port": 4242, "opened": 1.0, "t": 3.5, "end": end, **counts}


def test_a_link_shows_what_its_timeline_says_for_now() -> None:
    link = state(curve=RateCurve((0.0, 5.0), (1e6, 2e6)), delays=StepCurve((0.0, 5.0), (0.01, 0.2)))
    assert (link.rates(BEGUN + 1), link.delay(BEGUN + 1)) == ((1e6, 1e6), 0.01)
    assert (link.rates(BEGUN + 6), link.delay(BEGUN + 6)) == ((2e6, 2e6), 0.2)
    assert link.doing(BEGUN + 6) == CALM


def test_a_fault_shows_for_as_long_as_it_holds_and_a_stall_as_no_rate() -> None:
    link = state(rate=1e6)
    link.take(fault("stall", 1, lasts=5))
    assert link.doing(BEGUN + 2) == "stall 4 s"
    assert link.rates(BEGUN + 2) == (0.0, 0.0)
    link.take(fault("reset", 2))
    assert link.doing(BEGUN + 2) == "stall 4 s"
    assert link.doing(BEGUN + 6.5) == CALM
    assert link.rates(BEGUN + 6.5) == (1e6, 1e6)
    assert link.faults == 2


def test_what_comes_next_is_the_next_break_or_the_new_beginning() -> None:
    link = state(breaks=[instant("reset", 10.0), Break(20.0, "down", 25.0)])
    assert link.coming(BEGUN + 4) == "reset in 6 s"
    assert link.coming(BEGUN + 11) == "down in 9 s"
    assert link.coming(BEGUN + 30) == "begins again in 570 s"
    link.begin_again()
    assert link.coming(BEGUN + 604) == "reset in 6 s"


def test_samples_say_what_is_carried_and_open_and_connections_what_was() -> None:
    link = state()
    counts = {"carried_up": {"1": 5, "2": 7}, "carried_down": {"1": 6}, "connections": {"1": 2}}
    link.take({"event": "sample", **counts})
    link.take(connection("client", 100, 10))
    link.take(connection("reset", 20, 1))
    assert (link.up, link.down, link.connections) == (5, 6, 2)
    assert (link.ended, link.ended_up, link.ended_down) == (2, 120, 11)


def test_each_event_is_one_line_and_a_sample_none() -> None:
    assert line_of(fault("stall", 0, lasts=5)) == "stall for 5 s"
    assert line_of(fault("reset", 0, connections=1)) == "reset: 1 connection, 12 kB dropped"
    assert line_of(fault("reset", 0)) == "reset"
    assert line_of(connection("client", 3_000_000, 17)) == (
        "connection 4242 ended by the client: 3 MB up, 17 B down in 2.5 s"
    )
    assert "ended by the reset" in line_of(connection("reset", 1, 1))
    assert "or never reached it" in line_of(connection("server", 0, 0))
    refused = {"event": "refused", "link": "1", "port": 4242, "t": 1.0, "target": "a:80", "why": "it is odd"}
    assert line_of(refused) == "connection 4242 cannot have a:80: it is odd"
    assert line_of({"event": "sample"}) == ""


def test_the_summary_adds_all_links_up() -> None:
    links = [state(), state()]
    for link in links:
        link.take(connection("client", 1_000_000, 500))
    links[1].take(fault("reset", 1))
    assert summary(links, 63.0, 1) == (
        "carried 2 MB up and 1 kB down over 2 connections in 63 s; 1 fault, 1 of them by hand"
    )


def test_a_fault_that_never_ends_is_shown_too() -> None:
    link = state()
    link.take(fault("cut-after", 0, lasts=math.inf))
    assert "cut-after" in link.doing(BEGUN + 1)
