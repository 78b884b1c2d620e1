"""Links: timelines become addresses to dial. link.py and sizes.py are pure; engines make links real."""

from simulator.links.sizes import (
    client_send_buffer,
    gateway_allowance,
    gateway_buffer,
    in_flight_allowance,
)

__all__ = ["client_send_buffer", "gateway_allowance", "gateway_buffer", "in_flight_allowance"]
