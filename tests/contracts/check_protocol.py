"""What every upload machine must do, whatever its protocol: the contract of ``simulator.protocols.machine``.

    check_protocol(make, size)      make() returns a fresh machine for one upload of that many bytes

Each check is a function of its own, so that a failure names the promise that was broken.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.protocols.machine import (
    Done,
    Event,
    Failed,
    Informational,
    Interrupted,
    Machine,
    Response,
    Send,
    Step,
    Wait,
)
from simulator.records import Cause
from tests.helpers.coreserver import ENDPOINTS, CoreServer
from tests.helpers.ietfserver import IetfServer
from tests.helpers.modelserver import ModelServer, payload, play

Make = Callable[[], Machine]
CUT = Interrupted(Cause.RESET, 0)


def check_protocol(make: Make, size: int) -> None:
    """Hold the machines that *make* returns to the whole contract."""
    for check in CHECKS:
        check(make, size)


def check_it_begins_with_a_request_and_knows_of_no_offset(make: Make, size: int) -> None:
    machine = make()
    assert machine.offset == 0
    step = machine.next()
    assert isinstance(step, Send)
    assert "://" in step.target and 0 <= step.start <= step.stop <= size


def check_an_event_without_a_request_is_refused(make: Make, size: int) -> None:
    for event in (CUT, Response(200, (), 0), Informational(104, ())):
        with pytest.raises(RuntimeError):
            make().receive(event)


def check_no_second_step_while_an_answer_is_awaited(make: Make, size: int) -> None:
    machine = make()
    machine.next()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            machine.next()


def check_informational_answers_leave_the_request_open(make: Make, size: int) -> None:
    machine = make()
    machine.next()
    for status in (100, 102, 103, 104):
        machine.receive(Informational(status, (("upload-offset", "not a number"),)))
    with pytest.raises(RuntimeError):
        machine.next()
    machine.receive(CUT)


def check_one_answer_ends_a_request(make: Make, size: int) -> None:
    for event in (CUT, Response(500, (), 0), Response(418, (), 0)):
        machine = make()
        machine.next()
        machine.receive(event)
        with pytest.raises(RuntimeError):
            machine.receive(event)


def check_a_wait_is_handed_out_once_and_takes_no_answer(make: Make, size: int) -> None:
    machine = make()
    machine.next()
    machine.receive(CUT)
    assert isinstance(machine.next(), Wait)
    with pytest.raises(RuntimeError):
        machine.receive(CUT)
    assert isinstance(machine.next(), Send)


def check_a_refusal_is_final(make: Make, size: int) -> None:
    machine = make()
    machine.next()
    machine.receive(Response(401, (), 0))
    _assert_over(machine, Failed)


def check_it_is_done_when_the_server_has_everything_and_stays_done(make: Make, size: int) -> None:
    machine, server = make(), _server_for(make())
    story = play(machine, server, payload(size), [])
    assert isinstance(story.end, Done), story.end
    assert machine.offset == size
    assert server.copies(payload(size)) == 1
    _assert_over(machine, Done)


def check_an_unreachable_server_never_makes_it_done_or_spin(make: Make, size: int) -> None:
    machine = make()
    steps = [_step(machine, CUT) for _ in range(60)]
    assert sum(isinstance(step, Send) for step in steps) == 30, "one wait, one request"
    assert not any(isinstance(step, Done | Failed) for step in steps)
    waited = sum(step.seconds for step in steps if isinstance(step, Wait))
    assert waited > sum(isinstance(step, Send) for step in steps), "it asks more than once a second"


def check_two_machines_told_the_same_say_the_same(make: Make, size: int) -> None:
    answers: list[Event] = [Response(503, (("retry-after", "3"),), 0), CUT, CUT, Response(200, (), size)]
    told = []
    for _ in range(2):
        machine = make()
        told.append([[_step(machine, event), _step(machine, event)] for event in answers])
    assert told[0] == told[1]


CHECKS: tuple[Callable[[Make, int], None], ...] = (
    check_it_begins_with_a_request_and_knows_of_no_offset,
    check_an_event_without_a_request_is_refused,
    check_no_second_step_while_an_answer_is_awaited,
    check_informational_answers_leave_the_request_open,
    check_one_answer_ends_a_request,
    check_a_wait_is_handed_out_once_and_takes_no_answer,
    check_a_refusal_is_final,
    check_it_is_done_when_the_server_has_everything_and_stays_done,
    check_an_unreachable_server_never_makes_it_done_or_spin,
    check_two_machines_told_the_same_say_the_same,
)


def _server_for(machine: Machine) -> ModelServer | CoreServer | IetfServer:
    """Return an honest server for what *machine* says first."""
    step = machine.next()
    assert isinstance(step, Send)
    interop = dict(step.headers).get("Upload-Draft-Interop-Version")
    if interop is not None:
        return IetfServer(int(interop))
    return CoreServer() if step.target.startswith(tuple(ENDPOINTS.values())) else ModelServer()


def _step(machine: Machine, event: Event) -> Step:
    """Take one step and, when it is a request, let *event* be what came of it."""
    step = machine.next()
    if isinstance(step, Send):
        machine.receive(event)
    return step


def _assert_over(machine: Machine, kind: type[Done | Failed]) -> None:
    end = machine.next()
    assert isinstance(end, kind) and machine.next() == end
    with pytest.raises(RuntimeError):
        machine.receive(CUT)
