"""Sharing out the engine's count of a connection among its requests."""

from __future__ import annotations

import pytest

from simulator.measure.carried import Bound, attribute
from simulator.records import Cause, Connection, Fault, Purpose, Request
from simulator.weather.timeline import RateCurve

HEAD = 10


def request(t: float, end: float, *, sent: int = 0, length: int | None = None, **more: object) -> Request:
    fields = {
        "t": t,
        "end": end,
        "user": 0,
        "arm": "tus",
        "upload": 0,
        "n": 0,
        "purpose": Purpose.APPEND,
        "method": "PATCH",
        "target": "/",
        "start": 0,
        "length": sent if length is None else length,
        "sent": sent,
        "head": HEAD,
        "received": 0,
        "port": 4000,
        "fresh": False,
    }
    return Request(**{**fields, **more})


def connection(opened: float, t: float, carried_up: int, port: int = 4000) -> Connection:
    return Connection(
        t=t,
        opened=opened,
        user=0,
        arm="tus",
        port=port,
        end="reset",
        carried_up=carried_up,
        delivered_up=carried_up,
        carried_down=0,
        delivered_down=0,
    )


def carried(requests: list[Request], connections: list[Connection]) -> list[int]:
    return [passage.carried for passage in attribute(requests, connections)]


def test_a_cut_request_carried_what_its_connection_did_less_the_whole_ones_before_it() -> None:
    requests = [
        request(0, 1, sent=100),
        request(1, 2, n=1, purpose=Purpose.QUERY),
        request(2, 3, n=2, sent=500, length=900, cause=Cause.RESET),
    ]
    # 10 + 100, 10, and 10 + 300 of the last
    assert carried(requests, [connection(0, 3, 430)]) == [100, 0, 300]


def test_a_cut_request_never_carried_more_than_its_socket_took() -> None:
    cut = request(0, 1, sent=50, length=900, cause=Cause.CLOSED)
    assert carried([cut], [connection(0, 1, 9999)]) == [50]


def test_a_cut_request_whose_head_never_passed_carried_nothing() -> None:
    cut = request(0, 1, sent=50, length=900, cause=Cause.RESET)
    assert carried([cut], [connection(0, 1, 4)]) == [0]


def test_an_early_answer_counts_only_what_passed() -> None:
    refused = request(0, 1, sent=500, length=900, status=413)
    assert carried([refused], [connection(0, 1, 310)]) == [300]


def test_an_early_answer_to_a_body_that_the_socket_took_whole_counts_only_what_passed() -> None:
    refused = request(0, 1, sent=500, status=413)
    assert carried([refused], [connection(0, 1, 310)]) == [300]


def test_an_early_answer_that_no_engine_counted_is_uncertain() -> None:
    [passage] = attribute([request(0, 1, sent=500, status=413)], [])
    assert (passage.carried, passage.counted) == (500, False)


def cut(t: float, end: float, n: int = 0, **more: object) -> Request:
    """A dialled request of which the socket took 500 bytes before it was cut."""
    fields = {"n": n, "sent": 500, "length": 900, "fresh": True, "cause": Cause.STALLED}
    return request(t, end, **{**fields, **more})


def test_a_port_used_again_is_told_apart_by_time() -> None:
    connections = [connection(5.1, 6.1, 210), connection(0.1, 1.1, 110)]
    assert carried([cut(5, 6, 1), cut(0, 1)], connections) == [100, 200]


def test_a_connection_taken_after_the_client_gave_up_belongs_to_its_request() -> None:
    hung = cut(0, 1, unsent=400)
    [passage] = attribute([hung], [connection(3, 3.5, 510)])
    assert (passage.carried, passage.counted, passage.late) == (500, True, True)
    assert passage.span == (3, 3.5)


def test_connections_taken_all_at_once_after_a_fault_are_told_apart_by_their_ports() -> None:
    hung = [cut(i, i + 1, i, port=4000 + i) for i in range(3)]
    taken = [connection(9 + i / 100, 9.5, 110 + i, port=4000 + i) for i in (2, 0, 1)]
    assert carried(hung, taken) == [100, 101, 102]


def test_a_port_used_again_after_a_late_connection_keeps_the_two_apart() -> None:
    connections = [connection(3, 3.5, 110), connection(70.1, 71, 210)]
    assert carried([cut(0, 1), cut(70, 71, 1)], connections) == [100, 200]


def test_a_port_used_again_does_not_lend_its_connection_to_one_that_was_never_taken() -> None:
    never, taken = attribute([cut(0, 1, unsent=450), cut(70, 71, 1)], [connection(70.1, 71, 210)])
    assert (never.carried, never.counted, never.connection) == (50, False, None)
    assert taken.carried == 200


def test_a_connection_that_was_never_taken_carried_nothing_where_all_that_were_are_known() -> None:
    [passage] = attribute([cut(0, 1)], [], complete=True)
    assert (passage.carried, passage.counted) == (0, True)


def test_a_request_on_a_kept_connection_that_had_died_carried_nothing() -> None:
    first = request(0, 1, sent=100, fresh=True, status=204)
    dead = request(5, 8, n=1, sent=500, length=900, cause=Cause.STALLED)
    whole, lost = attribute([first, dead], [connection(0.1, 4, 110)])
    assert (whole.carried, lost.carried, lost.counted) == (100, 0, True)


def test_a_connection_that_died_silently_and_ends_with_the_run_is_still_found() -> None:
    cut = request(0, 6, sent=500, length=900, cause=Cause.STALLED)
    assert carried([cut], [connection(0.1, 90.0, 310)]) == [300]


@pytest.mark.parametrize(("unsent", "expected"), [(None, 500), (200, 300), (600, 0)])
def test_without_an_engine_it_is_what_the_socket_took_less_its_send_queue(
    unsent: int | None, expected: int
) -> None:
    cut = request(0, 1, sent=500, length=900, cause=Cause.RESET, unsent=unsent)
    [passage] = attribute([cut], [])
    assert (passage.carried, passage.counted) == (expected, False)


def test_a_whole_request_needs_no_engine_to_be_certain() -> None:
    [passage] = attribute([request(0, 1, sent=500, status=204)], [])
    assert (passage.carried, passage.counted) == (500, True)


def test_a_refused_dial_carried_nothing_for_certain() -> None:
    refused = request(0, 1, length=900, port=None, cause=Cause.REFUSED)
    [passage] = attribute([refused], [connection(0, 1, 400)])
    assert (passage.carried, passage.counted, passage.connection) == (0, True, None)


@pytest.mark.parametrize("cause", [Cause.DEADLINE, Cause.CANCELLED])
def test_the_end_of_the_time_is_no_interruption(cause: Cause) -> None:
    [passage] = attribute([request(0, 1, sent=5, length=9, cause=cause)], [])
    assert not passage.interrupted


def test_a_request_is_ready_once_connected_or_at_once_on_a_kept_connection() -> None:
    kept = request(1, 2)
    dialled = request(1, 2, fresh=True, connected=1.5)
    never = request(1, 2, fresh=True, cause=Cause.REFUSED)
    assert [passage.ready for item in (kept, dialled, never) for passage in attribute([item], [])] == [
        1,
        1.5,
        2,
    ]


# 8 kbit/s are 1000 bytes a second; it stands still from 2 to 4
CURVE = RateCurve((0.0, 2.0, 4.0), (8000.0, 0.0, 8000.0))


def fault(kind: str, issued: float) -> Fault:
    return Fault(t=issued, until=issued, user=0, arm="tus", fault=kind, issued=issued, done=issued)


def estimated(cut: Request, bound: Bound) -> int:
    [passage] = attribute([cut], [], bound=bound)
    assert not passage.counted
    return passage.carried


@pytest.mark.parametrize(
    ("t", "end", "expected"),
    [
        (0.0, 1.0, 1000 - HEAD),
        (0.0, 3.0, 2000 - HEAD),  # nothing in the stall
        (3.0, 4.0, 0),
        (3.0, 4.5, 500 - HEAD),
        (0.0, 9.0, 5000),  # all that the socket took
    ],
)
def test_an_estimate_is_no_more_than_the_links_rate_let_pass(t: float, end: float, expected: int) -> None:
    cut = request(t, end, sent=6000, length=9000, cause=Cause.RESET, unsent=1000)
    assert estimated(cut, Bound(CURVE)) == expected


def test_it_counts_from_when_the_request_could_send_on_a_link_begun_later_than_the_run() -> None:
    cut = request(9.0, 11.0, sent=6000, length=9000, cause=Cause.RESET, fresh=True, connected=10.5)
    assert estimated(cut, Bound(CURVE, start=10.0)) == 500 - HEAD


def test_before_its_start_a_link_passes_as_at_its_first_instant() -> None:
    cut = request(9.0, 10.5, sent=6000, length=9000, cause=Cause.RESET)
    assert estimated(cut, Bound(CURVE, start=10.0)) == 1500 - HEAD


def test_what_passed_after_the_fault_that_cut_it_is_not_its_own() -> None:
    cut = request(0.0, 6.0, sent=6000, length=9000, cause=Cause.STALLED)
    faults = (fault("stall", 0.5), fault("handover", 1.5), fault("reset", 5.0))
    assert estimated(cut, Bound(CURVE, faults=faults)) == 1500 - HEAD


def test_the_engines_own_count_needs_no_bound() -> None:
    cut = request(0, 1, sent=5000, length=9000, cause=Cause.RESET)
    [passage] = attribute([cut], [connection(0, 1, 4010)], bound=Bound(CURVE))
    assert (passage.carried, passage.counted) == (4000, True)


def test_an_unlimited_link_bounds_nothing() -> None:
    cut = request(0, 1, sent=5000, length=9000, cause=Cause.RESET)
    assert estimated(cut, Bound(RateCurve.constant(None))) == 5000
