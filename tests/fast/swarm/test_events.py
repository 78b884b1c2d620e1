"""What an engine says, as records: none of it is lost on the way, and what was not counted stays so."""

from __future__ import annotations

from simulator.records import Change, Fault, dump, load
from simulator.swarm.events import record_of

TIMES = {"link": "3:tus/calm", "planned": 12.0, "issued": 12.5, "done": 13.0}


def test_a_change_becomes_a_record_of_its_user_and_arm_in_the_time_of_the_run() -> None:
    record = record_of({"event": "change", **TIMES, "what": "bandwidth-upstream 125"}, 10.0, "engine")
    assert record == Change(
        t=2.0, user=3, arm="tus/calm", what="bandwidth-upstream 125", issued=2.5, done=3.0
    )
    assert load(dump(record)) == record


def test_connections_that_nobody_counted_are_not_none_at_all() -> None:
    counts = {"fault": "reset", "until": 12.0, "connections": None, "dropped": None}
    record = record_of({"event": "fault", **TIMES, **counts}, 10.0, "engine")
    assert isinstance(record, Fault)
    again = load(dump(record))
    assert isinstance(again, Fault)
    assert (again.connections, again.dropped) == (None, None)
