"""How large the socket buffers along a link are, and so how many bytes can be in flight on it.

Default loopback buffers swallow megabytes of an upload, which a client then believes sent. A
receive buffer alone does not help, because loopback segments are 64 KiB; with TCP_MAXSEG set on
the listener it does. Smoothness follows the buffer too, so buffers grow with the rate. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.weather.timeline import RateCurve, Timeline

LEAST = 8192  # bytes: about 11 kB of segments; half of it still reaches 100 Mbit/s, at a higher price
MOST = 256 * 1024
SPLICE = 1024 * 1024  # bytes: the pipe of an unlimited link's connection that moves much
SECONDS = 0.01  # of the link's fastest rate for SO_RCVBUF, of which the kernel makes twice that
SEGMENT = 1460  # bytes: what Ethernet carries
CLIENT_LEAST = 16 * 1024
GATEWAY_MOST = 64 * 1024  # bytes: past this a gateway holds more and is no faster
SEND_FLOOR = 47 * 1024  # bytes: a loopback send queue takes this much whatever SO_SNDBUF says


@dataclass(frozen=True)
class Buffers:
    """Socket options of one link: bytes for SO_RCVBUF and SO_SNDBUF, TCP_MAXSEG or None for the kernel's."""

    up: int  # towards the server: the listener's receive and the upstream socket's send buffer
    down: int
    segment: int | None


def buffers(timeline: Timeline) -> Buffers:
    """Return the socket options of the link that *timeline* describes."""
    if timeline.unlimited:
        return Buffers(MOST, MOST, None)
    return Buffers(sized(timeline.uplink), sized(timeline.downlink), SEGMENT)


def client_send_buffer(timeline: Timeline) -> int:
    """Return the bytes for a client's SO_SNDBUF and TCP_NOTSENT_LOWAT on this link."""
    return max(CLIENT_LEAST, buffers(timeline).up // 4)


def in_flight_allowance(timeline: Timeline) -> int:
    """Return the most bytes of an upload that may be on their way between client and server.

    That is the modelled queue, the delay line at its fullest, and what the sockets in the way hold:
    the kernel makes twice of each buffer, and a send queue exceeds even that by the segments under way.
    """
    up = buffers(timeline).up
    sockets = 3 * client_send_buffer(timeline) + 2 * up + max(2 * up, SEND_FLOOR)
    link = SPLICE if timeline.unlimited else timeline.queue + _line(timeline)
    return link + sockets


def sized(curve: RateCurve) -> int:
    """Return the bytes for a socket's buffer along a way with that rate."""
    fastest = max(MOST if rate is None else rate / 8 * SECONDS for rate in curve.rates)
    return int(min(MOST, max(LEAST, fastest)))


def _line(timeline: Timeline) -> int:
    fastest = max((rate or 0.0 for rate in timeline.uplink.rates), default=0.0)
    return int(fastest / 8 * (max(timeline.delay.values) + timeline.jitter.spread))


def gateway_buffer(fastest: float | None) -> int:
    """Return the bytes for each socket buffer of a gateway behind links of at most *fastest* bit/s."""
    return GATEWAY_MOST if fastest is None else int(min(GATEWAY_MOST, max(LEAST, fastest / 8 * SECONDS)))


def gateway_allowance(buffer: int) -> int:
    """Return the most bytes of one request that a gateway with such buffers can hold.

    That is what its two sockets take (the kernel makes twice of each buffer, and a send queue has its
    floor) and one read.
    """
    return 2 * buffer + max(2 * buffer, SEND_FLOOR) + buffer
