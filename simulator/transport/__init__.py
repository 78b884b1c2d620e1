"""Transport: how bytes leave a client: an httpx transport on h11 and one non-blocking socket.

httpx.Client -> LinkTransport -> Conversation -> h11.Connection
                    |                |
                    +-- dial ------> Wire -> Waiter (poll, or gevent's hub)

exchange      what a request did, filled in while it runs
transport     keeps or dials a connection for each request
conversation  one request and its answer: reads while it writes
outgoing      the request as pieces for the socket
clock         stall time-out and deadline (pure)
wire          the socket; httpx's exceptions are raised here
dial          connects, and speaks TLS if the URL asks for it
waiter        the seam to waiting
causes        httpx's exceptions -> the causes of records
"""

from simulator.transport.causes import cause_of
from simulator.transport.exchange import DeadlinePassed, Exchange, RawHeaders
from simulator.transport.transport import LinkTransport
from simulator.transport.waiter import PollWaiter, Waiter

__all__ = [
    "DeadlinePassed",
    "Exchange",
    "LinkTransport",
    "PollWaiter",
    "RawHeaders",
    "Waiter",
    "cause_of",
]
