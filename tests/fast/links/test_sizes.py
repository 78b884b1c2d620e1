"""How large the buffers of a link are."""

from __future__ import annotations

import pytest

from simulator.links import client_send_buffer, gateway_allowance, gateway_buffer, in_flight_allowance
from simulator.links.sizes import GATEWAY_MOST, LEAST, MOST, SEGMENT, buffers
from tests.contracts.check_engine import flat


def test_an_unlimited_link_has_large_buffers_and_the_kernels_own_segments() -> None:
    sizes = buffers(flat(rate=None))
    assert (sizes.up, sizes.down, sizes.segment) == (MOST, MOST, None)


@pytest.mark.parametrize(("rate", "up"), [(1e5, LEAST), (2e6, LEAST), (1e7, 12_500), (1e9, MOST)])
def test_buffers_grow_with_the_rate(rate: float, up: int) -> None:
    sizes = buffers(flat(rate=rate))
    assert (sizes.up, sizes.segment) == (up, SEGMENT)


def test_a_link_that_is_unlimited_but_delayed_is_shaped() -> None:
    assert buffers(flat(rate=None, delay=0.01)).segment == SEGMENT


def test_a_slow_links_client_holds_little() -> None:
    assert client_send_buffer(flat(rate=2e6)) == 16 * 1024


def test_the_allowance_is_the_queue_the_delay_line_and_the_sockets() -> None:
    short = in_flight_allowance(flat(rate=8e6, delay=0.0, queue=10_000))
    assert in_flight_allowance(flat(rate=8e6, delay=0.0, queue=50_000)) == short + 40_000
    assert in_flight_allowance(flat(rate=8e6, delay=0.05, queue=10_000)) == short + 50_000
    assert short - 10_000 < 128 * 1024


def test_a_gateway_is_as_wide_as_the_widest_link_before_it_up_to_what_serves_it() -> None:
    assert [gateway_buffer(rate) for rate in (1e5, 1e7)] == [LEAST, 12_500]
    assert [gateway_buffer(rate) for rate in (1e9, None)] == [GATEWAY_MOST, GATEWAY_MOST]


def test_a_gateway_holds_its_sockets_and_one_read() -> None:
    assert gateway_allowance(GATEWAY_MOST) == 5 * GATEWAY_MOST
    assert gateway_allowance(LEAST) == 3 * LEAST + 47 * 1024  # a send queue has its floor
