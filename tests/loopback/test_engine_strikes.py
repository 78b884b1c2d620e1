"""Faults struck by hand, and timelines that begin again."""

from __future__ import annotations

import socket
import time

import pytest

from simulator.errors import UsageError
from simulator.links.embedded import STRIKES, EmbeddedEngine
from simulator.links.engine import LinkSpec
from simulator.weather.timeline import Break, RateCurve, Timeline
from tests.contracts.check_engine import Scene, flat, happened, instant, is_silent, scene, sees_end
from tests.helpers import sinks

pytestmark = pytest.mark.loopback

LINES = {"unlimited": flat(rate=None), "shaped": flat(rate=20e6)}
each_line = pytest.mark.parametrize("line", LINES.values(), ids=LINES)
STALL = 1.5  # seconds: long enough to be told from a busy machine's pauses


def echo_time(client: socket.socket) -> float:
    began = time.monotonic()
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    return time.monotonic() - began


def strike(link: Scene, fault: str, seconds: float = 0.0) -> None:
    assert isinstance(link.engine, EmbeddedEngine)
    link.engine.strike("link", fault, seconds)
    told = link.wait("fault")
    assert told["fault"] == fault
    assert told["until"] - told["planned"] == pytest.approx(seconds, abs=1e-6)


@each_line
def test_a_reset_by_hand_ends_connections_now(line: Timeline) -> None:
    with scene(EmbeddedEngine, line, sinks.Echo()) as link, link.dial() as client:
        echo_time(client)
        strike(link, "reset")
        assert sees_end(client)[0] == "reset"
        with link.dial() as again:
            echo_time(again)


@each_line
def test_a_stall_by_hand_holds_everything_back_for_as_long_as_it_was_told(line: Timeline) -> None:
    with scene(EmbeddedEngine, line, sinks.Echo()) as link, link.dial() as client:
        echo_time(client)
        strike(link, "stall", STALL)
        began = time.monotonic()
        with link.dial() as new:
            assert echo_time(client) > STALL * 0.7
            echo_time(new)
            assert time.monotonic() - began > STALL * 0.7
        assert echo_time(client) < STALL * 0.7


@each_line
def test_an_upload_stands_still_in_a_stall_by_hand_and_goes_on(line: Timeline) -> None:
    with scene(EmbeddedEngine, line) as link, link.dial() as client:
        sinks.send_all(client, bytes(400_000_000))
        sinks.wait_until(lambda: link.server.arrival().nbytes > 200_000)
        strike(link, "stall", STALL)
        until = link.wait("fault")["until"]
        time.sleep(STALL / 3)
        stood = link.server.arrival().nbytes
        time.sleep(STALL / 3)
        if time.monotonic() < until:
            assert link.server.arrival().nbytes == stood
        sinks.wait_until(lambda: link.server.arrival().nbytes > stood + 200_000)


@each_line
def test_the_longer_of_two_stalls_by_hand_counts(line: Timeline) -> None:
    with scene(EmbeddedEngine, line, sinks.Echo()) as link, link.dial() as client:
        echo_time(client)
        strike(link, "stall", STALL)
        assert isinstance(link.engine, EmbeddedEngine)
        link.engine.strike("link", "stall", 0.1)
        assert echo_time(client) > STALL * 0.7


@each_line
def test_a_handover_by_hand_silences_old_connections_and_takes_new_ones_afterwards(line: Timeline) -> None:
    with scene(EmbeddedEngine, line, sinks.Echo()) as link, link.dial() as client:
        echo_time(client)
        strike(link, "handover", STALL)
        with link.dial() as new:
            assert echo_time(new) > STALL * 0.7
        assert is_silent(client, 0.2)


@each_line
def test_down_by_hand_refuses_connections_until_it_is_over(line: Timeline) -> None:
    with scene(EmbeddedEngine, line, sinks.Echo()) as link:
        strike(link, "down", 3 * STALL)
        with pytest.raises(ConnectionRefusedError):
            link.dial()

        def again() -> bool:
            try:
                with link.dial() as client:
                    return echo_time(client) >= 0
            except ConnectionRefusedError:
                return False

        sinks.wait_until(again)


def test_what_cannot_strike_by_hand_is_refused() -> None:
    with EmbeddedEngine() as engine:
        engine.open([LinkSpec("a", "g", flat(), ("127.0.0.1", 9))])
        for fault in ("slow", "spike", "cut-after", "earthquake", ""):
            with pytest.raises(UsageError, match="cannot strike by hand"):
                engine.strike("a", fault)
        with pytest.raises(KeyError):
            engine.strike("b", "reset")
        for fault in STRIKES:
            engine.strike("a", fault, 0.1)
        sinks.wait_until(lambda: bool(engine.events(1)))


def test_a_timeline_that_is_begun_again_does_all_of_it_again() -> None:
    line = flat(breaks=[instant("reset", 0.1), Break(0.2, "stall", 0.3)], curve=RateCurve.constant(8e6))
    with sinks.Echo() as server, EmbeddedEngine() as engine:
        engine.open([LinkSpec("a", "g", line, server.address)])
        t0, said = time.monotonic(), []
        engine.start("a", t0)
        engine.start("a", t0 + 0.6)
        sinks.wait_until(
            lambda: len(happened(said, "fault")) == 4 or said.extend(engine.events(0.2)) is not None
        )
        planned = [round(event["planned"] - t0, 3) for event in happened(said, "fault")]
        assert planned == [0.1, 0.2, 0.7, 0.8]


def test_a_timeline_that_is_begun_again_in_its_middle_leaves_the_rest_of_the_round_before() -> None:
    line = flat(breaks=[instant("reset", 0.1), instant("close", 1.0)])
    with sinks.Echo() as server, EmbeddedEngine() as engine:
        engine.open([LinkSpec("a", "g", line, server.address)])
        t0, said = time.monotonic(), []
        engine.start("a", t0)
        engine.start("a", t0 + 0.5)

        def all_there() -> bool:
            said.extend(engine.events(0.2))
            return len(happened(said, "fault")) == 3

        sinks.wait_until(all_there)
        told = [(event["fault"], round(event["planned"] - t0, 3)) for event in happened(said, "fault")]
        assert told == [("reset", 0.1), ("reset", 0.6), ("close", 1.5)]
        assert all(event["issued"] >= event["planned"] for event in happened(said, "fault"))


@each_line
def test_what_waits_for_bytes_waits_for_as_many_again(line: Timeline) -> None:
    at = Break(0.0, "reset", 0.0, link_bytes=100_000)
    with scene(EmbeddedEngine, flat(rate=line.uplink.rates[0], breaks=[at])) as link:
        for n in range(2):
            with link.dial() as client:
                sinks.send_all(client, bytes(300_000))
                assert link.server.ended(n).nbytes <= 100_000
                assert link.wait("connection", n + 1)["carried_up"] == 100_000
            link.engine.start("link", time.monotonic())
            time.sleep(0.1)
