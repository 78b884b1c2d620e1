"""The registrar hands each slot out once, whatever Locust spawns, and ends a run once."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from simulator.swarm.registrar import Registrar
from tests.helpers.plans import make_job


class Wire:
    """A Locust runner's messages, kept in a list."""

    def __init__(self) -> None:
        self.listeners: dict[str, Any] = {}
        self.sent: list[tuple[str, Any, str | None]] = []

    def register_message(self, msg_type: str, listener: Any, concurrent: bool = False) -> None:
        self.listeners[msg_type] = listener

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        self.sent.append((msg_type, data, client_id))

    def arrive(self, msg_type: str, data: Any, node: str = "w1") -> None:
        self.listeners[msg_type](environment=None, msg=SimpleNamespace(data=data, node_id=node))


def registrar() -> tuple[Registrar, Wire, list[str], list[str]]:
    wire, lines, ends = Wire(), [], []
    hub = Registrar(wire, lines.extend, ends.append)
    hub.begin(make_job())
    return hub, wire, lines, ends


def claim(wire: Wire, name: str, node: str = "w1", needs_job: bool = False) -> dict[str, Any]:
    wire.arrive("simsim-claim", {"id": name, "needs_job": needs_job}, node)
    kind, data, client = wire.sent[-1]
    assert (kind, data["id"], client) == ("simsim-slot", name, node)
    return data


def test_every_slot_is_handed_out_once_and_surplus_users_get_none() -> None:
    _, wire, _, _ = registrar()
    assert [claim(wire, f"c{n}")["slot"] for n in range(6)] == [0, 1, 2, 3, -1, -1]


def test_the_job_goes_only_to_a_worker_that_has_none() -> None:
    _, wire, _, _ = registrar()
    assert json.loads(claim(wire, "a", needs_job=True)["job"])["plan"]["users"] == 2
    assert "job" not in claim(wire, "b")


def test_before_a_run_begins_nobody_gets_a_slot() -> None:
    wire = Wire()
    Registrar(wire, lambda _: None, lambda _: None)
    assert claim(wire, "early", needs_job=True) == {"id": "early", "slot": -1}


def test_a_run_ends_when_every_slot_is_through_and_no_sooner() -> None:
    _, wire, _, ends = registrar()
    for slot in (2, 0, 0, 3):
        wire.arrive("simsim-done", {"slot": slot})
    assert ends == []
    wire.arrive("simsim-done", {"slot": 1})
    assert ends == [""]


def test_a_part_that_died_ends_the_run_with_its_cause() -> None:
    _, wire, _, ends = registrar()
    wire.arrive("simsim-broken", {"cause": "the engine was killed"})
    assert ends == ["the engine was killed"]


def test_a_run_ends_only_once_and_then_gives_no_slot() -> None:
    _, wire, _, ends = registrar()
    claim(wire, "a")
    for node, cause in (("w1", "its engine died"), ("w2", "and another")):
        wire.arrive("simsim-broken", {"cause": cause}, node)
    for slot in range(4):
        wire.arrive("simsim-done", {"slot": slot})
    assert ends == ["its engine died"]
    assert claim(wire, "b")["slot"] == -1


def test_records_are_passed_on_in_order() -> None:
    _, wire, lines, _ = registrar()
    wire.arrive("simsim-records", {"lines": ["a", "b"]})
    wire.arrive("simsim-records", {"lines": ["c"]}, "w2")
    assert lines == ["a", "b", "c"]


def test_a_second_run_begins_anew() -> None:
    hub, wire, _, ends = registrar()
    claim(wire, "a")
    wire.arrive("simsim-broken", {"cause": "the first"})
    wire.arrive("simsim-closed", {})
    hub.begin(make_job())
    assert (claim(wire, "b")["slot"], hub.closed, ends) == (0, set(), ["the first"])
    wire.arrive("simsim-broken", {"cause": "the second"})
    assert ends == ["the first", "the second"]
